/**
 * What runs in the page: the official SDKs for browsers, unmodified, with nothing
 * around them but what passes values in and out. Tests call the functions by name.
 */
import { DfnsApiClient } from '@dfns/sdk';
import { BrowserKeySigner, WebAuthnSigner } from '@dfns/sdk-browser';
import { exportPublicKeyInPemFormatBrowser } from '@dfns/sdk/utils';
import { DfnsApiClient as CurrentApiClient } from 'dfns-sdk-current';

const CLIENTS = { '0.6.12': DfnsApiClient, '0.8.21': CurrentApiClient };

/**
 * Makes a WebAuthn credential for the relying party; algorithm is COSE's number. Gives
 * its id and its public key, a SubjectPublicKeyInfo in base64.
 */
async function register({ relyingParty, algorithm }) {
  const { id, response } = await navigator.credentials.create({
    publicKey: {
      rp: relyingParty,
      user: { id: crypto.getRandomValues(new Uint8Array(16)), name: 'user', displayName: 'User' },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [{ type: 'public-key', alg: algorithm }],
      authenticatorSelection: { userVerification: 'required' },
    },
  });
  return { credId: id, spki: btoa(String.fromCharCode(...new Uint8Array(response.getPublicKey()))) };
}

/** Exports a key with the authenticator's consent. verification replaces what the challenge asks of it. */
async function exportWithAuthenticator({ relyingParty, verification, ...request }) {
  const authenticator = new WebAuthnSigner({ relyingParty });
  const asked = verification ? { userVerification: verification } : {};
  const signer = { sign: (challenge) => authenticator.sign({ ...challenge, ...asked }) };
  return exportKey({ ...request, signer });
}

// The key pair of the page, whose private key scripts cannot read.
let keyPair;

/** Makes the page's own key pair and gives its public key, PEM. */
async function makeKeyPair() {
  keyPair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  return exportPublicKeyInPemFormatBrowser(keyPair);
}

/** Exports a key with a signature of the page's own key. */
async function exportWithPageKey({ credId, ...request }) {
  return exportKey({ ...request, signer: new BrowserKeySigner({ credId, keyPair }) });
}

/** {response}, or {error} as the SDK or the browser throws it. */
async function exportKey({ sdk, account, signer, keyId, body }) {
  const client = new CLIENTS[sdk]({ ...account, baseUrl: location.origin, signer });
  try {
    return { response: await client.keys.exportKey({ keyId, body }) };
  } catch ({ name, message, httpStatus, context }) {
    return { error: { name, message, httpStatus, body: context?.body } };
  }
}

window.interop = { register, exportWithAuthenticator, makeKeyPair, exportWithPageKey };
