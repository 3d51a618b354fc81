//! Server-sent events, as far as GraphQL uses them: the name and the data of each, read from a body as it arrives.

use std::time::Duration;

use reqwest::Response;

use crate::error::Error;

/// Longer silence than this means that the connection is gone: auth-graph says every second that it has nothing to say.
const SILENCE: Duration = Duration::from_secs(10);
/// No change is as long as this.
const LONGEST: usize = 1024 * 1024;

/// The events of one answer.
pub(super) struct Events {
    response: Response,
    buffer: Vec<u8>,
}

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
}

impl Events {
    pub(super) fn of(response: Response) -> Self {
        Self { response, buffer: Vec::new() }
    }

    /// The next event; none when the answer is over.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the connection is lost or silent, or an event is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(end) = find(&self.buffer, b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let event = parse(&String::from_utf8_lossy(&block));
                if !event.name.is_empty() {
                    return Ok(Some(event));
                }
                continue;
            }
            if self.buffer.len() > LONGEST {
                return Err(Error::unavailable("an event of the feed is too long"));
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await;
            match chunk.map_err(|_| Error::unavailable("the feed is silent"))?.map_err(Error::unavailable)? {
                // Carriage returns may end lines too; JSON holds none.
                Some(chunk) => self.buffer.extend(chunk.iter().filter(|byte| **byte != b'\r')),
                None => return Ok(None),
            }
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Comments and fields that we do not use are left out.
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
