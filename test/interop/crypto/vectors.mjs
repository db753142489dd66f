/** The wire vectors, which the Go packages are tested against too. */
import { readFileSync } from 'node:fs';

const path = new URL('../../../shares/testdata/dfns-wire.json', import.meta.url);

export const vectors = JSON.parse(readFileSync(path, 'utf8'));

/** The negative vectors of a kind; never an empty list, which would test nothing. */
export function negatives(kind) {
  const found = vectors.negative.filter((vector) => vector.kind === kind);
  if (found.length === 0) throw new Error(`no negative vectors of kind ${kind}`);
  return found;
}

export function scalar(hex) {
  return BigInt(`0x${hex}`);
}

export function schemeName({ protocol, curve }) {
  return `${protocol}/${curve}`;
}
