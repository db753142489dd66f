/**
 * The envelope around each key share, on its way in and out alike.
 *
 *   encryption key   0x01 || SEC1 compressed point (33)       34 bytes
 *   ciphertext       AES-256-GCM || tag (16) || ephemeral public key (33)
 *
 * The AES key comes from HKDF-SHA256 over the compressed ECDH point. Strict
 * where the official client is lax: the identity and every other spelling of a
 * point are refused, because shares sealed to the identity are readable by all.
 */
import { gcm } from '@noble/ciphers/aes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { decode, encode } from './base64.mjs';
import { CURVES, randomScalar } from './curves.mjs';
import { Refusal, refuseAs } from './refusal.mjs';

const SALT = new TextEncoder().encode('DFNS_KEY_IMPORT');
const INFO = new TextEncoder().encode('ENCRYPTION_KEY');
// Every envelope has an ephemeral key of its own, so no AES key sees this nonce twice.
const NONCE = new Uint8Array(12);
const VERSION = 1;
const POINT_LENGTH = 33;
const TAG_LENGTH = 16;

const curve = CURVES.secp256k1;

/** A one-time decryption key (a scalar) and the base64 encryption key to send. */
export function generateKeyPair() {
  const decryptionKey = randomScalar(curve);
  return { decryptionKey, encryptionKey: encryptionKeyOf(decryptionKey) };
}

export function encryptionKeyOf(decryptionKey) {
  const point = curve.publicKeyBytes(curve.multiplyBase(decryptionKey));
  return encode(Uint8Array.of(VERSION, ...point));
}

/** The point behind a base64 encryption key. */
export function parseEncryptionKey(text) {
  const bytes = decode(text);
  if (bytes.length === 0) throw new Refusal('INVALID_KEY', 'empty encryption key');
  if (bytes[0] !== VERSION) throw new Refusal('VERSION_MISMATCH', 'unknown encryption key version');
  return compressedPoint(bytes.subarray(1));
}

/** Seals plaintext to a base64 encryption key; gives the ciphertext's bytes. */
export function seal(encryptionKey, plaintext, ephemeral = randomScalar(curve)) {
  const shared = parseEncryptionKey(encryptionKey).multiply(ephemeral);
  const sealed = gcm(aesKey(shared), NONCE).encrypt(plaintext);
  return Uint8Array.of(...sealed, ...curve.publicKeyBytes(curve.multiplyBase(ephemeral)));
}

/** Opens what seal made. Every failure is the same DECRYPT refusal. */
export function open(decryptionKey, ciphertext) {
  return refuseAs('DECRYPT', 'the envelope does not open', () => {
    const split = ciphertext.length - POINT_LENGTH;
    if (split < TAG_LENGTH) throw new Error('too short');
    const shared = compressedPoint(ciphertext.subarray(split)).multiply(decryptionKey);
    return gcm(aesKey(shared), NONCE).decrypt(ciphertext.subarray(0, split));
  });
}

function compressedPoint(bytes) {
  if (bytes.length !== POINT_LENGTH) throw new Refusal('INVALID_KEY', 'a compressed point has 33 bytes');
  return curve.decodePoint(bytes);
}

function aesKey(sharedPoint) {
  return hkdf(sha256, curve.publicKeyBytes(sharedPoint), SALT, INFO, 32);
}
