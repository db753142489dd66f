/**
 * Runs the SDK tests against a fresh `keyferry dev`:
 *
 *   node run.mjs [flags for keyferry dev]
 *
 * Exit status 0 means that every test passed, none was left out, and the server ended
 * cleanly.
 */
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killDev, startDev, stopDev, waitUntilServing } from './devserver.mjs';
import { createP256Account } from './office.mjs';
import { runSuites } from './suites.mjs';

const binary = fileURLToPath(new URL('../../bin/keyferry', import.meta.url));

async function main(flags, signal) {
  const dir = await mkdtemp(join(tmpdir(), 'keyferry-interop-'));
  try {
    await testAgainstDev(dir, flags, signal);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function testAgainstDev(dir, flags, signal) {
  const dev = await startDev(binary, dir, flags);
  const ended = () => killDev(dev);
  process.once('exit', ended);
  try {
    const served = await waitUntilServing(dev, signal);
    // What the tests leave in the folder for temporary files goes with ours.
    const env = { ...served, INTEROP_BINARY: binary, INTEROP_DIR: dir, TMPDIR: dir };
    await runSuites({ ...env, ...(await createP256Account(env)) }, signal);
    await stopDev(dev);
  } finally {
    await killDev(dev);
    process.off('exit', ended);
  }
}

// On these signals the tests are ended, then the server, and nothing is left behind.
const interruption = new AbortController();
setMaxListeners(0, interruption.signal); // one listener for each file of tests
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interruption.abort(new Error(name)));

await main(process.argv.slice(2), interruption.signal).catch((error) => {
  console.error(`interop: ${error.message}`);
  process.exitCode = 1;
});
