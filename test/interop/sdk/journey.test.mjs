/** What the official SDK is there for: a key's whole way in and out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { accounts, connect, connectDelegated } from '../client.mjs';
import { scalarToHex } from '../crypto/curves.mjs';
import { decode } from '../crypto/base64.mjs';
import { parseEncryptionKey } from '../crypto/envelope.mjs';
import { publicKeyOf, recover } from '../crypto/recovery.mjs';
import { variable } from '../environment.mjs';
import { assertExportResponse, assertImportedKey, assertKeyDetails } from './assertions.mjs';
import { MIN_SIGNERS, allPages, clusterSigners, exportAndRecover, freshExport, importFreshKey } from './flows.mjs';
import { offeredSchemes } from './schemes.mjs';

for (const account of accounts()) {
  const client = connect(account);

  test(`${account.label}: one cluster is listed, with distinct signers to seal to`, async () => {
    const { clusters } = await client.signers.listSigners();
    assert.equal(clusters.length, 1);
    assert.equal(typeof clusters[0].clusterId, 'string');
    const { signers } = clusters[0];
    assert.ok(signers.length >= MIN_SIGNERS);
    assert.equal(new Set(signers.map(({ signerId }) => signerId)).size, signers.length);
    for (const { signerId, encryptionKey } of signers) {
      assert.equal(decode(signerId).length, 32);
      assert.doesNotThrow(() => parseEncryptionKey(encryptionKey));
    }
  });

  for (const scheme of offeredSchemes) {
    const name = `interop ${scheme.name} <&> ключ`;

    test(`${account.label}: ${scheme.name} key is imported, found, exported twice and recovered`, async () => {
      const { key, secret } = await importFreshKey(client, scheme, { name });
      const publicKey = publicKeyOf(scheme.curve, secret);
      assertImportedKey(key, { scheme, publicKey, name });
      await assertFound(client, key);

      const first = await exportAndRecover(client, key.id);
      const signerIds = (await clusterSigners(client)).map(({ signerId }) => signerId);
      assertExportResponse(first.response, { scheme, publicKey, minSigners: MIN_SIGNERS, signerIds });
      assert.equal(first.recovered, secret);

      const { wallets, store, ...exported } = await client.keys.getKey({ keyId: key.id });
      assertImportedKey(exported, { scheme, publicKey, name, exported: true });
      await assertFound(client, exported);
      await assertExportedAgain(client, exported, first, secret);
    });
  }

  test(`${account.label}: a key without a name has no such member`, async () => {
    const [scheme] = offeredSchemes;
    const { key, secret } = await importFreshKey(client, scheme);
    assertImportedKey(key, { scheme, publicKey: publicKeyOf(scheme.curve, secret) });
  });

  test(`${account.label}: the delegated client exports with an action signed elsewhere`, async () => {
    const [scheme] = offeredSchemes;
    const { key, secret } = await importFreshKey(client, scheme);
    const { decryptionKey, body } = freshExport();
    const { keys } = connectDelegated(account);
    const challenge = await keys.exportKeyInit({ keyId: key.id, body });
    const firstFactor = await account.signer.sign(challenge);
    const signed = { challengeIdentifier: challenge.challengeIdentifier, firstFactor };
    const response = await keys.exportKeyComplete({ keyId: key.id, body }, signed);
    assert.equal(recover(decryptionKey, response), secret);
  });

  test(`${account.label}: the token must be of the organisation the client names`, async () => {
    const stranger = connect({ ...account, orgId: 'or-00000-00000-0000000000000000' });
    await assert.rejects(stranger.keys.listKeys(), /not scoped to org ID/);
    assert.ok(Array.isArray((await client.keys.listKeys()).items));
  });
}

test('the sample key of a fresh server is exported and equals its file', async () => {
  const [account] = accounts();
  const expected = readFileSync(variable(process.env, 'KEYFERRY_KEY_HEX_FILE'), 'utf8').trim();
  const { recovered } = await exportAndRecover(connect(account), variable(process.env, 'KEYFERRY_KEY_ID'));
  assert.equal(scalarToHex(recovered), expected);
});

/** The key by its id and in the list: the same members with the same values. */
async function assertFound(client, key) {
  const { wallets, store, ...found } = await client.keys.getKey({ keyId: key.id });
  assert.deepEqual(found, key);
  assertKeyDetails({ wallets, store });
  const listed = (await allPages(client, 20)).flatMap(({ items }) => items);
  assert.deepEqual(listed.find(({ id }) => id === key.id), key);
}

/** Each export seals anew, and the date of the first one stays. */
async function assertExportedAgain(client, key, first, secret) {
  const second = await exportAndRecover(client, key.id);
  assert.equal(second.recovered, secret);
  const ciphertexts = [first, second].flatMap(({ response }) => response.encryptedKeyShares);
  const distinct = new Set(ciphertexts.map(({ encryptedKeyShare }) => encryptedKeyShare));
  assert.equal(distinct.size, ciphertexts.length);
  const { dateExported } = await client.keys.getKey({ keyId: key.id });
  assert.equal(dateExported, key.dateExported);
}
