/** The shapes of the API's answers, to the letter. */
import assert from 'node:assert/strict';
import { DfnsError } from '@dfns/sdk';
import { decode } from '../crypto/base64.mjs';

const KEY_ID = /^key-[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{14,16}$/;
const CLOCK_SKEW_MS = 60_000;

const KEY_MEMBERS = ['id', 'scheme', 'curve', 'publicKey', 'status', 'custodial', 'dateCreated', 'imported'];

/** A key as POST /keys/import answers it and GET /keys lists it: these members and no others. */
export function assertImportedKey(key, { scheme, publicKey, name, exported = false }) {
  const optional = [...(name ? ['name'] : []), ...(exported ? ['exported', 'dateExported'] : [])];
  assertMembers(key, [...KEY_MEMBERS, ...optional]);
  assert.match(key.id, KEY_ID);
  assert.ok(key.id.length <= 64);
  assert.equal(key.scheme, scheme.keyScheme);
  assert.equal(key.curve, scheme.curve);
  assert.equal(key.publicKey, publicKey);
  assert.equal(key.status, 'Active');
  assert.equal(key.custodial, true);
  assert.equal(key.imported, true);
  assert.equal(key.name, name);
  assertRecentDate(key.dateCreated);
  if (exported) assertExported(key);
}

function assertExported(key) {
  assert.equal(key.exported, true);
  assertRecentDate(key.dateExported);
  assert.ok(key.dateExported >= key.dateCreated);
}

/** What GET /keys/{keyId} adds to the key. */
export function assertKeyDetails({ wallets, store }) {
  assert.ok(Array.isArray(wallets));
  for (const wallet of wallets) assertMembers(wallet, ['id', 'network']);
  assertMembers(store, ['id', 'kind', 'keyId']);
  assert.ok(['Hsm', 'Mpc'].includes(store.kind), `store kind ${store.kind}`);
}

/** An export's answer. Members beside the official five may be there; shares have exactly two. */
export function assertExportResponse(response, { scheme, publicKey, minSigners, signerIds }) {
  assert.equal(response.publicKey, publicKey);
  assert.equal(response.protocol, scheme.protocol);
  assert.equal(response.curve, scheme.curve);
  assert.equal(response.minSigners, minSigners);
  const shares = response.encryptedKeyShares;
  assert.deepEqual(shares.map(({ signerId }) => signerId).sort(), [...signerIds].sort());
  for (const share of shares) {
    assertMembers(share, ['signerId', 'encryptedKeyShare']);
    assert.equal(decode(share.encryptedKeyShare).length, scheme.ciphertextLength);
  }
}

/** A check for assert.rejects: an SDK's error, made from the API's error shape. */
export function isDfnsError(httpStatus, message = /./, { SdkError = DfnsError } = {}) {
  return (error) => {
    assert.ok(error instanceof SdkError, `expected a DfnsError, got ${error.stack}`);
    assert.equal(error.httpStatus, httpStatus, error.message);
    assert.match(error.message, message);
    assertErrorBody(error.context.body, httpStatus);
    return true;
  };
}

/** {error: {id, status, message, details?}, message}: old and new clients each find their text. */
export function assertErrorBody(body, httpStatus) {
  assert.equal(typeof body.error.id, 'string');
  assert.notEqual(body.error.id, '');
  assert.equal(body.error.status, httpStatus);
  assert.equal(typeof body.error.message, 'string');
  assert.notEqual(body.error.message, '');
  assert.equal(body.message, body.error.message);
}

export function assertMembers(value, names) {
  assert.deepEqual(Object.keys(value).sort(), [...names].sort());
  for (const name of names) assert.notEqual(value[name], null, `${name} is null`);
}

/** ISO 8601, UTC, milliseconds, and of about now. */
function assertRecentDate(text) {
  assert.equal(new Date(text).toISOString(), text);
  const age = Date.now() - Date.parse(text);
  assert.ok(age > -CLOCK_SKEW_MS && age < 10 * 60_000, `${text} is not recent`);
}
