import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './base64.mjs';
import { CURVES, scalarFromEd25519Seed, scalarToHex } from './curves.mjs';
import { importRequest } from './dealer.mjs';
import { generateKeyPair, open } from './envelope.mjs';
import { interpolateAtZero } from './polynomial.mjs';
import { publicKeyOf } from './recovery.mjs';
import { scalar, schemeName, vectors } from './vectors.mjs';

for (const vector of vectors.import) {
  test(`${schemeName(vector)}: the import request equals the vector to the byte`, () => {
    const secret = scalar(vector.secretKeyHex);
    assert.equal(publicKeyOf(vector.curve, secret), vector.publicKeyHex);
    const request = importRequest({ ...vector, secret }, scripted(vector));
    assert.equal(JSON.stringify(request), vector.requestBodyJson);
  });

  test(`${schemeName(vector)}: any minSigners of the dealt shares give the key, fewer do not`, () => {
    const { curve, minSigners } = vector;
    const secret = scalar(vector.secretKeyHex);
    const points = vector.shares.map((share) => ({ index: BigInt(share.index), secret: scalar(share.secretHex) }));
    for (const subset of subsets(points)) {
      const agrees = interpolateAtZero(CURVES[curve].order, subset) === secret;
      assert.equal(agrees, subset.length >= minSigners);
    }
  });
}

test('signers are dealt to in the order of their raw ids, whatever order they came in', () => {
  const [vector] = vectors.import;
  const sorted = vector.shares.map(({ signerId }) => signerId);
  for (const signers of [vector.signers, [...vector.signers].reverse()]) {
    const request = importRequest({ ...vector, signers, secret: scalar(vector.secretKeyHex) });
    assert.deepEqual(request.encryptedKeyShares.map(({ signerId }) => signerId), sorted);
  }
});

test('a freshly dealt share opens with its own signer only', () => {
  const [vector] = vectors.import;
  const pairs = new Map(vector.signers.map(({ signerId }) => [signerId, generateKeyPair()]));
  const signers = [...pairs].map(([signerId, { encryptionKey }]) => ({ signerId, encryptionKey }));
  const [first, second] = importRequest({ ...vector, signers, secret: 7n }).encryptedKeyShares;
  const ciphertext = decode(first.encryptedKeyShare);
  const opened = open(pairs.get(first.signerId).decryptionKey, ciphertext);
  assert.equal(JSON.parse(new TextDecoder().decode(opened)).version, 1);
  assert.throws(() => open(pairs.get(second.signerId).decryptionKey, ciphertext), { code: 'DECRYPT' });
});

const [anImport] = vectors.import;
const { order } = CURVES[anImport.curve];
const badDeals = [
  { name: 'a zero secret', change: { secret: 0n }, code: 'BAD_SECRET' },
  { name: 'a secret of the order', change: { secret: order }, code: 'BAD_SECRET' },
  { name: 'minSigners 1', change: { minSigners: 1 }, code: 'THRESHOLD' },
  { name: 'minSigners above n', change: { minSigners: 6 }, code: 'THRESHOLD' },
  { name: 'a protocol of another curve', change: { protocol: 'FROST' }, code: 'UNSUPPORTED_SCHEME' },
];

for (const { name, change, code } of badDeals) {
  test(`dealing refuses ${name}`, () => {
    assert.throws(() => importRequest({ ...anImport, secret: 7n, ...change }), { name: 'Refusal', code });
  });
}

test('Ed25519 seeds give the scalars and public keys of the vectors', () => {
  assert.equal(vectors.eddsaSeeds.length, 4);
  for (const { seedHex, scalarHex, publicKeyHex } of vectors.eddsaSeeds) {
    const secret = scalarFromEd25519Seed(Uint8Array.from(Buffer.from(seedHex, 'hex')));
    assert.equal(scalarToHex(secret), scalarHex);
    assert.equal(publicKeyOf('ed25519', secret), publicKeyHex);
  }
});

/** A source of randomness that replays a vector's coefficients and ephemeral keys. */
function scripted(vector) {
  const coefficients = vector.polynomialHex.slice(1).map(scalar);
  const ephemerals = vector.shares.map((share) => scalar(share.ephemeralScalarHex));
  const queue = [...coefficients, ...ephemerals];
  return () => queue.shift();
}

/** Every subset of at least two. */
function subsets(items) {
  const all = Array.from({ length: 2 ** items.length }, (_, mask) => items.filter((_, i) => mask & (1 << i)));
  return all.filter((subset) => subset.length >= 2);
}
