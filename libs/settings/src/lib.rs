//! Settings of a service: layers of files and environment variables, and the master secret in a file of its own.

mod layers;
mod secret;
mod secrets;

pub use layers::{Layout, Problem, Problems, Sources, environment_of_process};
pub use secret::{MasterSecret, make_private_folder};
pub use secrets::{PreviousSecret, Secrets};
