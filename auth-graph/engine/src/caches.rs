//! Cache of this process: service clients that have authenticated recently.

pub mod clients;

pub use clients::KnownClients;
