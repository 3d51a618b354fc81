//! Which password hashes of other systems an import accepts, by their form and their cost.

use credentials::foreign_hashes::{ForeignHash, Unusable};

use crate::import::FOREIGN_HASHES;

const SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const DIGEST_64: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

/// Each parameter can be harmless alone: argon2 with 1 GiB and 20 passes took 90 seconds and a gigabyte.
#[test]
fn the_cost_of_a_hash_is_bounded_as_a_product() {
    let argon2 = |m, t, p| format!("$argon2id$v=19$m={m},t={t},p={p}${SALT}${SALT}");
    let pbkdf2 = |digest, rounds| format!("$pbkdf2-{digest}${rounds}${SALT}${SALT}");
    let scrypt = |ln, r, p| format!("$scrypt$ln={ln},r={r},p={p}${SALT}${SALT}");
    let bcrypt = |cost| format!("$2b${cost}$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG");
    let firebase = |n, r| format!("$fbscrypt$v=1,n={n},r={r},p=1,ss=Bw==,sk={DIGEST_64}${SALT}${DIGEST_64}");
    let long = |rounds| format!("pbkdf2_sha256${rounds}$salt${DIGEST_64}");
    let pairs = [
        (argon2(100_000, 20, 1), argon2(100_001, 20, 1)),
        (argon2(262_144, 7, 4), argon2(262_145, 1, 4)),
        (argon2(65_536, 3, 64), argon2(65_536, 3, 65)),
        (pbkdf2("sha256", 2_500_000), pbkdf2("sha256", 2_500_001)),
        (pbkdf2("sha512", 1_500_000), pbkdf2("sha512", 1_500_001)),
        (format!("pbkdf2_sha1$3000000$salt${SALT}=="), format!("pbkdf2_sha1$3000001$salt${SALT}==")),
        // A hash that is twice as long as the digest costs twice as much.
        (long(1_250_000), long(1_250_001)),
        (scrypt(18, 8, 1), scrypt(18, 9, 1)),
        (scrypt(14, 8, 16), scrypt(14, 8, 17)),
        (bcrypt(14), bcrypt(15)),
        (firebase(18, 8), firebase(18, 9)),
    ];
    for (affordable, costly) in pairs {
        assert!(ForeignHash::parse(&affordable).is_ok(), "{affordable}");
        assert_eq!(ForeignHash::parse(&costly).err(), Some(Unusable::TooCostly), "{costly}");
    }
}

/// Firebase's Admin SDK writes the alphabet for URLs, Keycloak pads the parts of argon2, and Spring Security and LDAP
/// put the scheme before the hash.
#[test]
fn a_hash_is_read_in_the_alphabets_and_with_the_prefixes_of_other_systems() {
    for line in FOREIGN_HASHES.lines() {
        let hash = line.split_once('\t').unwrap().1;
        if hash.starts_with('$') {
            assert!(ForeignHash::parse(&format!("{{scheme@v1}}{hash}")).is_ok(), "{hash}");
        }
    }
    let (url, usual) = ("_-__AAAAAAAAAAAAAAAAAA", "/+//AAAAAAAAAAAAAAAAAA");
    let forms = |text: &str| {
        [
            format!("$argon2id$v=19$m=16,t=1,p=1${text}${text}"),
            format!("$argon2id$v=19$m=16,t=1,p=1${text}==${text}=="),
            format!("pbkdf2_sha256$10$salt${text}=="),
            format!("$scrypt$ln=4,r=8,p=1${text}${text}"),
            format!("$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk={text}${text}==${text}"),
        ]
    };
    for hash in forms(url).into_iter().chain(forms(usual)) {
        assert!(ForeignHash::parse(&hash).is_ok(), "{hash}");
    }
    for hash in ["{noop}secret", "{bcrypt}secret", "{", "{}", "{bcrypt}"] {
        assert_eq!(ForeignHash::parse(hash).err(), Some(Unusable::Unknown), "{hash}");
    }
}

#[test]
fn unknown_hashes_and_hashes_with_excessive_cost_are_rejected() {
    let costly = [
        "pbkdf2_sha256$2000000000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "$2b$31$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG",
        "scrypt$1073741824$salt$8$1$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt:16384:4096:4096$salt$00000000000000000000000000000000",
        "$scrypt$ln=40,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "argon2$argon2id$v=19$m=102400,t=4000000,p=8$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    ];
    for hash in costly {
        assert_eq!(ForeignHash::parse(hash).err(), Some(Unusable::TooCostly), "{hash}");
    }
    let unknown = [
        "",
        "plain text",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "pbkdf2_sha256$0$salt$AAAAAAAAAAAAAAAAAAAAAA==",
        "pbkdf2_sha256$1000$salt$AAAA",
        "pbkdf2_sha256$1000$salt$%%%%",
        "scrypt$1000$salt$8$1$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt:16:8:1$salt$0g000000000000000000000000000000",
        "$2x$04$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG",
        "$2b$00$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG",
        "$pbkdf2-md5$100$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    ];
    for hash in unknown {
        assert_eq!(ForeignHash::parse(hash).err(), Some(Unusable::Unknown), "{hash}");
    }
    for line in FOREIGN_HASHES.lines() {
        let hash = line.split_once('\t').unwrap().1;
        for end in 0..hash.len() {
            drop(hash.get(..end).map(ForeignHash::parse));
        }
    }
}
