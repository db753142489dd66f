/**
 * Official SDK clients for the accounts that the environment describes. The
 * variables are those of client.env as `keyferry dev` writes it; a second
 * account has the same names with a prefix (P256_DFNS_CRED_ID, ...).
 */
import { createPrivateKey } from 'node:crypto';
import { DfnsApiClient, DfnsDelegatedApiClient } from '@dfns/sdk';
import { AsymmetricKeySigner } from '@dfns/sdk-keysigner';

/** The accounts every SDK test runs with: one per kind of credential key. */
export function accounts(env = process.env) {
  return [
    account(env, { prefix: '', label: 'Ed25519', keyType: 'ed25519' }),
    account(env, { prefix: 'P256_', label: 'P-256', keyType: 'ec' }),
  ];
}

export function variable(env, name) {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: run these tests through run.mjs`);
  return value;
}

function account(env, { prefix, label, keyType }) {
  const privateKey = variable(env, `${prefix}DFNS_PRIVATE_KEY`);
  const actual = createPrivateKey(privateKey).asymmetricKeyType;
  if (actual !== keyType) throw new Error(`${prefix}DFNS_PRIVATE_KEY is ${actual}, expected ${keyType}`);
  return Object.freeze({
    label,
    baseUrl: variable(env, 'DFNS_API_URL'),
    orgId: variable(env, 'DFNS_ORG_ID'),
    authToken: variable(env, `${prefix}DFNS_AUTH_TOKEN`),
    signer: new AsymmetricKeySigner({ credId: variable(env, `${prefix}DFNS_CRED_ID`), privateKey }),
  });
}

/** The options both kinds of client take; orgId makes the SDK check the token's organisation. */
export function apiOptions({ baseUrl, orgId, authToken }) {
  return { baseUrl, orgId, authToken };
}

export function connect(account) {
  return new DfnsApiClient({ ...apiOptions(account), signer: account.signer });
}

export function connectDelegated(account) {
  return new DfnsDelegatedApiClient(apiOptions(account));
}
