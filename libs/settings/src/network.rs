//! Networks and origins in settings.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};
use url::{Host, Url};

/// Deserializes a list of networks, with `#[serde(deserialize_with = "settings::networks")]`. An address alone is the
/// network of this address only.
///
/// # Errors
/// When a text is neither a network nor an address.
pub fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let text = text.trim();
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| address()).map_err(|_| {
            D::Error::custom(format!("\"{text}\" is neither a network, such as 10.0.0.0/8, nor an address"))
        })
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(network).collect()
}

/// Returns whether a text is an origin, byte for byte as browsers send it: `https://app.example.com`, or that of an app
/// or a browser extension, such as `capacitor://localhost`.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let Some(host) = url.host_str().filter(|host| !host.is_empty() && !host.contains('*')) else { return false };
    // The URL standard knows the origins of a few schemes only. A browser sends `null` as the origin of a file.
    match url.origin().is_tuple() {
        true => url.origin().ascii_serialization() == text,
        false => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            url.scheme() != "file" && format!("{}://{host}{port}", url.scheme()) == text
        }
    }
}

/// Returns whether an origin is served by the machine of its browser, such as `http://localhost:5173`.
#[must_use]
pub fn is_on_this_machine(origin: &str) -> bool {
    match Url::parse(origin).as_ref().map(Url::host) {
        Ok(Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Some(Host::Ipv4(address))) => address.is_loopback(),
        Ok(Some(Host::Ipv6(address))) => address.is_loopback(),
        Ok(None) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, SeqDeserializer};

    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<String>, Error> {
        let texts = texts.iter().copied().map(IntoDeserializer::<Error>::into_deserializer);
        Ok(networks(SeqDeserializer::new(texts))?.iter().map(IpNet::to_string).collect())
    }

    #[test]
    fn an_address_alone_is_a_network_of_one() {
        let networks = read(&["10.0.0.0/8", "10.0.0.1", " 2001:db8::1", "2001:db8::/32"]).unwrap();
        assert_eq!(networks, ["10.0.0.0/8", "10.0.0.1/32", "2001:db8::1/128", "2001:db8::/32"]);
        for wrong in ["", "10.0.0", "10.0.0.1/33", "proxy.example.com", "10.0.0.1:80", "[2001:db8::1]"] {
            let error = read(&["10.0.0.1", wrong]).unwrap_err().to_string();
            assert!(error.contains(&format!("{wrong:?}")) && error.contains("10.0.0.0/8"), "{error}");
        }
    }

    #[test]
    fn origins_are_those_that_browsers_send() {
        for origin in [
            "https://app.example.com",
            "http://localhost:5173",
            "https://[2001:db8::1]:8443",
            "http://tauri.localhost",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "app://obsidian.md",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://0b9f5cbe-2d5b-4a53-9a5c-7c1d7a1b2c3d",
            "safari-web-extension://0B9F5CBE-2D5B-4A53-9A5C-7C1D7A1B2C3D",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://APP.example.com",
            "https://app.example.com/path",
            "https://user@app.example.com",
            "https://*.example.com",
            "capacitor://localhost/",
            "capacitor://localhost?a",
            "capacitor://user@localhost",
            "capacitor://",
            "capacitor:localhost",
            "Capacitor://localhost",
            "file://",
            "file://localhost",
            "data:text/html,1",
            " capacitor://localhost",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }

    #[test]
    fn an_origin_of_this_machine_has_a_loopback_host() {
        for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000", "https://app.localhost"] {
            assert!(is_on_this_machine(origin), "{origin}");
        }
        for origin in
            ["https://localhost.example.com", "https://notlocalhost", "http://128.0.0.1", "http://[::2]", "null", ""]
        {
            assert!(!is_on_this_machine(origin), "{origin}");
        }
    }
}
