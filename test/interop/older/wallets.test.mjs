/** The older SDK knows keys as wallets: each key can be exported by its wallet's id. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import { DfnsError } from '@dfns/sdk';
import { simpleFetch } from '@dfns/sdk/utils/fetch.js';
import { userActionFetch } from '@dfns/sdk/utils/userActionFetch.js';
import * as current from '../client.mjs';
import { publicKeyOf, recover } from '../crypto/recovery.mjs';
import { assertExportResponse, isDfnsError } from '../sdk/assertions.mjs';
import { MIN_SIGNERS, clusterSigners, freshExport, importFreshKey } from '../sdk/flows.mjs';
import { offeredSchemes } from '../sdk/schemes.mjs';
import { post, signAction } from '../useraction.mjs';
import { apiOptions, connect, connectDelegated, signer } from './client.mjs';

const NETWORK = { ECDSA: 'KeyECDSA', EdDSA: 'KeyEdDSA', Schnorr: 'Bitcoin' };
const UNKNOWN_WALLET = 'wa-00000-00000-0000000000000000';

const client = connect();
const [account] = current.accounts();
const importer = current.connect(account);
let key;
let secret;

before(async () => {
  ({ key, secret } = await importFreshKey(importer, offeredSchemes[0]));
});

test('these are the older packages, and the signer uses the older SDK', () => {
  const require = createRequire(import.meta.url);
  const fromSigner = createRequire(require.resolve('@dfns/sdk-keysigner'));
  assert.equal(require('@dfns/sdk/package.json').version, '0.5.8');
  assert.equal(require('@dfns/sdk-keysigner/package.json').version, '0.5.8');
  assert.equal(fromSigner.resolve('@dfns/sdk'), require.resolve('@dfns/sdk'));
});

test('it lists the same signers as the current SDK', async () => {
  assert.deepEqual(await client.signers.listSigners(), await importer.signers.listSigners());
});

for (const scheme of offeredSchemes) {
  test(`${scheme.name} key is found with its one wallet, exported by it and recovered`, async () => {
    const { key, secret } = await importFreshKey(importer, scheme);
    const { wallets } = await getKey(key.id);
    assert.deepEqual(wallets, [{ id: walletOf(key), network: networkOf(scheme) }]);

    const { decryptionKey, body } = freshExport();
    const response = await client.wallets.exportWallet({ walletId: wallets[0].id, body });
    const signerIds = (await clusterSigners(client)).map(({ signerId }) => signerId);
    const publicKey = publicKeyOf(scheme.curve, secret);
    assertExportResponse(response, { scheme, publicKey, minSigners: MIN_SIGNERS, signerIds });
    assert.equal(recover(decryptionKey, response), secret);
    assert.equal((await getKey(key.id)).exported, true);
  });
}

test('it exports a key by its own id too, though it has no method for that', async () => {
  const { decryptionKey, body } = freshExport();
  const options = { method: 'POST', body, apiOptions: { ...apiOptions, signer } };
  const response = await (await userActionFetch(`/keys/${key.id}/export`, options)).json();
  assert.equal(recover(decryptionKey, response), secret);
});

test('its delegated client exports a wallet with an action signed elsewhere', async () => {
  const { decryptionKey, body } = freshExport();
  const { wallets } = connectDelegated();
  const request = { walletId: walletOf(key), body };
  const challenge = await wallets.exportWalletInit(request);
  const firstFactor = await signer.sign(challenge);
  const { challengeIdentifier } = challenge;
  const response = await wallets.exportWalletComplete(request, { challengeIdentifier, firstFactor });
  assert.equal(recover(decryptionKey, response), secret);
});

test('wallets that no key has are not found', async () => {
  const { body } = freshExport();
  for (const walletId of [UNKNOWN_WALLET, key.id, walletOf(key).toUpperCase(), 'wa-']) {
    const request = client.wallets.exportWallet({ walletId, body });
    await assert.rejects(request, isDfnsError(404, /./, { SdkError: DfnsError }), walletId);
  }
});

test('an action signed for the key is none for its wallet', async () => {
  const { body } = freshExport();
  const userAction = await signAction(account, { path: `/keys/${key.id}/export`, body });
  const request = post(account, { path: `/wallets/${walletOf(key)}/export`, body }, userAction);
  await assert.rejects(request, isDfnsError(403));
});

async function getKey(keyId) {
  return (await simpleFetch(`/keys/${keyId}`, { method: 'GET', apiOptions })).json();
}

function walletOf({ id }) {
  return id.replace(/^key-/, 'wa-');
}

function networkOf({ curve, keyScheme }) {
  return curve === 'stark' ? 'KeyECDSAStark' : NETWORK[keyScheme];
}
