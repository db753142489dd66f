import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from './base64.mjs';
import { encryptionKeyOf, generateKeyPair, open, parseEncryptionKey, seal } from './envelope.mjs';
import { negatives, scalar, schemeName, vectors } from './vectors.mjs';

// Where the official client takes a key or ciphertext that anybody can read,
// this one refuses, as the service must.
const STRICTER_THAN_CLIENT = {
  'ek-version-only': 'INVALID_KEY',
  'ek-identity': 'INVALID_KEY',
  'ek-sec1-identity': 'INVALID_KEY',
  'ek-uncompressed': 'INVALID_KEY',
  'ct-eph-identity-known-key': 'DECRYPT',
};

const { client } = vectors;

test('the encryption key of a decryption key is spelled as in the vectors', () => {
  assert.equal(encryptionKeyOf(scalar(client.decryptionKeyScalarHex)), client.encryptionKey);
});

for (const vector of vectors.export) {
  test(`${schemeName(vector)}: sealed export shares equal the vectors and open again`, () => {
    assert.equal(vector.shares.length, vectors.n);
    for (const share of vector.shares) {
      const plaintext = new TextEncoder().encode(share.plaintext);
      const sealed = seal(client.encryptionKey, plaintext, scalar(share.ephemeralScalarHex));
      assert.equal(encode(sealed), share.ciphertext);
      assert.equal(sealed.length, share.ciphertextLen);
      assert.deepEqual(open(scalar(client.decryptionKeyScalarHex), sealed), plaintext);
    }
  });
}

for (const vector of vectors.import) {
  test(`${schemeName(vector)}: sealed import shares open with each signer's own key`, () => {
    for (const share of vector.shares) {
      const signer = vector.signers.find(({ signerId }) => signerId === share.signerId);
      const opened = open(scalar(signer.decryptionKeyScalarHex), decode(share.ciphertext));
      assert.equal(new TextDecoder().decode(opened), share.plaintext);
    }
  });
}

for (const vector of negatives('encryptionKey')) {
  test(`encryption key refused: ${vector.id}`, () => {
    const code = STRICTER_THAN_CLIENT[vector.id] ?? vector.expect.client;
    assert.throws(() => parseEncryptionKey(vector.encryptionKey), { name: 'Refusal', code });
  });
}

for (const vector of negatives('ciphertext')) {
  test(`ciphertext refused: ${vector.id}`, () => {
    const code = STRICTER_THAN_CLIENT[vector.id] ?? vector.expect.client;
    const key = scalar(vector.decryptionKeyScalarHex);
    assert.throws(() => open(key, decode(vector.ciphertext)), { name: 'Refusal', code });
  });
}

test('two envelopes of one plaintext share no ephemeral key', () => {
  const { decryptionKey, encryptionKey } = generateKeyPair();
  const plaintext = new Uint8Array(232);
  const [first, second] = [seal(encryptionKey, plaintext), seal(encryptionKey, plaintext)];
  assert.notDeepEqual(first.subarray(-33), second.subarray(-33));
  assert.deepEqual(open(decryptionKey, first), plaintext);
  assert.deepEqual(open(decryptionKey, second), plaintext);
});
