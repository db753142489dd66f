import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accounts, connect } from '../client.mjs';
import { isDfnsError } from './assertions.mjs';
import { allPages, importFreshKey } from './flows.mjs';
import { offeredSchemes } from './schemes.mjs';

const [account] = accounts();
const client = connect(account);

test('pages of one key lead to every key once, and the last has no nextPageToken', async () => {
  const [scheme] = offeredSchemes;
  const imported = [await importFreshKey(client, scheme), await importFreshKey(client, scheme)];
  const pages = await allPages(client, 1);
  for (const page of pages.slice(0, -1)) {
    assert.equal(page.items.length, 1);
    assert.equal(typeof page.nextPageToken, 'string');
  }
  assert.ok(!('nextPageToken' in pages.at(-1)));
  const ids = pages.flatMap(({ items }) => items.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
  for (const { key } of imported) assert.ok(ids.includes(key.id));
});

test('the size of the pages does not change what is listed or its order', async () => {
  const [ones, threes] = [await allPages(client, 1), await allPages(client, 3)];
  assert.deepEqual(threes.flatMap(({ items }) => items), ones.flatMap(({ items }) => items));
  assert.ok(threes.every(({ items }) => items.length <= 3));
});

test('a pagination token that was never given out is refused', async () => {
  const request = client.keys.listKeys({ query: { paginationToken: 'forged' } });
  await assert.rejects(request, isDfnsError(400));
});
