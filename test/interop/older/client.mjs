/**
 * Clients of the older official SDK, for the account of client.env. It names an
 * application beside the token and knows no organisation.
 */
import { DfnsApiClient, DfnsDelegatedApiClient } from '@dfns/sdk';
import { AsymmetricKeySigner } from '@dfns/sdk-keysigner';
import { variable } from '../environment.mjs';

export const signer = new AsymmetricKeySigner({
  credId: variable(process.env, 'DFNS_CRED_ID'),
  privateKey: variable(process.env, 'DFNS_PRIVATE_KEY'),
});

export const apiOptions = Object.freeze({
  appId: variable(process.env, 'DFNS_APP_ID'),
  authToken: variable(process.env, 'DFNS_AUTH_TOKEN'),
  baseUrl: variable(process.env, 'DFNS_API_URL'),
});

export function connect(options = {}) {
  return new DfnsApiClient({ ...apiOptions, signer, ...options });
}

export function connectDelegated() {
  return new DfnsDelegatedApiClient(apiOptions);
}
