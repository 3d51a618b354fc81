//! Server-sent events, as far as GraphQL uses them: the name and the data of each, read from a body as it arrives.

use std::time::Duration;

use reqwest::Response;

use crate::error::Error;

/// A longer silence means that the connection is lost: auth-graph sends a marker every second.
const SILENCE: Duration = Duration::from_secs(10);
/// Greatest length of an event.
const LONGEST: usize = 1024 * 1024;

/// The events of one answer.
pub(super) struct Events {
    response: Response,
    buffer: Buffer,
}

/// An event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
}

/// The text that has arrived and is not read. Each of its lines ends with a line feed.
#[derive(Default)]
struct Buffer {
    text: Vec<u8>,
    after_carriage_return: bool,
}

impl Events {
    pub(super) fn of(response: Response) -> Self {
        Self { response, buffer: Buffer::default() }
    }

    /// Returns the next event; none when the answer has ended.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the connection is lost or silent, or an event is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.buffer.take_event() {
                return Ok(Some(event));
            }
            if self.buffer.text.len() > LONGEST {
                return Err(Error::unavailable("an event of the feed is too long"));
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await;
            match chunk.map_err(|_| Error::unavailable("the feed is silent"))?.map_err(Error::unavailable)? {
                Some(chunk) => self.buffer.extend(&chunk),
                None => return Ok(None),
            }
        }
    }
}

impl Buffer {
    /// Adds bytes. A line may end with a carriage return, a line feed or both; the two may arrive in different chunks.
    fn extend(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let is_second = *byte == b'\n' && self.after_carriage_return;
            self.after_carriage_return = *byte == b'\r';
            if !is_second {
                self.text.push(if *byte == b'\r' { b'\n' } else { *byte });
            }
        }
    }

    /// Takes the first event that has arrived in full. Blocks without a name, such as comments, are left out.
    fn take_event(&mut self) -> Option<Event> {
        loop {
            let end = self.text.windows(2).position(|two| two == b"\n\n")?;
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let event = parse(&String::from_utf8_lossy(&block));
            if !event.name.is_empty() {
                return Some(event);
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" if event.data.is_empty() => value.clone_into(&mut event.data),
            "data" => event.data = format!("{}\n{value}", event.data),
            _ => {}
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&str]) -> Vec<(String, String)> {
        let mut buffer = Buffer::default();
        let mut events = Vec::new();
        for chunk in chunks {
            buffer.extend(chunk.as_bytes());
            events.extend(std::iter::from_fn(|| buffer.take_event()).map(|event| (event.name, event.data)));
        }
        events
    }

    #[test]
    fn a_line_ends_with_a_carriage_return_a_line_feed_or_both() {
        let expected = [("next".to_owned(), "1\n2".to_owned()), ("complete".to_owned(), String::new())];
        for end in ["\n", "\r", "\r\n"] {
            let text = ["event: next", "data: 1", "data:2", "", ": comment", "", "event: complete", "", ""].join(end);
            assert_eq!(read(&[&text]), expected, "{end:?}");
            let bytes: Vec<&str> = text.split_inclusive(|_| true).collect();
            assert_eq!(read(&bytes), expected, "{end:?}, byte by byte");
        }
    }

    #[test]
    fn an_event_is_complete_when_its_last_line_is() {
        assert_eq!(read(&["event: next\r\ndata: 1\r\n"]), []);
        assert_eq!(read(&["event: next\r\n", "\r\n"]).len(), 1);
        assert_eq!(read(&["event: next\n\r", "\nevent: next\n", "\n"]).len(), 2);
    }
}
