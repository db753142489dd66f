/** The headers that only older SDKs send: an application's id, and a nonce that counts once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DfnsError } from '@dfns/sdk';
import { generateNonce } from '@dfns/sdk/utils/nonce.js';
import * as current from '../client.mjs';
import { recover } from '../crypto/recovery.mjs';
import { startPassthrough } from '../passthrough.mjs';
import { assertErrorBody, isDfnsError } from '../sdk/assertions.mjs';
import { freshExport, importFreshKey } from '../sdk/flows.mjs';
import { offeredSchemes } from '../sdk/schemes.mjs';
import { apiOptions, connect } from './client.mjs';

const NONCE_INVALID = 'request nonce is missing or invalid';
const NONCE_USED = 'request nonce has already been used';

let passthrough;
let client;

before(async () => {
  passthrough = await startPassthrough(apiOptions.baseUrl);
  client = connect({ baseUrl: passthrough.url });
});

after(() => passthrough.close());

test('every request of an export has the application and a nonce of its own, and they go through', async () => {
  const [account] = current.accounts();
  const { key, secret } = await importFreshKey(current.connect(account), offeredSchemes[0]);
  const { decryptionKey, body } = freshExport();
  const seen = await seenDuring(async () => {
    await client.signers.listSigners();
    const walletId = key.id.replace(/^key-/, 'wa-');
    assert.equal(recover(decryptionKey, await client.wallets.exportWallet({ walletId, body })), secret);
  });
  assert.deepEqual(seen.map(({ method }) => method), ['GET', 'POST', 'POST', 'POST']);
  for (const { headers } of seen) assert.equal(headers['x-dfns-appid'], apiOptions.appId);
  assert.equal(new Set(seen.map(({ headers }) => headers['x-dfns-nonce'])).size, seen.length);
});

test('an application without an id goes through as "undefined"', async () => {
  const nameless = connect({ baseUrl: passthrough.url, appId: undefined });
  const [{ headers }] = await seenDuring(() => nameless.signers.listSigners());
  assert.equal(headers['x-dfns-appid'], 'undefined');
});

test('a secret of the application is passed over', async () => {
  const withSecret = connect({ baseUrl: passthrough.url, appSecret: 'not looked at' });
  const [{ headers }] = await seenDuring(() => withSecret.signers.listSigners());
  assert.equal(headers['x-dfns-appsecret'], 'not looked at');
});

test('a request that is sent again with its nonce is refused', async () => {
  const [{ headers }] = await seenDuring(() => client.signers.listSigners());
  const nonce = headers['x-dfns-nonce'];
  await assertRefused({ nonce }, NONCE_USED);
  await assertRefused({ nonce, path: '/keys' }, NONCE_USED);
});

test('a nonce counts once for its user only', async () => {
  const nonce = generateNonce();
  const [first, second] = current.accounts();
  for (const { authToken } of [first, second]) {
    assert.equal((await get({ nonce, authToken })).status, 200);
  }
  await assertRefused({ nonce, authToken: second.authToken }, NONCE_USED);
});

const malformed = [
  { name: 'an empty one', nonce: '' },
  { name: 'no base64url', nonce: '{"uuid":1}' },
  { name: 'padding', nonce: Buffer.from('{"uuid":"?"}').toString('base64') },
  { name: 'no JSON', nonce: encoded('nonce') },
  { name: 'no uuid', nonce: encoded('{"date":"2024-01-01T00:00:00.000Z"}') },
  { name: 'a uuid that is none', nonce: encoded('{"uuid":"1","date":"2024-01-01T00:00:00.000Z"}') },
  { name: 'a date that is none', nonce: encoded('{"uuid":"b7e23ec2-9af5-4f1d-8f5c-0a5a1c1f7a10","date":"now"}') },
];

for (const { name, nonce } of malformed) {
  test(`a malformed nonce is refused: ${name}`, () => assertRefused({ nonce }, NONCE_INVALID));
}

test('what is refused reaches the older SDK\'s user as its own error', async () => {
  const stranger = connect({ authToken: 'not.a.token' });
  await assert.rejects(stranger.signers.listSigners(), isDfnsError(401, /./, { SdkError: DfnsError }));
});

/** The requests that the passthrough sees while work runs. */
async function seenDuring(work) {
  const before = passthrough.seen.length;
  await work();
  return passthrough.seen.slice(before);
}

async function assertRefused(request, message) {
  const response = await get(request);
  assert.equal(response.status, 400);
  const body = await response.json();
  assertErrorBody(body, 400);
  assert.equal(body.message, message);
}

function get({ nonce, path = '/signers', authToken = apiOptions.authToken }) {
  const application = { 'x-dfns-appid': apiOptions.appId, 'x-dfns-nonce': nonce };
  const headers = { authorization: `Bearer ${authToken}`, ...application };
  return fetch(new URL(path, apiOptions.baseUrl), { headers });
}

function encoded(text) {
  return Buffer.from(text).toString('base64url');
}
