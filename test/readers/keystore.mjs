/** Opens a Web3 Secret Storage file as ethers does: node keystore.mjs PASSWORD < file */
import { SigningKey, Wallet } from 'ethers';
import { keyFile, print } from './stdin.mjs';

const wallet = Wallet.fromEncryptedJsonSync(keyFile().toString('utf8'), process.argv[2]);
print({
  privateKey: wallet.privateKey.slice(2),
  publicKey: SigningKey.computePublicKey(wallet.privateKey, true).slice(2),
  address: wallet.address,
});
