//! cggmp21 0.6: the auxiliary part has a modulus for each party.

use cggmp21::generic_ec::{NonZero, SecretScalar};
use cggmp21::rug::Integer;
use cggmp21::supported_curves::Secp256k1;

use crate::{Outcome, Output};

#[derive(Clone)]
struct ShortPrimes;
cggmp21::security_level::define_security_level!(ShortPrimes {
    security_bits = 64,
    epsilon = 128,
    ell = 64,
    ell_prime = 320,
    m = 128,
    q = (Integer::ONE.clone() << 48_u32) - 1,
});

pub fn write(out: &mut Output) -> Outcome {
    let key = NonZero::<SecretScalar<Secp256k1>>::random(&mut out.rng);
    let secret: &SecretScalar<Secp256k1> = key.as_ref();
    let private = secret.as_ref().to_be_bytes();
    let shares = cggmp21::trusted_dealer::builder::<Secp256k1, ShortPrimes>(5)
        .set_threshold(Some(3))
        .set_shared_secret_key(key)
        .hd_wallet(false)
        .enable_crt(true)
        .generate_shares(&mut out.rng)?;
    out.write("cggmp21-secp256k1-3of5", &shares, &private)
}
