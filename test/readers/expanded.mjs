/** Reads an expanded Ed25519 key as Cardano's library does, and signs the bytes "keyferry". */
import cardano from '@emurgo/cardano-serialization-lib-nodejs';
import { keyFile, print } from './stdin.mjs';

const key = cardano.PrivateKey.from_extended_bytes(keyFile());
print({
  publicKey: key.to_public().as_bytes(),
  signature: key.sign(Buffer.from('keyferry')).to_bytes(),
});
