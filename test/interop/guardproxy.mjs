/**
 * A `keyferry guard` between an SDK and an API: it is started with what an operator
 * pins, which is the manifest that dev writes, the organisation and the user.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { assertExecutable, ending, stop } from './child.mjs';
import { variable } from './environment.mjs';

/** Starts it on a free port; its log goes to our standard error. */
export async function startGuard(upstream, env = process.env) {
  const binary = variable(env, 'INTEROP_BINARY');
  await assertExecutable(binary);
  const pinned = ['--manifest', join(variable(env, 'INTEROP_DIR'), 'manifest.json'), '--org', variable(env, 'DFNS_ORG_ID')];
  const user = userOf(variable(env, 'DFNS_AUTH_TOKEN'));
  const words = ['guard', '--upstream', upstream, '--listen', '127.0.0.1:0', ...pinned, '--user', user];
  const child = spawn(binary, words, { stdio: ['ignore', 'pipe', 2] });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const url = await announced(child);
  const close = async () => {
    await stop(child, 'keyferry guard');
    process.off('exit', killed);
  };
  return { url, close };
}

/** The address, at the end of the first line that it prints. */
async function announced(child) {
  const ended = once(child, 'exit').then(() => {
    throw new Error(`keyferry guard ended before it served: ${ending(child)}`);
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  return line.split(' ').at(-1);
}

/** The user whose token it is, as the account's owner knows him. */
function userOf(token) {
  const [, payload] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url'))['https://custom/app_metadata'].userId;
}
