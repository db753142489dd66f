/**
 * A service account with a P-256 credential, made by `keyferry admin` beside a
 * running `keyferry dev`. This file is the only one that knows those commands.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PERMISSIONS = ['Keys:Export', 'Keys:Import', 'Keys:Read', 'Signers:ListSigners'];

/** The P256_ variables for the tests. */
export async function createP256Account(binary, dir, { DFNS_ORG_ID: orgId }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKeyFile = join(dir, 'p256.pub.pem');
  await writeFile(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));

  const admin = (...words) => run(binary, ['admin', '--dir', dir, ...words, '--json']);
  const account = await admin('account', 'create', '--org', orgId, '--name', 'interop P-256');
  await admin('permission', 'grant', '--account', account.id, ...PERMISSIONS.flatMap((p) => ['--permission', p]));
  const credential = await admin('credential', 'add', '--account', account.id, '--public-key', publicKeyFile);
  const { token } = await admin('token', 'issue', '--account', account.id);

  return {
    P256_DFNS_CRED_ID: credential.id,
    P256_DFNS_AUTH_TOKEN: token,
    P256_DFNS_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

async function run(binary, words) {
  const { stdout } = await promisify(execFile)(binary, words, { timeout: 30_000 });
  return JSON.parse(stdout);
}
