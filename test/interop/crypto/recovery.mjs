/**
 * The client's side of an export: opens the shares of a response and puts the
 * private key together. Checks in the order of the official client, and like it
 * interpolates over ALL shares given: one bad share spoils the result, which the
 * comparison with the public key then finds.
 */
import { decodePaddingOptional } from './base64.mjs';
import { CURVES, hex, supports } from './curves.mjs';
import { open } from './envelope.mjs';
import { decodeExportShare } from './plaintext.mjs';
import { interpolateAtZero } from './polynomial.mjs';
import { Refusal, refuseAs } from './refusal.mjs';

const KNOWN_PROTOCOLS = ['GG18', 'BINANCE_EDDSA', 'CGGMP21', 'FROST', 'FROST_BITCOIN'];

/** The private key (a bigint) behind the response of POST /keys/{keyId}/export. */
export function recover(decryptionKey, response) {
  const { minSigners, publicKey, protocol, curve, ciphertexts } = parseResponse(response);
  if (minSigners < 2 || minSigners > 0xffff || minSigners > ciphertexts.length) {
    throw new Refusal('THRESHOLD', `minSigners ${minSigners} with ${ciphertexts.length} shares`);
  }
  const plaintexts = ciphertexts.map((ciphertext) => open(decryptionKey, ciphertext));
  if (!supports(protocol, curve.name)) throw new Refusal('UNSUPPORTED_SCHEME', `${protocol}/${curve.name}`);
  const shares = plaintexts.map((plaintext) => decodeExportShare(curve, plaintext));
  const expected = refuseAs('BAD_PUBLIC_KEY', 'the public key', () => curve.decodePoint(publicKey));
  const secret = interpolateAtZero(curve.order, shares);
  if (secret === 0n || !curve.multiplyBase(secret).equals(expected)) {
    throw new Refusal('PUBLIC_KEY_MISMATCH', 'the shares give another key');
  }
  return secret;
}

/** The public key of a private one, as the API writes it: lower-case hex. */
export function publicKeyOf(curveName, secret) {
  const curve = CURVES[curveName];
  return hex(curve.publicKeyBytes(curve.multiplyBase(secret)));
}

function parseResponse(response) {
  const { minSigners, publicKey, protocol, curve, encryptedKeyShares } = response;
  if (!Number.isInteger(minSigners) || minSigners < 0 || minSigners > 0xffffffff) {
    throw new Refusal('BAD_RESPONSE', 'minSigners is an unsigned 32-bit number');
  }
  if (typeof publicKey !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(publicKey)) {
    throw new Refusal('BAD_RESPONSE', 'publicKey is hex');
  }
  if (!Array.isArray(encryptedKeyShares)) throw new Refusal('BAD_RESPONSE', 'encryptedKeyShares is a list');
  if (!KNOWN_PROTOCOLS.includes(protocol)) throw new Refusal('UNKNOWN_PROTOCOL', String(protocol));
  if (!Object.hasOwn(CURVES, curve)) throw new Refusal('UNKNOWN_CURVE', String(curve));
  return {
    minSigners,
    publicKey: Uint8Array.from(Buffer.from(publicKey, 'hex')),
    protocol,
    curve: CURVES[curve],
    ciphertexts: encryptedKeyShares.map(ciphertextOf),
  };
}

function ciphertextOf({ signerId, encryptedKeyShare }) {
  if (typeof signerId !== 'string' || typeof encryptedKeyShare !== 'string') {
    throw new Refusal('BAD_RESPONSE', 'a share has a signerId and an encryptedKeyShare');
  }
  decodePaddingOptional(signerId);
  return decodePaddingOptional(encryptedKeyShare);
}
