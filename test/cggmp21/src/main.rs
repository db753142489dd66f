//! Writes key shares as the open cggmp21, cggmp24 and key-share libraries write them,
//! dealt by the libraries' own trusted dealers: a line for each signer, and beside each
//! cluster's lines the private key. The dealers draw from a seeded generator, so it
//! writes the same bytes every time.
//!
//!     cargo run -- testdata
//!
//! The Paillier primes are far too short to be safe. Nothing here depends on them.

mod cggmp21_shares;
mod cggmp24_shares;
mod core_shares;

use std::{error::Error, fs, path::PathBuf};

use rand::{rngs::StdRng, SeedableRng};
use serde::Serialize;

type Outcome = Result<(), Box<dyn Error>>;

/// Where to write, and what to draw from.
struct Output {
    folder: PathBuf,
    rng: StdRng,
}

impl Output {
    /// Writes NAME.jsonl and NAME.key, the private key's 32 bytes in hex.
    fn write<T: Serialize>(&self, name: &str, shares: &[T], private_key: &[u8]) -> Outcome {
        let mut lines = String::new();
        for share in shares {
            lines += &serde_json::to_string(share)?;
            lines += "\n";
        }
        fs::write(self.folder.join(format!("{name}.jsonl")), lines)?;
        fs::write(self.folder.join(format!("{name}.key")), hex::encode(private_key) + "\n")?;
        Ok(())
    }
}

fn main() -> Outcome {
    let folder = std::env::args().nth(1).ok_or("the folder to write to?")?;
    let mut out = Output { folder: folder.into(), rng: StdRng::seed_from_u64(21) };
    cggmp21_shares::write(&mut out)?;
    cggmp24_shares::write(&mut out)?;
    core_shares::write(&mut out)
}
