/** What the SDK tests run through. */
import { CURVES, SCHEMES, randomScalar } from '../crypto/curves.mjs';

// The schemes the service offers. Adding one of SCHEMES here is all it takes to test it.
const OFFERED = ['CGGMP21/secp256k1', 'CGGMP21/stark', 'FROST/ed25519', 'FROST_BITCOIN/secp256k1'];

// Key.scheme for each protocol, and the ciphertext's length for each curve.
const KEY_SCHEME = { CGGMP21: 'ECDSA', FROST: 'EdDSA', FROST_BITCOIN: 'Schnorr' };
const CIPHERTEXT_LENGTH = { secp256k1: 281, stark: 273, ed25519: 277 };

export const supportedSchemes = SCHEMES;

export const offeredSchemes = OFFERED.map((name) => {
  const scheme = SCHEMES.find(({ protocol, curve }) => `${protocol}/${curve}` === name);
  if (!scheme) throw new Error(`unknown scheme ${name}`);
  return Object.freeze({
    name,
    ...scheme,
    keyScheme: KEY_SCHEME[scheme.protocol],
    ciphertextLength: CIPHERTEXT_LENGTH[scheme.curve],
    freshSecret: () => randomScalar(CURVES[scheme.curve]),
  });
});
