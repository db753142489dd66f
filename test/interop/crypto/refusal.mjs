/**
 * What this implementation throws when it turns something down. `code` is the
 * word the test vectors use for the reason (DECRYPT, BAD_SHARE, ...), so that a
 * vector can check why something was refused, not only that it was.
 */
export class Refusal extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** Runs work; whatever it throws becomes a Refusal with this code. */
export function refuseAs(code, message, work) {
  try {
    return work();
  } catch (cause) {
    throw new Refusal(code, `${message} (${cause.message})`);
  }
}
