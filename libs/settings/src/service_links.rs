//! Environment variables that Kubernetes and Docker set for a service of the same name, and that are no settings.
//!
//! For a Service `auth-graph`, Kubernetes gives every pod of the namespace `AUTH_GRAPH_SERVICE_HOST`,
//! `AUTH_GRAPH_PORT=tcp://10.0.0.1:8000` and others; for `auth-graph-metrics`, `AUTH_GRAPH_METRICS_SERVICE_HOST` and so
//! on. The links of Docker add `…_NAME` and `…_ENV_…`.

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Returns true if a variable describes a service. `name` is its name without the prefix of the settings.
pub(crate) fn is_service_link(name: &str, value: &str) -> bool {
    if name.starts_with("ENV_") {
        return true;
    }
    // The name of a service becomes letters, digits and single underscores. Two of them separate a section from a key.
    if name.contains("__") || name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return false;
    }
    let parts: Vec<&str> = name.split('_').collect();
    match parts.as_slice() {
        [.., "SERVICE", "HOST"] => true,
        [.., "PORT"] if is_address(value) => true,
        [.., "NAME"] => value.starts_with('/'),
        parts => parts.windows(2).any(|pair| pair == ["SERVICE", "PORT"]) || is_port(parts),
    }
}

/// Returns true for `tcp://10.0.0.1:8000` and the like.
fn is_address(value: &str) -> bool {
    value.split_once("://").is_some_and(|(scheme, _)| PROTOCOLS.contains(&scheme.to_uppercase().as_str()))
}

/// Returns true for `PORT_8000_TCP`, and for that with `PROTO`, `PORT` or `ADDR` after it.
fn is_port(parts: &[&str]) -> bool {
    let parts = match parts {
        [front @ .., "PROTO" | "PORT" | "ADDR"] => front,
        parts => parts,
    };
    match parts {
        [.., "PORT", number, protocol] => number.parse::<u16>().is_ok() && PROTOCOLS.contains(protocol),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_services_are_told_from_settings() {
        for (name, value) in [
            ("SERVICE_HOST", "10.0.0.1"),
            ("SERVICE_HOST", "fd00::1"),
            ("SERVICE_PORT", "8000"),
            ("SERVICE_PORT_HTTP", "8000"),
            ("SERVICE_PORT_GRPC_WEB", "8000"),
            ("PORT", "tcp://10.0.0.1:8000"),
            ("PORT", "udp://10.0.0.1:53"),
            ("PORT_8000_TCP", "tcp://10.0.0.1:8000"),
            ("PORT_8000_TCP_PROTO", "tcp"),
            ("PORT_8000_TCP_PORT", "8000"),
            ("PORT_8000_TCP_ADDR", "10.0.0.1"),
            ("PORT_53_UDP_ADDR", "10.0.0.1"),
            ("PORT_9_SCTP", "sctp://10.0.0.1:9"),
            ("METRICS_SERVICE_HOST", "10.0.0.2"),
            ("METRICS_V2_SERVICE_PORT_HTTP", "9000"),
            ("METRICS_PORT", "tcp://10.0.0.2:9000"),
            ("METRICS_PORT_9000_TCP_ADDR", "10.0.0.2"),
            ("NAME", "/web/auth-graph"),
            ("ENV_PATH", "/bin"),
            ("ENV_AUTH_GRAPH_SERVER__BIND", "0.0.0.0:8000"),
        ] {
            assert!(is_service_link(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("PORT", "8000"),
            ("SERVER_PORT", "8000"),
            ("NAME", "Shop"),
            ("HOST", "10.0.0.1"),
            ("SERVER__BNID", "x"),
            ("SERVER_BIND", "127.0.0.1:8000"),
            ("SERVER__SERVICE_HOST", "10.0.0.1"),
            ("PORT_HTTP_TCP", "tcp://10.0.0.1:8000"),
            ("SECRETT", "x"),
            ("service_host", "10.0.0.1"),
        ] {
            assert!(!is_service_link(name, value), "{name}={value}");
        }
    }
}
