/** Every kind of key that a credential can have, with the official signer for keys. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';
import { AsymmetricKeySigner } from '@dfns/sdk-keysigner';
import { accountOf, accounts, connect } from '../client.mjs';
import { addCredential, createAccount } from '../office.mjs';
import { isDfnsError } from './assertions.mjs';
import { exportAndRecover, importFreshKey } from './flows.mjs';
import { offeredSchemes } from './schemes.mjs';

const SPKI = 'BEGIN PUBLIC KEY';
const PKCS1 = 'BEGIN RSA PUBLIC KEY';

const keyKinds = [
  { label: 'Ed25519', generate: () => generateKeyPairSync('ed25519') },
  { label: 'P-256', generate: onCurve('prime256v1') },
  { label: 'secp256k1', generate: onCurve('secp256k1') },
  { label: 'P-384', generate: onCurve('secp384r1') },
  { label: 'P-521', generate: onCurve('secp521r1') },
  { label: 'RSA-2048 registered as SPKI', generate: rsa },
  { label: 'RSA-2048 registered as PKCS#1', generate: rsa, form: 'pkcs1', header: PKCS1 },
];

const [importer] = accounts();
let key;
let secret;

before(async () => {
  ({ key, secret } = await importFreshKey(connect(importer), offeredSchemes[0]));
});

for (const { label, generate, form = 'spki', header = SPKI } of keyKinds) {
  test(`${label}: a credential exports a key, and another key of its kind does not`, async () => {
    const { publicKey, privateKey } = generate();
    const registered = publicKey.export({ type: form, format: 'pem' });
    assert.ok(registered.includes(header));
    const { id, authToken } = await createAccount(`interop ${label}`);
    const credId = await addCredential(id, { publicKey: registered });
    const clientWith = (signer) => connect(accountOf({ label, authToken, signer }));

    const { recovered } = await exportAndRecover(clientWith(signerOf(credId, privateKey)), key.id);
    assert.equal(recovered, secret);
    const stranger = clientWith(signerOf(credId, generate().privateKey));
    await assert.rejects(exportAndRecover(stranger, key.id), isDfnsError(401));
  });
}

function signerOf(credId, privateKey) {
  return new AsymmetricKeySigner({ credId, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
}

function onCurve(namedCurve) {
  return () => generateKeyPairSync('ec', { namedCurve });
}

function rsa() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}
