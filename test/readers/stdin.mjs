/** What the readers share: a key file on standard input, what it says on standard output. */
import { readFileSync } from 'node:fs';

export function keyFile() {
  return readFileSync(0);
}

/** The text of a key file, which must be one line. */
export function keyLine() {
  const text = keyFile().toString('ascii');
  if (!/^[!-~]+\n$/.test(text)) throw new Error('not one line of printable characters');
  return text.trimEnd();
}

/** Bytes are printed as lower-case hex, without 0x. */
export function print(fields) {
  const printable = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : Buffer.from(value).toString('hex'),
  ]);
  console.log(JSON.stringify(Object.fromEntries(printable)));
}
