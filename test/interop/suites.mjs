/**
 * The suites and how many tests each has. A test that is not run, or a table that
 * has lost rows, is a failure as much as a test that fails: whoever adds tests
 * changes the number.
 */
import { readdirSync } from 'node:fs';
import { relative, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const SUITES = { browser: 14, older: 31, sdk: 123 };

const FILE_TIMEOUT_MS = 120_000;

const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs all suites with these variables until signal; an error if anything failed or is missing. */
export async function runSuites(env, signal) {
  Object.assign(process.env, env); // what the tests' processes inherit
  const files = Object.keys(SUITES).flatMap(testFiles);
  // One file at a time: some of them count the keys of the organisation.
  const stream = run({ files, concurrency: 1, timeout: FILE_TIMEOUT_MS, signal });
  const tally = countTests(stream);
  stream.compose(spec).pipe(process.stdout);
  await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
  checkTally(tally);
}

function testFiles(suite) {
  const names = readdirSync(join(here, suite)).filter((name) => name.endsWith('.test.mjs'));
  return names.sort().map((name) => join(here, suite, name));
}

/** Counts what the stream tells: passed tests by suite, and the others by name. */
function countTests(stream) {
  const tally = { passed: Object.fromEntries(Object.keys(SUITES).map((suite) => [suite, 0])), others: [] };
  stream.on('test:pass', ({ name, file, skip, todo }) => {
    if (skip !== undefined || todo !== undefined) tally.others.push(`${name} (left out)`);
    else tally.passed[suiteOf(file)]++;
  });
  stream.on('test:fail', ({ name }) => tally.others.push(`${name} (failed)`));
  return tally;
}

function suiteOf(file) {
  return relative(here, file).split(/[/\\]/)[0];
}

function checkTally({ passed, others }) {
  if (others.length > 0) throw new Error(`${others.length} tests did not pass: ${others.join(', ')}`);
  for (const [suite, expected] of Object.entries(SUITES)) {
    const got = passed[suite];
    if (got !== expected) throw new Error(`${suite}: ${got} tests passed, expected ${expected}`);
  }
}
