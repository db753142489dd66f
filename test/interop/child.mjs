/** Processes of ours that the tests start: awaited, and ended by their pid. */
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

const STOP_TIMEOUT_MS = 30_000;

/** SIGTERM, which must end the process with exit status 0. */
export async function stop(child, name) {
  if (!isRunning(child)) throw new Error(`${name} had ended by itself: ${ending(child)}`);
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await once(child, 'exit');
  clearTimeout(killer);
  if (child.exitCode !== 0) throw new Error(`${name} did not end cleanly on SIGTERM: ${ending(child)}`);
}

/** Whatever happened, leave no process behind; resolves when it is gone. */
export async function kill(child) {
  if (!isRunning(child)) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export async function assertExecutable(binary) {
  await access(binary, constants.X_OK).catch(() => {
    throw new Error(`${binary} is not there: run "make build" first`);
  });
}

export function isRunning(child) {
  return child.exitCode === null && child.signalCode === null;
}

export function ending(child) {
  return child.signalCode ?? `exit status ${child.exitCode}`;
}
