/**
 * Runs the SDK tests against a fresh `keyferry dev`:
 *
 *   node run.mjs [flags for keyferry dev]
 *
 * Exit status 0 means that every test passed and the server ended cleanly.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killDev, startDev, stopDev, waitUntilServing } from './devserver.mjs';
import { createP256Account } from './secondaccount.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const binary = join(here, '..', '..', 'bin', 'keyferry');

async function main(flags) {
  const files = await testFiles();
  const dir = await mkdtemp(join(tmpdir(), 'keyferry-interop-'));
  try {
    await testAgainstDev(dir, flags, files);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function testAgainstDev(dir, flags, files) {
  const dev = await startDev(binary, dir, flags);
  const interrupted = () => killDev(dev);
  process.once('exit', interrupted);
  try {
    const env = await waitUntilServing(dev);
    await runTests(files, { ...env, ...(await createP256Account(binary, dir, env)) });
    await stopDev(dev);
  } finally {
    await killDev(dev);
    process.off('exit', interrupted);
  }
}

/** One file at a time: some of them count the keys of the organisation. */
async function runTests(files, env) {
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
    cwd: here,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('SDK tests failed');
}

async function testFiles() {
  const names = await readdir(join(here, 'sdk'));
  const files = names.filter((name) => name.endsWith('.test.mjs')).map((name) => join('sdk', name));
  if (files.length === 0) throw new Error('no SDK tests found');
  return files.sort();
}

// Ending on these signals by way of exit lets the server be ended too.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

await main(process.argv.slice(2)).catch((error) => {
  console.error(`interop: ${error.message}`);
  process.exitCode = 1;
});
