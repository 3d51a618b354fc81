//! Sending mails to servers with encryption. Servers with wrong encryption get no mail.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use engine::mailer::{Failure, Mail, Mailer};
use mailin_embedded::SslConfig;
use model::config::{Config, Sources};
use model::values::MailId;
use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{MailingApp, PASSWORD, Sink, TestApp, operation};

/// A certificate authority that no machine trusts by default.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        // There are two providers in the dependencies, and the server uses the default. Another authority may have
        // installed it.
        let _ = aws_lc_rs::default_provider().install_default();
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = Self { folder: TempDir::new().unwrap(), issuer: Issuer::new(parameters.clone(), key) };
        let certificate = parameters.self_signed(authority.issuer.key()).unwrap();
        std::fs::write(authority.certificate(), certificate.pem()).unwrap();
        authority
    }

    /// Returns the file with the certificate of the authority.
    fn certificate(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    fn certify(&self, name: &str) -> CertifiedKey<KeyPair> {
        let signing_key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        CertifiedKey { cert: parameters.signed_by(&signing_key, &self.issuer).unwrap(), signing_key }
    }

    /// Starts a server with STARTTLS, and returns it with its address.
    fn start(&self, name: &str) -> (Sink, String) {
        let certified = self.certify(name);
        let write = |file: &str, pem: String| {
            let path = self.folder.path().join(file);
            std::fs::write(&path, pem).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let cert_path = write("server.pem", certified.cert.pem());
        let key_path = write("server.key", certified.signing_key.serialize_pem());
        let (sink, address) = Sink::start(SslConfig::SelfSigned { cert_path, key_path });
        (sink, format!("smtp://{address}?tls=required"))
    }

    /// Starts a server that encrypts from the first byte on, and returns it with its address.
    async fn start_encrypted(&self, name: &str) -> (Sink, String) {
        let (sink, plain) = Sink::start(SslConfig::None);
        (sink, format!("smtps://{}", encrypting(&self.certify(name), plain).await))
    }
}

/// Starts a proxy that decrypts connections and forwards them.
async fn encrypting(certified: &CertifiedKey<KeyPair>, to: SocketAddr) -> SocketAddr {
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certified.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut encrypted = acceptor.accept(stream).await?;
                copy_bidirectional(&mut encrypted, &mut TcpStream::connect(to).await?).await
            });
        }
    });
    address
}

/// Returns the failure of a mail to this server, when this authority is trusted.
async fn failure(url: &str, authority: &Authority) -> String {
    let mut config = Config::load(&Sources::default()).unwrap();
    config.mail.smtp_url = url.into();
    config.mail.smtp_authorities = authority.certificate();
    let mail = Mail {
        to: "ada@test.com".parse().unwrap(),
        subject: "Hello".to_owned(),
        text: "Hello".into(),
        html: "<p>Hello</p>".into(),
    };
    match Mailer::new(&config).unwrap().send(MailId(uuid::Uuid::nil()), &mail).await {
        Err(Failure::Passing(reason)) => reason,
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn mails_are_sent_to_servers_of_a_configured_authority() {
    let authority = Authority::new();
    let (starting, url) = authority.start("127.0.0.1");
    // The server accepts passwords only with encryption, and mails only after a password.
    let with_password = url.replace("smtp://", &format!("smtp://auth-graph:{}@", PASSWORD.replace(' ', "%20")));
    let (encrypted, from_the_first_byte) = authority.start_encrypted("127.0.0.1").await;
    for (sink, url) in [(starting, with_password), (encrypted, from_the_first_byte)] {
        let test = TestApp::with(|config| {
            config.mail.smtp_url = url.into();
            config.mail.smtp_authorities = authority.certificate();
        })
        .await;
        test.create_user("ada@test.com").await;
        let email = json!({ "email": "ada@test.com" });
        test.anonymous().send(operation!("request_password_reset"), email).await.data("requestPasswordReset");
        assert_eq!(MailingApp { test, sink }.mail().await.to, "ada@test.com");
    }
}

#[tokio::test]
async fn a_server_without_a_valid_certificate_gets_no_mail() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (sink, url) = authority.start("127.0.0.1");
    let (misnamed, url_of_misnamed) = authority.start("mail.test");
    let (encrypted, url_of_encrypted) = authority.start_encrypted("127.0.0.1").await;
    // A man in the middle can remove the offer to encrypt.
    let (plain, address) = Sink::start(SslConfig::None);
    for (reason, url, trusted) in [
        ("invalid peer certificate", url.as_str(), &other),
        ("not valid for", &url_of_misnamed, &authority),
        ("invalid peer certificate", &url_of_encrypted, &other),
        ("STARTTLS", &format!("smtp://{address}?tls=required"), &authority),
    ] {
        let failure = failure(url, trusted).await;
        assert!(failure.contains(reason), "{url}: {failure}");
    }
    for sink in [sink, misnamed, encrypted, plain] {
        assert!(sink.arrived().is_empty());
    }
}

#[test]
fn an_unusable_file_of_authorities_prevents_the_start() {
    let folder = TempDir::new().unwrap();
    let problem = |url: &str, text: &str| {
        let file = folder.path().join("authorities.pem");
        std::fs::write(&file, text).unwrap();
        let flags = [("mail.smtp_url", url), ("mail.smtp_authorities", file.to_str().unwrap())];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        Config::load(&Sources { flags, ..Sources::default() }).unwrap_err().to_string()
    };
    let good = std::fs::read_to_string(Authority::new().certificate()).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(problem("smtp://127.0.0.1", &good).contains("mail.smtp_authorities: is used only with smtps://"));
    assert!(problem("smtps://127.0.0.1", broken).contains("mail.smtp_authorities: contains no valid certificates"));
    assert!(problem("smtps://127.0.0.1", "").contains("mail.smtp_authorities: contains no valid certificates"));
}
