//! A real SMTP server that keeps what it is sent, and reading that.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use auth_graph::auth::mail::send_due;
use auth_graph::config::{Config, Registration};
use mailin_embedded::response::OK;
use mailin_embedded::{Handler, Response, Server, SslConfig};
use mailparse::{MailHeaderMap, ParsedMail};

use super::TestApp;

/// A mail that has arrived.
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
    /// Starts a server, and says where it is.
    pub fn start() -> (Self, String) {
        let sink = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mut server = Server::new(sink.clone());
        server.with_name("mail.test").with_ssl(SslConfig::None).unwrap().with_tcp_listener(listener);
        std::thread::spawn(move || drop(server.serve()));
        (sink, url)
    }

    /// Takes no mail from now on.
    pub fn refuse(&self, with: Response) {
        *self.refusal.lock().unwrap() = Some(with);
    }
}

/// An app that sends its mails to a server of its own.
pub struct MailingApp {
    pub test: TestApp,
    pub sink: Sink,
}

impl MailingApp {
    /// An app where everybody may register.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (sink, url) = Sink::start();
        let test = TestApp::with(|config| {
            config.mail.smtp_url = url.into();
            config.accounts.registration = Registration::Open;
            change(config);
        })
        .await;
        Self { test, sink }
    }

    /// Sends what waits, and takes what has arrived.
    pub async fn mails(&self) -> Vec<Arrived> {
        send_due(&self.test.app).await.unwrap();
        std::mem::take(&mut *self.sink.arrived.lock().unwrap())
    }

    /// The one mail that has arrived.
    pub async fn mail(&self) -> Arrived {
        let mut mails = self.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }
}

impl Arrived {
    /// The link in it.
    pub fn link(&self) -> &str {
        self.text.lines().find(|line| line.starts_with("http")).unwrap()
    }

    /// The token in the link.
    pub fn token(&self) -> &str {
        self.link().split_once("#token=").unwrap().1
    }
}
