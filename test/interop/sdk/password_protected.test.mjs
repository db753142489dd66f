/** Credentials whose private key the service keeps, encrypted by the client. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';
import { BaseAuthApi, DfnsError } from '@dfns/sdk';
import { accountOf, accounts, apiOptions, connect } from '../client.mjs';
import { addCredential, createAccount } from '../office.mjs';
import { assertMembers, isDfnsError } from './assertions.mjs';
import { exportAndRecover, freshExport, importFreshKey } from './flows.mjs';
import { PasswordProtectedKeySigner, encryptPrivateKey } from './passwordsigner.mjs';
import { offeredSchemes } from './schemes.mjs';

const PASSWORD = 'correct horse battery staple';
const label = 'PasswordProtectedKey';

let authToken;
let credId;
let encryptedPrivateKey;
let key;
let secret;

before(async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  encryptedPrivateKey = encryptPrivateKey(privateKey, PASSWORD);
  const account = await createAccount(`interop ${label}`);
  authToken = account.authToken;
  const spki = publicKey.export({ type: 'spki', format: 'pem' });
  credId = await addCredential(account.id, { kind: label, publicKey: spki, encryptedPrivateKey });
  const [importer] = accounts();
  ({ key, secret } = await importFreshKey(connect(importer), offeredSchemes[0]));
});

test('the private key comes with its own user\'s challenge, as it was registered', async () => {
  const challenge = await challengeFor(accountOf({ label, authToken }));
  assert.deepEqual(challenge.supportedCredentialKinds.map(({ kind }) => kind), [label]);
  const { passwordProtectedKey, ...others } = challenge.allowCredentials;
  assert.deepEqual(others, { key: [], webauthn: [] });
  const [entry] = passwordProtectedKey;
  assertMembers(entry, ['type', 'id', 'encryptedPrivateKey']);
  assert.equal(entry.type, 'public-key');
  assert.equal(entry.id, credId);
  assert.equal(entry.encryptedPrivateKey.trim(), encryptedPrivateKey.trim());
});

test('the encrypted private key is shown to no other user', async () => {
  for (const account of accounts()) {
    const { allowCredentials } = await challengeFor(account);
    assert.deepEqual(allowCredentials.passwordProtectedKey, []);
  }
});

test('a key is exported with the private key that the password opens', async () => {
  const { recovered } = await exportAndRecover(clientWith({ credId, password: PASSWORD }), key.id);
  assert.equal(recovered, secret);
});

test('a wrong password fails before anything is sent', async () => {
  const client = clientWith({ credId, password: 'guessed' });
  await assert.rejects(exportAndRecover(client, key.id), (error) => !(error instanceof DfnsError));
});

test('an assertion under another kind than the credential\'s is refused', async () => {
  const client = clientWith({ credId, password: PASSWORD, kind: 'Key' });
  const { body } = freshExport();
  await assert.rejects(client.keys.exportKey({ keyId: key.id, body }), isDfnsError(401));
});

function clientWith(options) {
  return connect(accountOf({ label, authToken, signer: new PasswordProtectedKeySigner(options) }));
}

function challengeFor(account) {
  const request = {
    userActionPayload: '{}',
    userActionHttpMethod: 'POST',
    userActionHttpPath: `/keys/${key.id}/export`,
    userActionServerKind: 'Api',
  };
  return BaseAuthApi.createUserActionChallenge(request, apiOptions(account));
}
