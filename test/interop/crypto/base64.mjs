/**
 * Standard base64 (RFC 4648 section 4), decoded strictly. Buffer.from skips
 * whatever it does not know and takes the URL-safe alphabet too, so it is only
 * trusted here with text that re-encodes to itself.
 */
import { Refusal } from './refusal.mjs';

export function encode(bytes) {
  return Buffer.from(bytes).toString('base64');
}

/** Decodes the one canonical, padded spelling. */
export function decode(text) {
  const bytes = Buffer.from(text, 'base64');
  if (encode(bytes) !== text) throw new Refusal('BAD_BASE64', 'not canonical standard base64');
  return new Uint8Array(bytes);
}

/** Like decode, but the padding may be missing: the official client is that lax with responses. */
export function decodePaddingOptional(text) {
  const bare = text.replace(/={1,2}$/, '');
  return decode(bare + '='.repeat((4 - (bare.length % 4)) % 4));
}
