//! Callers: the principal that a token names, the actor of a change, the device, the scopes that a user holds, and the
//! view that a caller has of users.

pub mod actor;
pub mod authentication;
mod device;
mod live_caller;
pub(crate) mod powers;
pub mod principal;
mod scopes;
pub mod view;

pub use actor::Actor;
pub use authentication::{Refusal, authenticate, recheck};
pub use device::Device;
pub use live_caller::LiveCaller;
pub use principal::Principal;
pub(crate) use scopes::roles_and_scopes_of;
pub use scopes::scopes_of;
