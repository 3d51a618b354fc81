//! Settings of a service: layers of files and environment variables, and the master secret in a file of its own.

mod data_folder;
mod durations;
mod layers;
mod network;
mod secret;
mod secrets;

pub use data_folder::sqlite_url;
pub use durations::time_delta;
pub use layers::{Layout, Loaded, Problem, Problems, Sources, Values, environment_of_process};
pub use network::{is_on_this_machine, is_origin, networks};
pub use secret::MasterSecret;
pub use secrets::{PreviousSecret, Secrets};
