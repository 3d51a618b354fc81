//! What an operator is told when a command fails.

use std::error::Error;

/// An error with its causes, each on a line of its own. One that the line before has said already is left out.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut last = error.to_string();
    let mut text = last.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !last.contains(&next) {
            text += &format!("\n  caused by: {next}");
            last = next;
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
    fn a_cause_is_told_once() {
        let failed = |says| Failed { says, cause: io::Error::other("no space") };
        assert_eq!(explain(&failed("can not write")), "can not write\n  caused by: no space");
        assert_eq!(explain(&failed("can not write: no space")), "can not write: no space");
    }
}
