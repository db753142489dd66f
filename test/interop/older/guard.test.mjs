/** The older SDK with keyferry guard between it and the API, which may be in other hands. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DfnsError } from '@dfns/sdk';
import * as current from '../client.mjs';
import { publicKeyOf, recover } from '../crypto/recovery.mjs';
import { startGuard } from '../guardproxy.mjs';
import { assertExportResponse, isDfnsError } from '../sdk/assertions.mjs';
import { MIN_SIGNERS, clusterSigners, freshExport, importFreshKey } from '../sdk/flows.mjs';
import { offeredSchemes } from '../sdk/schemes.mjs';
import { claims, meetSubstitution } from '../takenover.mjs';
import { apiOptions, connect } from './client.mjs';

const REFUSED = /keyferry guard: refusing the API's answer/;

const [account] = current.accounts();
const importer = current.connect(account);
let guard;
let client;

before(async () => {
  guard = await startGuard(apiOptions.baseUrl);
  client = connect({ baseUrl: guard.url });
});

after(() => guard.close());

test('through the guard the older SDK lists the same signers', async () => {
  assert.deepEqual(await clusterSigners(client), await clusterSigners(importer));
});

for (const scheme of offeredSchemes) {
  test(`through the guard the older SDK exports a ${scheme.name} key by its wallet`, async () => {
    const { key, secret } = await importFreshKey(importer, scheme);
    const { decryptionKey, body } = freshExport();
    const response = await client.wallets.exportWallet({ walletId: walletOf(key), body });
    const signerIds = (await clusterSigners(client)).map(({ signerId }) => signerId);
    const publicKey = publicKeyOf(scheme.curve, secret);
    assertExportResponse(response, { scheme, publicKey, minSigners: MIN_SIGNERS, signerIds });
    assert.equal(recover(decryptionKey, response), secret);
  });
}

for (const { name, claim } of claims) {
  test(`the older SDK signs a substituted challenge that says ${name}, and with a guard it does not`, async () => {
    const wanted = await importFreshKey(importer, offeredSchemes[0]);
    const { key: harmless } = await importFreshKey(importer, offeredSchemes[0]);
    const { body } = freshExport();
    const exported = ({ baseUrl, signer }) =>
      connect({ baseUrl, signer }).wallets.exportWallet({ walletId: walletOf(harmless), body });
    const refused = (status, message) => isDfnsError(status, message, { SdkError: DfnsError });
    const attack = { account, keyId: wanted.key.id, claim };

    const blind = await meetSubstitution(attack, (options) => assert.rejects(exported(options), refused(503)));
    assert.deepEqual(blind, { signatures: 1, stolen: wanted.secret });
    const guarded = await meetSubstitution({ ...attack, between: startGuard }, (options) =>
      assert.rejects(exported(options), refused(502, REFUSED)),
    );
    assert.deepEqual(guarded, { signatures: 0, stolen: undefined });
  });
}

function walletOf({ id }) {
  return id.replace(/^key-/, 'wa-');
}
