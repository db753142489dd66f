/** What is refused reaches the SDK's user as a DfnsError that says why. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { accounts, connect } from '../client.mjs';
import { recover } from '../crypto/recovery.mjs';
import { negatives } from '../crypto/vectors.mjs';
import { post, signAction } from '../useraction.mjs';
import { isDfnsError } from './assertions.mjs';
import { freshExport, importFreshKey } from './flows.mjs';
import { offeredSchemes, supportedSchemes } from './schemes.mjs';

const UNKNOWN_KEY = 'key-00000-00000-0000000000000000';
const [scheme, otherScheme] = offeredSchemes;
const [account, otherAccount] = accounts();
const client = connect(account);
let keyId;
let secret;

before(async () => {
  const imported = await importFreshKey(client, scheme);
  keyId = imported.key.id;
  secret = imported.secret;
});

test('a key that does not exist is not found', async () => {
  await assert.rejects(client.keys.getKey({ keyId: UNKNOWN_KEY }), isDfnsError(404));
  const { body } = freshExport();
  await assert.rejects(client.keys.exportKey({ keyId: UNKNOWN_KEY, body }), isDfnsError(404));
});

for (const { id, encryptionKey } of negatives('encryptionKey')) {
  test(`a bad encryption key is refused and exports nothing: ${id}`, async () => {
    const body = { encryptionKey, supportedSchemes };
    await assert.rejects(client.keys.exportKey({ keyId, body }), isDfnsError(400));
    await assertNotExported();
  });
}

test("a key whose scheme is not among the client's is refused and exports nothing", async () => {
  const { protocol, curve } = otherScheme;
  for (const schemes of [[{ protocol, curve }], []]) {
    const body = { ...freshExport().body, supportedSchemes: schemes };
    await assert.rejects(client.keys.exportKey({ keyId, body }), isDfnsError(400));
    await assertNotExported();
  }
});

test('an export without a user action is refused', async () => {
  const request = post(account, exportRequest());
  await assert.rejects(request, isDfnsError(403, /^user action signature is missing or invalid$/));
  await assertNotExported();
});

test('an encryption key that was swapped after signing is refused', async () => {
  const userAction = await signAction(account, exportRequest());
  const request = post(account, exportRequest(), userAction);
  await assert.rejects(request, isDfnsError(403));
  await assertNotExported();
});

test("another user's action is refused", async () => {
  const request = exportRequest();
  const userAction = await signAction(otherAccount, request);
  await assert.rejects(post(account, request, userAction), isDfnsError(403));
  await assertNotExported();
});

test('a request without a token is refused', async () => {
  const stranger = connect({ ...account, authToken: undefined });
  await assert.rejects(stranger.keys.listKeys(), isDfnsError(401));
});

// Last of the tests on this key: it is the one that exports it.
test('a user action that was used is refused the second time', async () => {
  const { decryptionKey, ...request } = exportRequest();
  const userAction = await signAction(account, request);
  assert.equal(recover(decryptionKey, await post(account, request, userAction)), secret);
  const again = post(account, request, userAction);
  await assert.rejects(again, isDfnsError(400, /^user action has already been used$/));
});

function exportRequest() {
  const { decryptionKey, body } = freshExport();
  return { decryptionKey, path: `/keys/${keyId}/export`, body };
}

async function assertNotExported() {
  const key = await client.keys.getKey({ keyId });
  assert.ok(!key.exported);
  assert.ok(!('dateExported' in key));
}
