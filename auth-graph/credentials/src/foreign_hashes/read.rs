//! Parses the hash formats of Django, PHC, passlib and Werkzeug, and that of Firebase as Supabase writes it. A scheme
//! in braces before a hash is skipped if the hash names its function itself (`{bcrypt}$2a$…` of Spring Security).

use std::num::NonZeroU32;
use std::str::FromStr;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Params, Version};
use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::hash::{BCRYPT_DIGEST_AT, ForeignHash, Function, Preparation};

/// Base64 decoder that accepts text with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn read(text: &str) -> Option<ForeignHash> {
    let text = without_scheme(text);
    let (scheme, rest) = text.split_once(['$', ':'])?;
    let fields: Vec<&str> = rest.split('$').collect();
    match (scheme, fields.as_slice()) {
        ("argon2", _) => argon2(text.strip_prefix("argon2")?),
        ("bcrypt", _) => bcrypt(rest, Preparation::None),
        ("bcrypt_sha256", _) => bcrypt(rest, Preparation::Sha256Hex),
        ("pbkdf2_sha256", [rounds, salt, hash]) => pbkdf2("sha256", rounds, salt.as_bytes(), &decode(hash)?),
        ("pbkdf2_sha1", [rounds, salt, hash]) => pbkdf2("sha1", rounds, salt.as_bytes(), &decode(hash)?),
        ("scrypt", [n, salt, r, p, hash]) => scrypt(log2(n)?, r, p, salt.as_bytes(), decode(hash)?),
        ("scrypt", [costs, salt, hash]) => {
            let [n, r, p] = costs.split(':').collect::<Vec<_>>().try_into().ok()?;
            scrypt(log2(n)?, r, p, salt.as_bytes(), from_hex(hash)?)
        }
        ("pbkdf2", [costs, salt, hash]) => {
            let (digest, rounds) = costs.split_once(':')?;
            pbkdf2(digest, rounds, salt.as_bytes(), &from_hex(hash)?)
        }
        ("", ["2a" | "2b" | "2y", ..]) => bcrypt(text, Preparation::None),
        ("", ["argon2i" | "argon2d" | "argon2id", ..]) => argon2(text),
        ("", ["bcrypt-sha256", costs, salt, hash]) => {
            let (version, cost) = (parameter(costs, "v")?, parameter(costs, "r")?);
            let text = format!("$2b${cost:0>2}${salt}{hash}");
            (version == "2").then(|| bcrypt(&text, Preparation::HmacBase64((*salt).to_owned())))?
        }
        ("", ["scrypt", costs, salt, hash]) => {
            let log_n = parameter(costs, "ln")?.parse().ok()?;
            scrypt(log_n, parameter(costs, "r")?, parameter(costs, "p")?, &decode(salt)?, decode(hash)?)
        }
        ("", [name, costs, salt, hash]) if name.starts_with("pbkdf2") => {
            let digest = name.strip_prefix("pbkdf2")?.strip_prefix('-').unwrap_or("sha1");
            pbkdf2(digest, parameter(costs, "i").unwrap_or(costs), &decode(salt)?, &decode(hash)?)
        }
        ("", ["fbscrypt", costs, salt, hash]) => firebase(costs, salt, hash),
        _ => None,
    }
}

/// Removes a scheme such as `{bcrypt}` or `{ARGON2ID}` from a hash that names its function itself.
fn without_scheme(text: &str) -> &str {
    let named = text.strip_prefix('{').and_then(|text| text.split_once('}'));
    named.map(|(_, hash)| hash).filter(|hash| hash.starts_with('$')).unwrap_or(text)
}

fn argon2(text: &str) -> Option<ForeignHash> {
    // The parser accepts the usual alphabet without padding only.
    let fields: Vec<String> = text.split('$').map(|field| usual(field.trim_end_matches('='))).collect();
    let hash = PasswordHash::new(&fields.join("$")).ok()?;
    let function = Function::Argon2 {
        algorithm: Algorithm::from_str(hash.algorithm.as_str()).ok()?,
        // Hashes of the first version have no version number.
        version: hash.version.map_or(Some(Version::V0x10), |version| Version::try_from(version).ok())?,
        params: Params::try_from(&hash).ok()?,
        salt: hash.salt?.as_ref().to_vec(),
    };
    Some(ForeignHash { preparation: Preparation::None, function, expected: hash.hash?.as_bytes().to_vec() })
}

fn bcrypt(text: &str, preparation: Preparation) -> Option<ForeignHash> {
    // `2x` marks the hashes of a broken implementation.
    let parts = bcrypt::HashParts::from_str(text).ok().filter(|_| !text.starts_with("$2x"))?;
    (4..=31).contains(&parts.get_cost()).then_some(())?;
    let function = Function::Bcrypt { cost: parts.get_cost(), salt: parts.get_salt_raw() };
    Some(ForeignHash { preparation, function, expected: text.get(BCRYPT_DIGEST_AT..)?.as_bytes().to_vec() })
}

fn pbkdf2(digest: &str, rounds: &str, salt: &[u8], hash: &[u8]) -> Option<ForeignHash> {
    let digest = match digest {
        "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
        "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
        "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return None,
    };
    let rounds: NonZeroU32 = rounds.parse().ok()?;
    let function = Function::Pbkdf2 { digest, rounds, salt: salt.to_vec() };
    Some(ForeignHash { preparation: Preparation::None, function, expected: hash.to_vec() })
}

fn scrypt(log_n: u8, r: &str, p: &str, salt: &[u8], expected: Vec<u8>) -> Option<ForeignHash> {
    let function = Function::Scrypt { params: scrypt_params(log_n, r, p)?, salt: salt.to_vec() };
    Some(ForeignHash { preparation: Preparation::None, function, expected })
}

/// Parses `$fbscrypt$v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=SIGNER_KEY$SALT$HASH`, where `n` is the memory cost and `r` the
/// number of rounds of the project.
fn firebase(costs: &str, salt: &str, hash: &str) -> Option<ForeignHash> {
    let salt = [decode(salt)?, decode(parameter(costs, "ss")?)?].concat();
    let params = scrypt_params(parameter(costs, "n")?.parse().ok()?, parameter(costs, "r")?, "1")?;
    let (signer_key, expected) = (decode(parameter(costs, "sk")?)?, decode(hash)?);
    let function = Function::Firebase { params, salt, signer_key };
    Some(ForeignHash { preparation: Preparation::None, function, expected })
}

fn scrypt_params(log_n: u8, r: &str, p: &str) -> Option<scrypt::Params> {
    let (r, p): (u32, u32) = (r.parse().ok()?, p.parse().ok()?);
    // These bounds are far above the accepted cost, and prevent an overflow in the multiplication.
    (r <= 1 << 12 && p <= 1 << 12).then_some(())?;
    scrypt::Params::new(log_n, r, p).ok()
}

fn log2(n: &str) -> Option<u8> {
    let n: u64 = n.parse().ok()?;
    n.is_power_of_two().then(|| u8::try_from(n.ilog2()).ok())?
}

/// Returns the value of `name` in text such as `a=1,b=2`.
fn parameter<'a>(costs: &'a str, name: &str) -> Option<&'a str> {
    costs.split(',').filter_map(|pair| pair.split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(usual(text)).ok()
}

/// Converts base64 to the usual alphabet: from the one for URLs (Firebase), and from that of passlib, which writes a
/// full stop instead of the plus sign.
fn usual(text: &str) -> String {
    text.replace(['.', '-'], "+").replace('_', "/")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len().is_multiple_of(2).then(|| text.as_bytes().chunks(2).map(digits).collect())?
}
