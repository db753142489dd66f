/** What run.mjs tells the tests: the variables of client.env, and where things are. */
export function variable(env, name) {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: run these tests through run.mjs`);
  return value;
}
