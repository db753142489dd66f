/** Reads a WIF file as a Bitcoin wallet does: node wif.mjs bitcoin|testnet < file */
import * as secp256k1 from '@bitcoinerlab/secp256k1';
import { networks, payments } from 'bitcoinjs-lib';
import { ECPairFactory } from 'ecpair';
import { keyLine, print } from './stdin.mjs';

const network = networks[process.argv[2]];
const pair = ECPairFactory(secp256k1).fromWIF(keyLine(), network);
print({
  privateKey: pair.privateKey,
  publicKey: pair.publicKey,
  address: payments.p2wpkh({ pubkey: pair.publicKey, network }).address,
});
