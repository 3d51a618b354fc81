//! Settings of a service: layers of files and environment variables, and the master secret in a file of its own.

mod data_folder;
mod durations;
mod given;
mod layers;
mod layout;
mod network;
mod optional_address;
mod print;
mod secret;
mod secret_file;
mod secrets;
mod service_links;
mod unknown_key;

pub use data_folder::sqlite_url;
pub use durations::time_delta;
pub use layers::{Loaded, Problem, Problems, Sources, environment_of_process};
pub use layout::{Layout, Values};
pub use network::{is_on_this_machine, is_origin, networks};
pub use optional_address::optional_address;
pub use secret::{MasterSecret, is_pattern};
pub use secrets::{PreviousSecret, Secrets};
