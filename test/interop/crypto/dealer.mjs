/**
 * The client's side of an import: splits a private key over the cluster's
 * signers and seals a share to each. Signers are sorted by the raw bytes of
 * their ids; the i-th of them gets f(i), i = 1..n.
 */
import { decode, encode } from './base64.mjs';
import { CURVES, randomScalar, supports } from './curves.mjs';
import { seal } from './envelope.mjs';
import { encodeImportShare } from './plaintext.mjs';
import { evaluate } from './polynomial.mjs';
import { Refusal } from './refusal.mjs';

/**
 * The body of POST /keys/import, in the official client's member order.
 * `draw(curve)` gives the random scalars: first minSigners-1 coefficients, then
 * one ephemeral key per signer in sorted order.
 */
export function importRequest({ protocol, curve, minSigners, secret, signers }, draw = randomScalar) {
  const curveOfKey = checkedCurve({ protocol, curve, minSigners, secret, signers });
  const polynomial = [secret, ...times(minSigners - 1, () => draw(curveOfKey))];
  const deals = deal(curveOfKey, polynomial, sortById(signers));
  const encryptedKeyShares = deals.map(({ signer, plaintext }) => ({
    encryptedKeyShare: encode(seal(signer.encryptionKey, plaintext, draw(CURVES.secp256k1))),
    signerId: signer.signerId,
  }));
  return { minSigners, protocol, curve, encryptedKeyShares };
}

function checkedCurve({ protocol, curve, minSigners, secret, signers }) {
  if (!supports(protocol, curve)) throw new Refusal('UNSUPPORTED_SCHEME', `${protocol}/${curve}`);
  if (minSigners < 2 || minSigners > signers.length) throw new Refusal('THRESHOLD', 'minSigners must be 2..n');
  if (secret <= 0n || secret >= CURVES[curve].order) throw new Refusal('BAD_SECRET', 'secret out of range');
  return CURVES[curve];
}

function deal(curve, polynomial, signers) {
  const secrets = signers.map((_, i) => evaluate(curve.order, polynomial, BigInt(i + 1)));
  const publicShares = secrets.map((secret) => curve.multiplyBase(secret));
  return signers.map((signer, i) => ({
    signer,
    plaintext: encodeImportShare(curve, { secret: secrets[i], publicShares }),
  }));
}

function sortById(signers) {
  return [...signers].sort((a, b) => Buffer.compare(decode(a.signerId), decode(b.signerId)));
}

function times(count, make) {
  return Array.from({ length: count }, make);
}
