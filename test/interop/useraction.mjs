/**
 * User actions taken apart. The SDK signs and sends in one go, so a test that
 * reuses, drops or moves an action needs the two halves; both are still the
 * SDK's own code.
 */
import { BaseAuthApi } from '@dfns/sdk';
import { simpleFetch } from '@dfns/sdk/utils/fetch.js';
import { apiOptions } from './client.mjs';

/** A signed user action for one request: the value of the x-dfns-useraction header. */
export async function signAction(account, { method = 'POST', path, body }) {
  const options = apiOptions(account);
  const challenge = await BaseAuthApi.createUserActionChallenge(
    {
      userActionPayload: JSON.stringify(body),
      userActionHttpMethod: method,
      userActionHttpPath: path,
      userActionServerKind: 'Api',
    },
    options,
  );
  const firstFactor = await account.signer.sign(challenge);
  const { challengeIdentifier } = challenge;
  const { userAction } = await BaseAuthApi.signUserActionChallenge({ challengeIdentifier, firstFactor }, options);
  return userAction;
}

/** POSTs with an action that was signed before, or with none. */
export async function post(account, { path, body }, userAction) {
  const headers = userAction === undefined ? {} : { 'x-dfns-useraction': userAction };
  const response = await simpleFetch(path, { method: 'POST', body, headers, apiOptions: apiOptions(account) });
  return response.json();
}
