/** Reads a Starknet private key as starknet.js does, and signs a hash with it. */
import { Signer, ec } from 'starknet';
import { keyLine, print } from './stdin.mjs';

const text = keyLine();
const hash = '0x1234';
const fullPublicKey = ec.starkCurve.getPublicKey(text.slice(2).padStart(64, '0'), false);
const signature = ec.starkCurve.sign(hash, text);
if (!ec.starkCurve.verify(signature, hash.slice(2), fullPublicKey)) throw new Error('the signature is wrong');
print({
  privateKey: BigInt(text).toString(16).padStart(64, '0'),
  publicKey: (await new Signer(text).getPubKey()).slice(2).padStart(64, '0'), // x alone
});
