//! Readers for HTTP input. There is one for each kind, so that every route of every service gives the same answer to
//! the same input. They know neither a web framework nor the use of a value.

mod authorization;
mod body;
mod client_address;
mod cookies;
mod fields;
mod header;
mod media_type;
mod retry_after;
mod socket;

pub use authorization::{Basic, Bearer};
pub use body::{BODY_TIMEOUT, BodyError, TimedOut, read_at_most, receive, receive_within};
pub use client_address::{FORWARDED_FOR, client_address};
pub use cookies::{all as cookies, named as cookies_named};
pub use fields::{FieldsError, read_fields};
pub use header::{Repeated, single};
pub use media_type::{Unsupported, check_form, check_json, is_one_of};
pub use retry_after::read as retry_after;
