//! The text of an error for operators, on the command line and in the log.

use std::error::Error;

/// Returns the message of an error and those of its causes in one text.
///
/// A log in JSON shows only the first message of a field that is an error. A cause that the text already contains is
/// left out.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text += &format!(": {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{says}")]
    struct Failed {
        says: &'static str,
        #[source]
        cause: io::Error,
    }

    #[test]
    fn a_cause_is_written_once() {
        let failed = |says| Failed { says, cause: io::Error::other("no space") };
        assert_eq!(explain(&failed("cannot write")), "cannot write: no space");
        assert_eq!(explain(&failed("cannot write: no space")), "cannot write: no space");
    }
}
