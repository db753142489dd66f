/** Shamir's polynomials modulo a curve's order (bigints throughout). */
import { invert, mod } from '@noble/curves/abstract/modular.js';
import { Refusal } from './refusal.mjs';

/** f(x) for coefficients given from the constant term up (Horner). */
export function evaluate(order, coefficients, x) {
  return coefficients.reduceRight((sum, coefficient) => mod(sum * x + coefficient, order), 0n);
}

/** f(0) of the one polynomial through all the given {index, secret} points. */
export function interpolateAtZero(order, points) {
  const indexes = new Set(points.map(({ index }) => index));
  if (indexes.size !== points.length) throw new Refusal('MALFORMED_INDEXES', 'two shares have one index');
  const terms = points.map(({ index, secret }) => secret * lagrangeAtZero(order, indexes, index));
  return mod(terms.reduce((sum, term) => sum + term, 0n), order);
}

function lagrangeAtZero(order, indexes, own) {
  let numerator = 1n;
  let denominator = 1n;
  for (const other of indexes) {
    if (other === own) continue;
    numerator = mod(numerator * other, order);
    denominator = mod(denominator * (other - own), order);
  }
  return mod(numerator * invert(denominator, order), order);
}
