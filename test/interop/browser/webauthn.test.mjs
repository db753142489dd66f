/** Keys exported from a page with the official browser SDK and an authenticator's consent. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { accounts, connect } from '../client.mjs';
import { recover } from '../crypto/recovery.mjs';
import { variable } from '../environment.mjs';
import { addCredential, createAccount } from '../office.mjs';
import { assertErrorBody } from '../sdk/assertions.mjs';
import { freshExport, importFreshKey } from '../sdk/flows.mjs';
import { offeredSchemes } from '../sdk/schemes.mjs';
import { addAuthenticator, launch, openPage } from './chromium.mjs';
import { startSite } from './site.mjs';

const RELYING_PARTY = { id: 'localhost', name: 'Keyferry' };
const ES256 = -7;
const ALGORITHMS = { ES256, EdDSA: -8, RS256: -257 };
const SDKS = ['0.6.12', '0.8.21'];

const importer = connect(accounts()[0]);
let site;
let browser;

before(async () => {
  site = await startSite(variable(process.env, 'DFNS_API_URL'));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

for (const sdk of SDKS) {
  for (const [name, algorithm] of Object.entries(ALGORITHMS)) {
    test(`SDK ${sdk}: a key is exported with an authenticator's ${name} key`, async () => {
      const user = await registerUser({ algorithm });
      const { key, secret } = await freshKey();
      for (const time of ['first', 'second']) {
        assert.equal(await exportSecret(user, key, { sdk }), secret, time);
      }
    });
  }

  test(`SDK ${sdk}: a key is exported with a key that the page cannot read`, async () => {
    const page = await openPage(browser, site.address('localhost'));
    const publicKey = await page.evaluate(() => interop.makeKeyPair());
    const { id, authToken } = await createAccount(`interop page key ${sdk}`);
    const credId = await addCredential(id, { publicKey });
    const { key, secret } = await freshKey();
    const { decryptionKey, body } = freshExport();
    const request = { sdk, account: apiAccount(authToken), credId, keyId: key.id, body };
    const { response, error } = await page.evaluate((r) => interop.exportWithPageKey(r), request);
    assert.equal(error, undefined);
    assert.equal(recover(decryptionKey, response), secret);
  });
}

test('a page at an address of numbers gets no signature from the browser', async () => {
  const user = await registerUser();
  await user.page.goto(site.address('127.0.0.1'));
  const error = await exportRefused(user);
  assert.equal(error.name, 'SecurityError');
});

test('a page of another origin is refused, even with the very same key', async () => {
  const user = await registerUser();
  const credential = await user.authenticator.credential();
  await user.authenticator.replace({ ...credential, rpId: 'evil.localhost' });
  await user.page.goto(site.address('evil.localhost'));
  const error = await exportRefused(user, { relyingParty: { ...RELYING_PARTY, id: 'evil.localhost' } });
  assertUnauthorized(error);
});

test('a page in a frame of another origin\'s is refused', async () => {
  const user = await registerUser();
  await user.page.goto(`${site.address('127.0.0.1')}framing`);
  const frame = await user.page.waitForSelector('iframe').then((element) => element.contentFrame());
  await frame.waitForLoadState();
  const error = await exportRefused({ ...user, page: frame });
  assertUnauthorized(error);
});

test('a user whom the authenticator did not verify is refused', async () => {
  const user = await registerUser();
  await user.authenticator.setUserVerified(false);
  assertUnauthorized(await exportRefused(user, { verification: 'discouraged' }));
});

test('a challenge asks the authenticator to verify its user', async () => {
  const user = await registerUser();
  await user.authenticator.setUserVerified(false);
  const error = await exportRefused(user);
  assert.equal(error.name, 'NotAllowedError');
});

test('a copy of the authenticator, whose counter is behind, is refused, and the original goes on', async () => {
  const user = await registerUser();
  const copy = await user.authenticator.credential();
  const { key, secret } = await freshKey();
  assert.equal(await exportSecret(user, key), secret);
  const ahead = await user.authenticator.credential();
  assert.ok(ahead.signCount > copy.signCount);
  await user.authenticator.replace(copy);
  assertUnauthorized(await exportRefused(user));
  await user.authenticator.replace(ahead);
  assert.equal(await exportSecret(user, key), secret);
});

/** A user with a page and an authenticator whose credential is registered. */
async function registerUser({ algorithm = ES256 } = {}) {
  const page = await openPage(browser, site.address('localhost'));
  const authenticator = await addAuthenticator(page);
  const request = { relyingParty: RELYING_PARTY, algorithm };
  const { credId, spki } = await page.evaluate((r) => interop.register(r), request);
  const { id, authToken } = await createAccount('interop WebAuthn');
  await addCredential(id, { kind: 'Fido2', credId, publicKey: pem(spki) });
  return { page, authenticator, authToken };
}

function freshKey() {
  return importFreshKey(importer, offeredSchemes[0]);
}

/** The private key that an export from the user's page gives. */
async function exportSecret(user, key, options) {
  const { decryptionKey, body } = freshExport();
  const { response, error } = await exportFrom(user, { keyId: key.id, body, ...options });
  assert.equal(error, undefined);
  return recover(decryptionKey, response);
}

/** The error of an export from the user's page, which has exported nothing. */
async function exportRefused(user, options) {
  const { key } = await freshKey();
  const { body } = freshExport();
  const { response, error } = await exportFrom(user, { keyId: key.id, body, ...options });
  assert.equal(response, undefined);
  assert.ok(!(await importer.keys.getKey({ keyId: key.id })).exported);
  return error;
}

function exportFrom({ page, authToken }, options) {
  const request = { sdk: SDKS[0], account: apiAccount(authToken), relyingParty: RELYING_PARTY, ...options };
  return page.evaluate((r) => interop.exportWithAuthenticator(r), request);
}

function apiAccount(authToken) {
  return { appId: variable(process.env, 'DFNS_APP_ID'), orgId: variable(process.env, 'DFNS_ORG_ID'), authToken };
}

/** What the API says to an assertion that is not the user's consent, as the SDK shows it. */
function assertUnauthorized(error) {
  assert.equal(error.name, 'DfnsError', error.message);
  assert.equal(error.httpStatus, 401);
  assertErrorBody(error.body, 401);
}

function pem(spki) {
  return ['-----BEGIN PUBLIC KEY-----', ...spki.match(/.{1,64}/g), '-----END PUBLIC KEY-----', ''].join('\n');
}
