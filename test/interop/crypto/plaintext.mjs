/**
 * The JSON texts inside the envelopes. Member order and the absence of blanks
 * are what the official client writes; when reading, neither matters, unknown
 * members are ignored and a repeated member is an error.
 */
import { hex, scalarFromHex, scalarToHex } from './curves.mjs';
import { Refusal, refuseAs } from './refusal.mjs';

const VERSION = 1;

/** What a signer hands out on export: its index and its secret share. */
export function encodeExportShare(curve, { index, secret }) {
  return utf8({ version: VERSION, index: scalarMember(curve, index), secret_share: scalarMember(curve, secret) });
}

export function decodeExportShare(curve, bytes) {
  const share = parseObject(bytes);
  checkVersion(share.version);
  return { index: readScalar(curve, share.index), secret: readScalar(curve, share.secret_share) };
}

/** What the client hands to a signer on import. The index is not in it: the sorted position implies it. */
export function encodeImportShare(curve, { secret, publicShares }) {
  const points = publicShares.map((point) => ({ curve: curve.name, point: hex(curve.publicShareBytes(point)) }));
  return utf8({ version: VERSION, secret_share: scalarMember(curve, secret), public_shares: points });
}

function scalarMember(curve, scalar) {
  return { curve: curve.name, scalar: scalarToHex(scalar) };
}

function readScalar(curve, member) {
  if (!isObject(member) || typeof member.curve !== 'string') {
    throw new Refusal('BAD_SHARE', 'a scalar is an object with its curve');
  }
  if (member.curve !== curve.name) throw new Refusal('CURVE_MISMATCH', 'the share is of another curve');
  return scalarFromHex(curve, member.scalar);
}

function checkVersion(version) {
  if (!Number.isInteger(version) || version < 0 || version > 255) {
    throw new Refusal('BAD_SHARE', 'the version is a number of one byte');
  }
  if (version !== VERSION) throw new Refusal('VERSION_MISMATCH', 'unknown share version');
}

function parseObject(bytes) {
  return refuseAs('BAD_SHARE', 'the share is not one JSON object', () => {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text);
    if (!isObject(value)) throw new Error('not an object');
    if (membersWritten(text) !== membersKept(value)) throw new Error('repeated member');
    return value;
  });
}

// JSON.parse silently keeps the last of several equal names: compare how many
// names the text has with how many survived. In valid JSON a string before a
// colon is a name, and strings are matched whole, so quoted colons do not count.
function membersWritten(text) {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter((token) => token[1]).length;
}

function membersKept(value) {
  if (value === null || typeof value !== 'object') return 0;
  const below = Object.values(value).reduce((sum, child) => sum + membersKept(child), 0);
  return Array.isArray(value) ? below : below + Object.keys(value).length;
}

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function utf8(value) {
  return new TextEncoder().encode(JSON.stringify(value));
}
