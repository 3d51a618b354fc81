//! The part of HTTP/1.1 that a load generator needs: requests that are written in advance, and answers with a length. A
//! real client would use more of the processor than the measured servers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The status of an answer and the position of its body.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The range of the body in the bytes that were read.
    pub body: Range<usize>,
}

/// Builds a POST of JSON.
#[must_use]
pub fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    post_as("application/json", address, path, headers, body)
}

/// Builds a POST of a form.
#[must_use]
pub fn post_form(address: SocketAddr, path: &str, body: &str) -> Vec<u8> {
    post_as("application/x-www-form-urlencoded", address, path, &[], body)
}

fn post_as(kind: &str, address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let entity = [("content-type", kind), ("content-length", &length)];
    let mut request = head("POST", address, path, headers.iter().chain(&entity));
    request.extend_from_slice(body.as_bytes());
    request
}

/// Builds a GET.
#[must_use]
pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    head("GET", address, path, headers)
}

fn head<'a>(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A blocking connection.
pub struct BlockingConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl BlockingConnection {
    /// Opens the connection.
    ///
    /// # Errors
    /// When no server listens at the address.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request; returns the status and the body of the answer.
    ///
    /// # Errors
    /// When the connection ends, or the answer has a form that this reader does not know.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut chunk = [0; 4096];
        loop {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            if let Some(answer) = parse(&self.buffer)? {
                return Ok((answer.status, &self.buffer[answer.body]));
            }
        }
    }
}

/// An asynchronous connection; many of them share a thread.
pub struct Connection {
    stream: tokio::net::TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens the connection.
    ///
    /// # Errors
    /// When no server listens at the address.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request; returns the status and the body of the answer.
    ///
    /// # Errors
    /// When the connection ends, or the answer has a form that this reader does not know.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = parse(&self.buffer)? {
                return Ok((answer.status, &self.buffer[answer.body]));
            }
        }
    }
}

/// Returns the answer once it is complete.
fn parse(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("the answer has no {what}"));
    let head = str::from_utf8(&bytes[..end]).map_err(|_| bad("readable head"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    let body = end + 4..end + 4 + length.ok_or_else(|| bad("length"))?;
    if bytes.len() < body.end {
        return Ok(None);
    }
    Ok(Some(Answer { status: status.ok_or_else(|| bad("status"))?, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_complete() {
        let whole = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\n{}";
        let answer = parse(whole).unwrap().unwrap();
        assert_eq!((answer.status, &whole[answer.body]), (200, &b"{}"[..]));
        for cut in 0..whole.len() {
            assert!(parse(&whole[..cut]).unwrap().is_none());
        }
    }

    #[test]
    fn an_answer_without_a_length_is_rejected() {
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
