/** A `keyferry dev` process for the tests: started, awaited, and ended by its pid. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { assertExecutable, ending, isRunning, kill, stop } from './child.mjs';

// The first start makes five tokens and imports the sample key.
const START_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

/** Starts the server on a free port with its state under dir. Its log goes to our standard error. */
export async function startDev(binary, dir, flags = []) {
  await assertExecutable(binary);
  const arguments_ = ['dev', '--dir', dir, '--listen', '127.0.0.1:0', ...flags];
  const child = spawn(binary, arguments_, { stdio: ['ignore', 2, 2] });
  await once(child, 'spawn');
  return { child, dir, clientEnv: join(dir, 'client.env') };
}

/** The variables of client.env once the server serves; an error if it ends, takes too long, or at signal. */
export async function waitUntilServing({ child, clientEnv }, signal) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await exists(clientEnv))) {
    if (!isRunning(child)) throw new Error(`keyferry dev ended before it served: ${ending(child)}`);
    if (Date.now() > deadline) throw new Error(`no ${clientEnv} after ${START_TIMEOUT_MS / 1000} s`);
    await sleep(POLL_MS, undefined, { signal });
  }
  return sourceEnv(clientEnv);
}

export const stopDev = ({ child }) => stop(child, 'keyferry dev');

export const killDev = ({ child }) => kill(child);

/** The variables that a shell has after sourcing the file, and no others. */
async function sourceEnv(path) {
  const script = 'set -eu; set -a; . "$1"; env -0';
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, 'sh', path], {
    env: { PATH: process.env.PATH },
  });
  const pairs = stdout.split('\0').filter((line) => /^(DFNS|KEYFERRY|NODE)_/.test(line));
  return Object.fromEntries(pairs.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

async function exists(path) {
  return access(path).then(() => true, () => false);
}
