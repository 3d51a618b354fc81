//! The cost of a comparison: the product of the parameters of a hash, as time on an ordinary core, and memory.
//!
//! Each parameter can be harmless alone. Everybody who signs in waits for the threads that compare, and an unknown
//! address is compared with the hash of some user.

use aws_lc_rs::pbkdf2;

use super::hash::{ForeignHash, Function};

/// Maximum time of one comparison, in milliseconds of an ordinary core. It is more than ten times the usual cost.
const MOST_MILLISECONDS: u64 = 1000;
/// Maximum memory of one comparison.
const MOST_KIB: u64 = 256 * 1024;
/// The work that an ordinary core does in a second, as a multiple of what each function repeats: KiB that are filled
/// (argon2, scrypt), key expansions (bcrypt), or computed digests (PBKDF2).
const ARGON2_KIB: u64 = 2_000_000;
const SCRYPT_KIB: u64 = 262_144;
const BCRYPT_EXPANSIONS: u64 = 1 << 14;
const PBKDF2_SHA1: u64 = 3_000_000;
const PBKDF2_SHA256: u64 = 2_500_000;
const PBKDF2_SHA512: u64 = 1_500_000;
/// The maximum cost that can be configured for our own hashes.
const CONFIGURABLE_KIB: u32 = 1_048_576;
const CONFIGURABLE_PASSES: u32 = 20;
/// Maximum number of lanes of argon2.
const MOST_LANES: u32 = 64;

impl ForeignHash {
    /// Returns whether a comparison takes neither too long nor too much memory.
    pub(super) fn is_affordable(&self) -> bool {
        let lanes = match &self.function {
            Function::Argon2 { params, .. } => params.p_cost(),
            _ => 1,
        };
        self.milliseconds() <= MOST_MILLISECONDS && self.kib() <= MOST_KIB && lanes <= MOST_LANES
    }

    /// Returns whether this can be one of our own hashes.
    pub(super) fn is_configurable(&self) -> bool {
        match &self.function {
            Function::Argon2 { params, .. } => {
                params.m_cost() <= CONFIGURABLE_KIB
                    && params.t_cost() <= CONFIGURABLE_PASSES
                    && params.p_cost() <= MOST_LANES
            }
            _ => false,
        }
    }

    /// Estimates the time of one comparison, rounded up.
    fn milliseconds(&self) -> u64 {
        let (work, in_a_second) = match &self.function {
            // The memory is that of all lanes together.
            Function::Argon2 { params, .. } => {
                (u64::from(params.m_cost()).saturating_mul(params.t_cost().into()), ARGON2_KIB)
            }
            Function::Bcrypt { cost, .. } => (power_of_two(*cost), BCRYPT_EXPANSIONS),
            Function::Pbkdf2 { digest, rounds, .. } => {
                let (length, in_a_second) = if *digest == pbkdf2::PBKDF2_HMAC_SHA512 {
                    (64, PBKDF2_SHA512)
                } else if *digest == pbkdf2::PBKDF2_HMAC_SHA256 {
                    (32, PBKDF2_SHA256)
                } else {
                    (20, PBKDF2_SHA1)
                };
                // A hash that is longer than the digest repeats all rounds for each further part.
                let parts = self.expected.len().div_ceil(length) as u64;
                (u64::from(rounds.get()).saturating_mul(parts), in_a_second)
            }
            Function::Scrypt { params, .. } | Function::Firebase { params, .. } => {
                (scrypt_kib(params).saturating_mul(params.p().into()), SCRYPT_KIB)
            }
        };
        work.saturating_mul(1000).div_ceil(in_a_second)
    }

    fn kib(&self) -> u64 {
        match &self.function {
            Function::Argon2 { params, .. } => params.m_cost().into(),
            Function::Scrypt { params, .. } | Function::Firebase { params, .. } => scrypt_kib(params),
            Function::Bcrypt { .. } | Function::Pbkdf2 { .. } => 0,
        }
    }
}

/// Returns the memory of scrypt: 128 bytes × N × r.
fn scrypt_kib(params: &scrypt::Params) -> u64 {
    power_of_two(params.log_n().into()).saturating_mul(params.r().into()).div_ceil(8)
}

fn power_of_two(exponent: u32) -> u64 {
    1_u64.checked_shl(exponent).unwrap_or(u64::MAX)
}
