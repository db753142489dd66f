//! Bare core shares (key-share 0.7): additive ones, those of givre (FROST), and ones at
//! other points than 1 to n.

use generic_ec::curves::{Ed25519, Secp256k1};
use generic_ec::{Curve, NonZero, Scalar, SecretScalar};
use key_share::trusted_dealer::TrustedDealerBuilder;

use crate::{Outcome, Output};

pub fn write(out: &mut Output) -> Outcome {
    deal::<Secp256k1>(out, "core-secp256k1-additive-3", None, None)?;
    deal::<Ed25519>(out, "core-ed25519-2of3", Some(2), None)?;
    deal::<Ed25519>(out, "core-ed25519-additive-3", None, None)?;
    deal::<Secp256k1>(out, "core-secp256k1-2of3-points-3-1-2", Some(2), Some([3, 1, 2]))?;
    deal::<Secp256k1>(out, "core-secp256k1-2of3-points-1-2-4", Some(2), Some([1, 2, 4]))
}

fn deal<E: Curve>(out: &mut Output, name: &str, threshold: Option<u16>, points: Option<[u16; 3]>) -> Outcome {
    let key = NonZero::<SecretScalar<E>>::random(&mut out.rng);
    let secret: &SecretScalar<E> = key.as_ref();
    let private = secret.as_ref().to_be_bytes();
    let dealer = TrustedDealerBuilder::<E>::new(3)
        .set_threshold(threshold)
        .set_shared_secret_key(key)
        .hd_wallet(false);
    let points = points.unwrap_or([1, 2, 3]).map(|point| NonZero::from_scalar(Scalar::from(point)).expect("no point is zero"));
    let shares = dealer.generate_shares_at(points.into(), &mut out.rng)?;
    out.write(name, &shares, &private)
}
