//! Cache of this process: service clients that authenticated.

pub mod clients;

pub use clients::KnownClients;
