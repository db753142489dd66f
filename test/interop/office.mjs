/**
 * Accounts made by `keyferry admin` beside a running `keyferry dev`. This file is
 * the only one that knows those commands. It finds both through the environment
 * that run.mjs gives to the tests.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { variable } from './environment.mjs';

const PERMISSIONS = ['Keys:Export', 'Keys:Import', 'Keys:Read', 'Signers:ListSigners'];

/** A service account that may do everything on keys: its id and its token. */
export async function createAccount(name, env = process.env) {
  const { id } = await admin(env, 'account', 'create', '--org', variable(env, 'DFNS_ORG_ID'), '--name', name);
  await admin(env, 'permission', 'grant', '--account', id, ...PERMISSIONS.flatMap((p) => ['--permission', p]));
  const { token } = await admin(env, 'token', 'issue', '--account', id);
  return { id, authToken: token };
}

/**
 * Registers what an account signs with and gives the credential's id. Keys are PEM
 * text; only a PasswordProtectedKey has an encryptedPrivateKey, and only a Fido2
 * credential must say its id.
 */
export async function addCredential(accountId, credential, env = process.env) {
  const { kind = 'Key', credId, publicKey, encryptedPrivateKey } = credential;
  const dir = await mkdtemp(join(variable(env, 'INTEROP_DIR'), 'credential-'));
  const words = ['--account', accountId, '--kind', kind];
  words.push('--public-key', await keyFile(dir, 'public.pem', publicKey));
  if (credId) words.push(`--credential-id=${credId}`); // with =, as it may begin with a hyphen
  if (encryptedPrivateKey) {
    words.push('--encrypted-private-key', await keyFile(dir, 'private.encrypted', encryptedPrivateKey));
  }
  const { id } = await admin(env, 'credential', 'add', ...words);
  return id;
}

/** The P256_ variables for the tests: an account beside that of client.env. */
export async function createP256Account(env) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { id, authToken } = await createAccount('interop P-256', env);
  const credId = await addCredential(id, { publicKey: publicKey.export({ type: 'spki', format: 'pem' }) }, env);
  return {
    P256_DFNS_CRED_ID: credId,
    P256_DFNS_AUTH_TOKEN: authToken,
    P256_DFNS_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

async function keyFile(dir, name, text) {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

async function admin(env, ...words) {
  const command = ['admin', '--dir', variable(env, 'INTEROP_DIR'), ...words, '--json'];
  const { stdout } = await promisify(execFile)(variable(env, 'INTEROP_BINARY'), command, { timeout: 30_000 });
  return JSON.parse(stdout);
}
