/** What the SDK does not show: raw answers, and requests it would never make. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaseAuthApi } from '@dfns/sdk';
import { accounts, apiOptions } from '../client.mjs';
import { assertErrorBody } from './assertions.mjs';

const [account] = accounts();

test('a challenge has what every official signer reads', async () => {
  const challenge = await BaseAuthApi.createUserActionChallenge(
    {
      userActionPayload: '{}',
      userActionHttpMethod: 'POST',
      userActionHttpPath: '/keys/import',
      userActionServerKind: 'Api',
    },
    apiOptions(account),
  );
  assert.match(challenge.challenge, /^[A-Za-z0-9_-]{20,}$/);
  assert.equal(typeof challenge.challengeIdentifier, 'string');
  assert.equal(challenge.externalAuthenticationUrl, '');
  assert.ok(['required', 'preferred', 'discouraged'].includes(challenge.userVerification));
  assert.ok(['none', 'indirect', 'direct', 'enterprise'].includes(challenge.attestation));
  assert.deepEqual(Object.keys(challenge.rp).sort(), ['id', 'name']);
  assert.ok(challenge.supportedCredentialKinds.some(({ kind }) => kind === 'Key'));
  const { key, webauthn } = challenge.allowCredentials;
  assert.ok(key.some(({ type, id }) => type === 'public-key' && id === account.signer.options.credId));
  assert.ok(Array.isArray(webauthn));
});

test('the token is a JWT with an expiry and its organisation', () => {
  const [, payload] = account.authToken.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  assert.ok(claims.exp > Date.now() / 1000);
  assert.equal(claims['https://custom/app_metadata'].orgId, account.orgId);
});

const odd = [
  { name: 'an unknown path', path: '/no/such/path', method: 'GET', status: 404 },
  { name: 'a path below a key', path: '/keys/import/more', method: 'GET', status: 404 },
  { name: 'a method the path does not have', path: '/signers', method: 'DELETE' },
  { name: 'an unknown path without a token', path: '/no/such/path', method: 'GET', token: null },
  { name: 'a token that is none', path: '/keys', method: 'GET', token: 'not.a.token', status: 401 },
  { name: 'a body that is no JSON', path: '/auth/action/init', method: 'POST', body: '{', status: 400 },
  { name: 'a repeated member', path: '/auth/action', method: 'POST', body: '{"a":1,"a":1}', status: 400 },
];

for (const { name, status, ...request } of odd) {
  test(`${name} is answered with a JSON object`, async () => {
    const response = await raw(request);
    assert.ok(response.status >= 400 && response.status < 500, `status ${response.status}`);
    if (status !== undefined) assert.equal(response.status, status);
    assert.match(response.headers.get('content-type'), /^application\/json/);
    assertErrorBody(await response.json(), response.status);
  });
}

test('doubled slashes are folded, not redirected', async () => {
  const response = await raw({ path: '//keys', method: 'GET' });
  assert.equal(response.status, 200);
  assert.ok(Array.isArray((await response.json()).items));
});

test('headers of older clients do no harm', async () => {
  const headers = { 'X-DFNS-APPID': 'undefined', 'content-type': 'application/json' };
  const response = await raw({ path: '/keys', method: 'GET', headers });
  assert.equal(response.status, 200);
});

/** One request without the SDK; redirects are not followed. */
function raw({ path, method, body, headers = {}, token = account.authToken }) {
  const contentType = body === undefined ? {} : { 'content-type': 'application/json' };
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  // Concatenated: new URL('//keys', base) would take "keys" for a host.
  const url = account.baseUrl.replace(/\/+$/, '') + path;
  return fetch(url, { method, body, headers: { ...contentType, ...authorization, ...headers }, redirect: 'manual' });
}
