//! The question before something that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use super::failure::Failure;

/// Treatment of a command when there is no terminal, where the operator cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unasked {
    /// It needs `--yes`: data is lost, or all users are signed out.
    Refuse,
    /// It is run: its effect can be undone or repaired.
    Continue,
}

/// Returns `Ok` if the operator agrees to an effect, which is a sentence.
pub(super) fn ask(effect: &str, yes: bool, unasked: Unasked) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let stdin = io::stdin();
    if !(stdin.is_terminal() && io::stderr().is_terminal()) {
        return match unasked {
            Unasked::Continue => Ok(()),
            Unasked::Refuse => Err(refused(&format!("{effect} Add --yes to agree"))),
        };
    }
    write!(io::stderr(), "{effect} Continue? [y/N] ")?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(refused("nothing was changed")),
    }
}

fn refused(message: &str) -> Failure {
    Failure::Io(io::Error::other(message.to_owned()))
}
