/** Imports that a careless or hostile client could send: 400, and no key is made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accounts, connect } from '../client.mjs';
import { isDfnsError } from './assertions.mjs';
import { allPages, freshImport } from './flows.mjs';
import { offeredSchemes } from './schemes.mjs';

const [account] = accounts();
const client = connect(account);

const spoilers = [
  { name: 'one signer has no share', spoil: withShares((shares) => shares.slice(1)) },
  { name: 'one signer has two shares', spoil: withShares((shares) => [...shares, shares[0]]) },
  { name: 'two signers have each other\'s share', spoil: withShares(swapFirstTwo) },
  { name: 'a share is of no known signer', spoil: withShares(strangerFirst) },
  { name: 'a share is cut short', spoil: withShares(cutFirst) },
  { name: 'minSigners is below the degree of the shares', spoil: (body) => ({ ...body, minSigners: 2 }) },
  { name: 'minSigners is above the number of signers', spoil: (body) => ({ ...body, minSigners: 100 }) },
  { name: 'minSigners is 1', spoil: (body) => ({ ...body, minSigners: 1 }) },
  { name: 'the protocol does not go with the curve', spoil: (body) => ({ ...body, ...mismatched(body) }) },
  { name: 'the protocol is unknown', spoil: (body) => ({ ...body, protocol: 'GG18' }) },
  { name: 'a master key is asked for', spoil: (body) => ({ ...body, masterKey: true }) },
  { name: 'the name is too long', spoil: (body) => ({ ...body, name: 'n'.repeat(101) }) },
];

for (const scheme of offeredSchemes) {
  for (const { name, spoil } of spoilers) {
    test(`${scheme.name} import refused: ${name}`, async () => {
      const before = await countKeys();
      const { body } = await freshImport(client, scheme);
      await assert.rejects(client.keys.importKey({ body: spoil(body) }), isDfnsError(400));
      assert.equal(await countKeys(), before);
    });
  }
}

async function countKeys() {
  const pages = await allPages(client, 20);
  return pages.flatMap(({ items }) => items).length;
}

function withShares(change) {
  return (body) => ({ ...body, encryptedKeyShares: change(body.encryptedKeyShares) });
}

function swapFirstTwo([a, b, ...rest]) {
  return [
    { ...a, encryptedKeyShare: b.encryptedKeyShare },
    { ...b, encryptedKeyShare: a.encryptedKeyShare },
    ...rest,
  ];
}

function strangerFirst([first, ...rest]) {
  return [{ ...first, signerId: Buffer.alloc(32, 7).toString('base64') }, ...rest];
}

function cutFirst([first, ...rest]) {
  const bytes = Buffer.from(first.encryptedKeyShare, 'base64');
  return [{ ...first, encryptedKeyShare: bytes.subarray(0, -1).toString('base64') }, ...rest];
}

function mismatched({ curve }) {
  return { protocol: curve === 'ed25519' ? 'CGGMP21' : 'FROST' };
}
