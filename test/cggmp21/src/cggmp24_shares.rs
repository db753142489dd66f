//! cggmp24 0.7: Paillier and Pedersen moduli apart, and integers in another form. On
//! secp256k1 the key is a hierarchical deterministic wallet's.

use cggmp24::generic_ec::{Curve, NonZero, SecretScalar};
use cggmp24::supported_curves::{Secp256k1, Stark};

use crate::{Outcome, Output};

#[derive(Clone)]
struct ShortPrimes;
cggmp24::security_level::define_security_level!(ShortPrimes {
    kappa_bits: 64,
    rsa_prime_bitlen: 256,
    rsa_pubkey_bitlen: 511,
    epsilon: 128,
    ell: 64,
    ell_prime: 320,
    m: 128,
});

pub fn write(out: &mut Output) -> Outcome {
    deal::<Secp256k1>(out, "cggmp24-secp256k1-2of3-hd", true)?;
    deal::<Stark>(out, "cggmp24-stark-2of3", false)
}

fn deal<E: Curve>(out: &mut Output, name: &str, hd_wallet: bool) -> Outcome {
    let key = NonZero::<SecretScalar<E>>::random(&mut out.rng);
    let secret: &SecretScalar<E> = key.as_ref();
    let private = secret.as_ref().to_be_bytes();
    let shares = cggmp24::trusted_dealer::builder::<E, ShortPrimes>(3)
        .set_threshold(Some(2))
        .set_shared_secret_key(key)
        .hd_wallet(hd_wallet)
        .generate_shares(&mut out.rng)?;
    out.write(name, &shares, &private)
}
