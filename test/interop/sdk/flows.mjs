/** The calls that several SDK tests make on their way to what they are about. */
import { generateKeyPair } from '../crypto/envelope.mjs';
import { importRequest } from '../crypto/dealer.mjs';
import { recover } from '../crypto/recovery.mjs';
import { supportedSchemes } from './schemes.mjs';

// What the official import helpers hard-code.
export const MIN_SIGNERS = 3;
const MAX_PAGES = 500;

/** The one cluster's signers. */
export async function clusterSigners(client) {
  const { clusters } = await client.signers.listSigners();
  return clusters[0].signers;
}

/** An import body for a fresh private key of the scheme, and that key. */
export async function freshImport(client, scheme, { minSigners = MIN_SIGNERS } = {}) {
  const { protocol, curve } = scheme;
  const secret = scheme.freshSecret();
  const signers = await clusterSigners(client);
  return { secret, body: importRequest({ protocol, curve, minSigners, secret, signers }) };
}

/** Imports a fresh private key; gives the API's key and the private one. */
export async function importFreshKey(client, scheme, { name } = {}) {
  const { secret, body } = await freshImport(client, scheme);
  const key = await client.keys.importKey({ body: name ? { ...body, name } : body });
  return { key, secret };
}

/** An export body and the decryption key for the answer to it. */
export function freshExport() {
  const { decryptionKey, encryptionKey } = generateKeyPair();
  return { decryptionKey, body: { encryptionKey, supportedSchemes } };
}

/** Exports a key; gives the response and the private key recovered from it. */
export async function exportAndRecover(client, keyId) {
  const { decryptionKey, body } = freshExport();
  const response = await client.keys.exportKey({ keyId, body });
  return { response, recovered: recover(decryptionKey, response) };
}

/** All pages of GET /keys, until one has no nextPageToken. */
export async function allPages(client, limit) {
  const pages = [];
  let paginationToken;
  do {
    const page = await client.keys.listKeys({ query: { limit, paginationToken } });
    pages.push(page);
    if (pages.length > MAX_PAGES) throw new Error(`the list of keys did not end after ${MAX_PAGES} pages`);
    paginationToken = page.nextPageToken;
  } while (paginationToken !== undefined);
  return pages;
}
