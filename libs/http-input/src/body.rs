//! Reads whole bodies within a limit of bytes and of time.

use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;

/// Time that the body of a request may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reason why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError<E> {
    /// The body has more bytes than allowed.
    TooLarge,
    /// The body did not arrive in time.
    TimedOut,
    /// The body ended early.
    Broken(E),
}

/// Failure of a body that an earlier reader did not receive in time. The next reader reports the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the body did not arrive in time")
    }
}

impl Error for TimedOut {}

/// Reads the body of a request within [`BODY_TIMEOUT`].
///
/// # Errors
/// [`BodyError`] when it is too large, too slow or broken.
pub async fn receive<B>(body: B, most: usize) -> Result<Bytes, BodyError<B::Error>>
where
    B: Body<Data = Bytes>,
    B::Error: Error + 'static,
{
    receive_within(body, most, BODY_TIMEOUT).await
}

/// Reads the body of a request within a time.
///
/// # Errors
/// [`BodyError`] when it is too large, too slow or broken.
pub async fn receive_within<B>(body: B, most: usize, time: Duration) -> Result<Bytes, BodyError<B::Error>>
where
    B: Body<Data = Bytes>,
    B::Error: Error + 'static,
{
    match tokio::time::timeout(time, read_at_most(body, most)).await {
        Ok(Err(BodyError::Broken(error))) if timed_out(&error) => Err(BodyError::TimedOut),
        Ok(read) => read,
        Err(_elapsed) => Err(BodyError::TimedOut),
    }
}

/// Reads a body whose time is limited elsewhere, such as that of a response.
///
/// # Errors
/// [`BodyError`] when it is too large or broken.
pub async fn read_at_most<B: Body<Data = Bytes>>(body: B, most: usize) -> Result<Bytes, BodyError<B::Error>> {
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = pin!(body);
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        if first.len().max(all.len()) + data.len() > most {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

fn timed_out(error: &(dyn Error + 'static)) -> bool {
    error.is::<TimedOut>() || error.source().is_some_and(timed_out)
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    type Chunk = Result<Frame<Bytes>, io::Error>;

    fn chunks(chunks: &[&'static str]) -> impl Body<Data = Bytes, Error = io::Error> {
        let frames: Vec<Chunk> =
            chunks.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_is_assembled_from_its_chunks() {
        for parts in [&[][..], &["abc"], &["a", "bc"], &["", "a", "", "b", "c"]] {
            assert_eq!(receive(chunks(parts), 3).await.unwrap(), parts.concat(), "{parts:?}");
        }
    }

    #[tokio::test]
    async fn a_body_with_one_byte_too_many_is_too_large() {
        for parts in [&["abcd"][..], &["abc", "d"], &["a", "b", "cd"]] {
            assert!(matches!(receive(chunks(parts), 3).await, Err(BodyError::TooLarge)), "{parts:?}");
        }
        let announced = Full::new(Bytes::from_static(b"abcd"));
        assert_eq!(read_at_most(announced, 3).await, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_times_out_and_so_does_its_next_reader() {
        let slow = StreamBody::new(stream::pending::<Chunk>());
        assert!(matches!(receive(slow, 3).await, Err(BodyError::TimedOut)));
        let failed: Result<Frame<Bytes>, TimedOut> = Err(TimedOut);
        let again = StreamBody::new(stream::iter([failed]));
        assert!(matches!(receive(again, 3).await, Err(BodyError::TimedOut)));
        let broken: Chunk = Err(io::Error::other("the connection was lost"));
        let broken = StreamBody::new(stream::iter([broken]));
        assert!(matches!(receive(broken, 3).await, Err(BodyError::Broken(_))));
    }
}
