//! A real SMTP server that stores received mails.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use engine::mail::send_due;
use mailin_embedded::response::{AUTH_OK, INVALID_CREDENTIALS, OK};
use mailin_embedded::{AuthMechanism, Handler, Response, Server, SslConfig};
use mailparse::{MailHeaderMap, ParsedMail};
use model::config::{Config, Registration};

use super::{PASSWORD, TestApp};

/// A received mail.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub raw: String,
}

/// The server.
#[derive(Clone, Default)]
pub struct Sink {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    refusal: Arc<Mutex<Option<Response>>>,
    to: String,
    data: Vec<u8>,
}

impl Handler for Sink {
    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        if (user, password) == ("auth-graph", PASSWORD) { AUTH_OK } else { INVALID_CREDENTIALS }
    }

    fn rcpt(&mut self, to: &str) -> Response {
        to.clone_into(&mut self.to);
        self.refusal.lock().unwrap().clone().unwrap_or(OK)
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let data = std::mem::take(&mut self.data);
        let mail = mailparse::parse_mail(&data).unwrap();
        let part = |number: usize| mail.subparts.get(number).map(|part: &ParsedMail| part.get_body().unwrap());
        let arrived = Arrived {
            to: self.to.clone(),
            subject: mail.headers.get_first_value("Subject").unwrap(),
            text: part(0).unwrap().replace("\r\n", "\n"),
            html: part(1).unwrap(),
            raw: String::from_utf8(data.clone()).unwrap(),
        };
        self.arrived.lock().unwrap().push(arrived);
        OK
    }
}

impl Sink {
    /// Starts a server, and returns it with its address. A server with encryption requires a password.
    pub fn start(encryption: SslConfig) -> (Self, SocketAddr) {
        let sink = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::new(sink.clone());
        server.with_name("mail.test").with_tcp_listener(listener);
        if !matches!(encryption, SslConfig::None) {
            server.with_auth(AuthMechanism::Plain);
        }
        server.with_ssl(encryption).unwrap();
        std::thread::spawn(move || drop(server.serve()));
        (sink, address)
    }

    /// Returns the mails since the last call.
    pub fn arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap())
    }

    /// Rejects mails from now on.
    pub fn refuse(&self, with: Response) {
        *self.refusal.lock().unwrap() = Some(with);
    }
}

/// An app with its own mail server.
pub struct MailingApp {
    pub test: TestApp,
    pub sink: Sink,
}

impl MailingApp {
    /// Creates an app with open registration.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (sink, address) = Sink::start(SslConfig::None);
        let test = TestApp::with(|config| {
            config.mail.smtp_url = format!("smtp://{address}").into();
            config.accounts.registration = Registration::Open;
            change(config);
        })
        .await;
        Self { test, sink }
    }

    /// Sends waiting mails, and returns the received ones.
    pub async fn mails(&self) -> Vec<Arrived> {
        send_due(&self.test.app).await.unwrap();
        self.sink.arrived()
    }

    /// Sends waiting mails, and returns the only received one.
    pub async fn mail(&self) -> Arrived {
        let mut mails = self.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }
}

impl Arrived {
    /// Returns a header, which is required.
    pub fn header(&self, name: &str) -> String {
        mailparse::parse_mail(self.raw.as_bytes()).unwrap().headers.get_first_value(name).unwrap()
    }

    /// Returns the link in the mail.
    pub fn link(&self) -> &str {
        self.text.lines().find(|line| line.starts_with("http")).unwrap()
    }

    /// Returns the token in the link.
    pub fn token(&self) -> &str {
        self.link().split_once("#token=").unwrap().1
    }
}
