//! Settings of a service: layers of files and environment variables, and the master secret in a file of its own.

mod data_folder;
mod layers;
mod secret;
mod secrets;

pub use data_folder::sqlite_url;
pub use layers::{Layout, Problem, Problems, Sources, environment_of_process};
pub use secret::MasterSecret;
pub use secrets::{PreviousSecret, Secrets};
