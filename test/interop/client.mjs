/**
 * Official SDK clients for the accounts that the environment describes. The
 * variables are those of client.env as `keyferry dev` writes it; a second
 * account has the same names with a prefix (P256_DFNS_CRED_ID, ...).
 */
import { createPrivateKey } from 'node:crypto';
import { DfnsApiClient, DfnsDelegatedApiClient } from '@dfns/sdk';
import { AsymmetricKeySigner } from '@dfns/sdk-keysigner';
import { variable } from './environment.mjs';

/** The accounts the whole journey runs with. */
export function accounts(env = process.env) {
  return [
    accountFrom(env, { prefix: '', label: 'Ed25519', keyType: 'ed25519' }),
    accountFrom(env, { prefix: 'P256_', label: 'P-256', keyType: 'ec' }),
  ];
}

function accountFrom(env, { prefix, label, keyType }) {
  const privateKey = variable(env, `${prefix}DFNS_PRIVATE_KEY`);
  const actual = createPrivateKey(privateKey).asymmetricKeyType;
  if (actual !== keyType) throw new Error(`${prefix}DFNS_PRIVATE_KEY is ${actual}, expected ${keyType}`);
  const signer = new AsymmetricKeySigner({ credId: variable(env, `${prefix}DFNS_CRED_ID`), privateKey });
  return accountOf({ label, authToken: variable(env, `${prefix}DFNS_AUTH_TOKEN`), signer }, env);
}

/** An account of the environment's organisation, with whatever it signs with. */
export function accountOf({ label, authToken, signer }, env = process.env) {
  const [baseUrl, orgId] = [variable(env, 'DFNS_API_URL'), variable(env, 'DFNS_ORG_ID')];
  return Object.freeze({ label, baseUrl, orgId, authToken, signer });
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
