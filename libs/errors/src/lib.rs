//! Errors as both services show them: to an operator, with all their causes.

mod explain;

pub use explain::explain;
