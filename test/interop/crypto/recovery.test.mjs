import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from './base64.mjs';
import { CURVES } from './curves.mjs';
import { generateKeyPair, seal } from './envelope.mjs';
import { decodeExportShare, encodeExportShare } from './plaintext.mjs';
import { publicKeyOf, recover } from './recovery.mjs';
import { negatives, scalar, schemeName, vectors } from './vectors.mjs';

const decryptionKey = scalar(vectors.client.decryptionKeyScalarHex);

for (const vector of vectors.export) {
  test(`${schemeName(vector)}: the exported key is recovered`, () => {
    assert.equal(recover(decryptionKey, vector.response), scalar(vector.recoveredKeyHex));
    assert.equal(publicKeyOf(vector.curve, scalar(vector.recoveredKeyHex)), vector.publicKeyHex);
  });

  test(`${schemeName(vector)}: export plaintexts equal the vectors`, () => {
    for (const share of vector.shares) {
      const values = { index: BigInt(share.index), secret: scalar(share.secretHex) };
      const plaintext = encodeExportShare(CURVES[vector.curve], values);
      assert.equal(new TextDecoder().decode(plaintext), share.plaintext);
      assert.equal(plaintext.length, share.plaintextLen);
      assert.deepEqual(decodeExportShare(CURVES[vector.curve], plaintext), values);
    }
  });
}

for (const vector of vectors.tolerance) {
  test(`response tolerated: ${vector.id}`, () => {
    const key = scalar(vector.clientDecryptionKeyScalarHex);
    assert.equal(recover(key, vector.response), scalar(vector.expectRecoveredKeyHex));
  });
}

for (const vector of negatives('exportResponse')) {
  test(`response refused: ${vector.id}`, () => {
    const key = scalar(vector.clientDecryptionKeyScalarHex);
    assert.throws(() => recover(key, vector.response), { name: 'Refusal', code: vector.expect.client });
  });
}

test('a share with a repeated member is refused', () => {
  const [vector] = vectors.export;
  const plaintext = vector.shares[0].plaintext.replace('{"version":1,', '{"version":1,"version":1,');
  assert.throws(() => decodeExportShare(CURVES[vector.curve], Buffer.from(plaintext)), { code: 'BAD_SHARE' });
});

test('a share swapped for one of another key is found by the public key', () => {
  const [mine, , , other] = vectors.export;
  const { decryptionKey: key, encryptionKey } = generateKeyPair();
  const reseal = (share) => encode(seal(encryptionKey, new TextEncoder().encode(share.plaintext)));
  const encryptedKeyShares = [...mine.shares.slice(0, 4), other.shares[4]].map((share) => ({
    signerId: share.signerId,
    encryptedKeyShare: reseal(share),
  }));
  const response = { ...mine.response, encryptedKeyShares };
  assert.throws(() => recover(key, response), { code: 'PUBLIC_KEY_MISMATCH' });
});
