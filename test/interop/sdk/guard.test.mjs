/** The current SDK with keyferry guard between it and the API, which may be in other hands. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accounts, connect, connectDelegated } from '../client.mjs';
import { publicKeyOf, recover } from '../crypto/recovery.mjs';
import { startGuard } from '../guardproxy.mjs';
import { claims, meetSubstitution, startFalseSigners } from '../takenover.mjs';
import { assertExportResponse, assertImportedKey, isDfnsError } from './assertions.mjs';
import { MIN_SIGNERS, allPages, clusterSigners, exportAndRecover, freshExport, importFreshKey } from './flows.mjs';
import { offeredSchemes } from './schemes.mjs';

const REFUSED = /keyferry guard: refusing the API's answer/;
const NO_KEY = 'key-00000-00000-0000000000000000';

const [account] = accounts();
const direct = connect(account);
let guard;
let client;

before(async () => {
  guard = await startGuard(account.baseUrl);
  client = connect({ ...account, baseUrl: guard.url });
});

after(() => guard.close());

test('through the guard the signers are those that the API lists', async () => {
  assert.deepEqual(await clusterSigners(client), await clusterSigners(direct));
});

for (const scheme of offeredSchemes) {
  test(`through the guard a ${scheme.name} key is imported, listed, exported and recovered`, async () => {
    const { key, secret } = await importFreshKey(client, scheme);
    const publicKey = publicKeyOf(scheme.curve, secret);
    assertImportedKey(key, { scheme, publicKey });
    const listed = (await allPages(client, 20)).flatMap(({ items }) => items);
    assert.deepEqual(listed.find(({ id }) => id === key.id), key);

    const { response, recovered } = await exportAndRecover(client, key.id);
    const signerIds = (await clusterSigners(client)).map(({ signerId }) => signerId);
    assertExportResponse(response, { scheme, publicKey, minSigners: MIN_SIGNERS, signerIds });
    assert.equal(recovered, secret);
  });
}

test('through the guard the delegated client exports with an action signed elsewhere', async () => {
  const { key, secret } = await importFreshKey(client, offeredSchemes[0]);
  const { decryptionKey, body } = freshExport();
  const { keys } = connectDelegated({ ...account, baseUrl: guard.url });
  const challenge = await keys.exportKeyInit({ keyId: key.id, body });
  const firstFactor = await account.signer.sign(challenge);
  const signed = { challengeIdentifier: challenge.challengeIdentifier, firstFactor };
  assert.equal(recover(decryptionKey, await keys.exportKeyComplete({ keyId: key.id, body }, signed)), secret);
});

test('through the guard the API\'s own refusals reach the SDK', async () => {
  await assert.rejects(exportAndRecover(client, NO_KEY), isDfnsError(404));
});

for (const { name, claim } of claims) {
  test(`a substituted challenge that says ${name} gives the key away without a guard, and nothing with one`, async () => {
    const wanted = await importFreshKey(direct, offeredSchemes[0]);
    const { key: harmless } = await importFreshKey(direct, offeredSchemes[0]);
    const attack = { account, keyId: wanted.key.id, claim };
    const blind = await meetSubstitution(attack, (options) =>
      assert.rejects(exportAndRecover(connect(options), harmless.id), isDfnsError(503)),
    );
    assert.deepEqual(blind, { signatures: 1, stolen: wanted.secret });

    const guarded = await meetSubstitution({ ...attack, between: startGuard }, (options) =>
      assert.rejects(exportAndRecover(connect(options), harmless.id), isDfnsError(502, REFUSED)),
    );
    assert.deepEqual(guarded, { signatures: 0, stolen: undefined });
  });
}

test('false signers are believed without a guard, and refused with one', async () => {
  const taken = await startFalseSigners(account.baseUrl, { client: direct });
  const guard = await startGuard(taken.url);
  try {
    const [{ encryptionKey }] = await clusterSigners(connect({ ...account, baseUrl: taken.url }));
    assert.equal(encryptionKey, taken.encryptionKey);
    const request = clusterSigners(connect({ ...account, baseUrl: guard.url }));
    await assert.rejects(request, isDfnsError(502, REFUSED));
  } finally {
    await guard.close();
    await taken.close();
  }
});
