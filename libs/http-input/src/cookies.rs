//! Cookies of a request (RFC 6265 section 4.2). The header is read as bytes: cookies of other programs on the same host
//! may be no text at all (RFC 9110 section 5.5), and ours count all the same.

use http::HeaderMap;
use http::header::COOKIE;

/// Maximum number of cookies of one name that are looked at. A browser sends one, and a few more if hosts of the parent
/// domain have set others.
const MOST_OF_ONE_NAME: usize = 8;

/// Returns the name and the value of every cookie of a request, in the order of the header. Parts that are no cookie,
/// and cookies that are not text, are skipped.
pub fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let parts = headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    parts.filter_map(|part| {
        let (name, value) = str::from_utf8(part).ok()?.split_once('=')?;
        Some((name.trim(), value.trim()))
    })
}

/// Returns the values of the cookies with a name, without the empty ones. There can be several, because every host of a
/// parent domain can set a cookie of this name: the caller takes the one that fits.
pub fn named<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let of_name = all(headers).filter(move |(found, value)| *found == name && !value.is_empty());
    of_name.map(|(_, value)| value).take(MOST_OF_ONE_NAME)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(values: &[&[u8]]) -> Vec<String> {
        let headers = values.iter().map(|value| (COOKIE, HeaderValue::from_bytes(value).unwrap())).collect();
        named(&headers, "a").map(str::to_owned).collect()
    }

    #[test]
    fn a_cookie_is_found_between_others_and_malformed_parts() {
        for values in [&[&b"a=1"[..]][..], &[b"b=2; a=1; c=3"], &[b"junk; =; ;;a=1"], &[b"aa=2", b"a=1"], &[b"a = 1 "]]
        {
            assert_eq!(found(values), ["1"], "{values:?}");
        }
        for values in [&[][..], &[&b"aa=1; A=1"[..]], &[b"a"], &[b"b=a=1"], &[b"a="], &[b"a=; a= "]] {
            assert!(found(values).is_empty(), "{values:?}");
        }
        assert_eq!(found(&[b"a=b=c=="]), ["b=c=="], "only the first equals sign ends the name");
    }

    /// hyperium/headers#85: one cookie with bytes beyond ASCII took all cookies away.
    #[test]
    fn bytes_of_other_cookies_do_not_matter() {
        for other in ["name=Jörg".as_bytes(), b"name=J\xf6rg", b"\xff=1", b"\xf0\x9f\x8d\xaa", b"q=\"\\\xe4\"", b"\t"]
        {
            for header in [[other, b"; a=1"].concat(), [b"a=1;", other].concat(), [other, b";a=1; ", other].concat()] {
                assert_eq!(found(&[&header]), ["1"], "{header:?}");
            }
            assert_eq!(found(&[other, b"a=1"]), ["1"], "{other:?}");
        }
    }

    #[test]
    fn all_cookies_of_a_name_are_found_up_to_a_number() {
        for values in [&[&b"a=1; a=2"[..]][..], &[b"a=1", b"a=2"], &[b"a=1; a=\xe4; a=; a=2"]] {
            assert_eq!(found(values), ["1", "2"], "{values:?}");
        }
        assert_eq!(found(&["a=x;".repeat(100).as_bytes()]).len(), MOST_OF_ONE_NAME);
    }
}
