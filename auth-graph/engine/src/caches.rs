//! Caches of this process: service clients that authenticated, and answers about tokens.

pub mod clients;
pub mod token_answers;

pub use clients::KnownClients;
pub use token_answers::WrittenAnswers;
