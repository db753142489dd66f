/**
 * The three curves and the four schemes of the key API.
 *
 * Scalars are bigints in 1..order-1 and travel as 32 bytes big-endian, on
 * ed25519 too. Points travel as SEC1 (secp256k1, stark) or as the 32 bytes of
 * RFC 8032 section 5.1.2 (ed25519). Nothing here is constant-time: it serves
 * tests only.
 */
import { randomBytes } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { Point as StarkPoint } from '@scure/starknet';
import { Refusal, refuseAs } from './refusal.mjs';

export const CURVES = Object.freeze({
  secp256k1: weierstrass('secp256k1', secp256k1.Point),
  stark: weierstrass('stark', StarkPoint),
  ed25519: edwards('ed25519', ed25519.Point),
});

export const SCHEMES = Object.freeze([
  { protocol: 'CGGMP21', curve: 'secp256k1' },
  { protocol: 'CGGMP21', curve: 'stark' },
  { protocol: 'FROST', curve: 'ed25519' },
  { protocol: 'FROST_BITCOIN', curve: 'secp256k1' },
]);

export function supports(protocol, curve) {
  return SCHEMES.some((scheme) => scheme.protocol === protocol && scheme.curve === curve);
}

function weierstrass(name, Point) {
  return describe(name, Point, {
    publicKeyBytes: (point) => point.toBytes(true),
    publicShareBytes: (point) => point.toBytes(false),
  });
}

function edwards(name, Point) {
  return describe(name, Point, {
    publicKeyBytes: (point) => point.toBytes(),
    publicShareBytes: (point) => point.toBytes(),
  });
}

function describe(name, Point, encodings) {
  return Object.freeze({
    name,
    order: Point.Fn.ORDER,
    multiplyBase: (scalar) => Point.BASE.multiply(scalar),
    decodePoint: (bytes) => decodePoint(Point, bytes),
    ...encodings,
  });
}

/** A point of the prime-order group, never the identity. */
function decodePoint(Point, bytes) {
  const point = refuseAs('INVALID_KEY', 'not a point of the curve', () => Point.fromBytes(bytes));
  point.assertValidity();
  if (point.is0() || !point.isTorsionFree()) {
    throw new Refusal('INVALID_KEY', 'the identity, or outside the prime-order group');
  }
  return point;
}

/** A uniform scalar in 1..order-1: 48 random bytes keep the bias below 2^-128. */
export function randomScalar(curve) {
  const wide = BigInt(`0x${randomBytes(48).toString('hex')}`);
  return (wide % (curve.order - 1n)) + 1n;
}

export function scalarToHex(scalar) {
  return scalar.toString(16).padStart(64, '0');
}

/** Exactly 64 hex digits of either case, in 1..order-1. */
export function scalarFromHex(curve, hex) {
  if (typeof hex !== 'string' || !/^[0-9a-fA-F]{64}$/.test(hex)) {
    throw new Refusal('BAD_SHARE', 'a scalar is 64 hex digits');
  }
  const scalar = BigInt(`0x${hex}`);
  if (scalar === 0n || scalar >= curve.order) throw new Refusal('BAD_SHARE', 'scalar out of range');
  return scalar;
}

/** The scalar behind an Ed25519 seed, reduced mod L (RFC 8032 section 5.1.5, steps 1 to 3). */
export function scalarFromEd25519Seed(seed) {
  return ed25519.utils.getExtendedPublicKey(seed).scalar;
}

export function hex(bytes) {
  return Buffer.from(bytes).toString('hex');
}
