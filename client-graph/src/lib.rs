//! Turn a request into a verified principal and a mirrored user.

mod client;
mod clock;
mod context;
mod error;
mod flight;
#[cfg(feature = "async-graphql")]
pub mod guard;
mod ids;
mod keys;
#[cfg(feature = "axum")]
pub mod layer;
#[cfg(feature = "sea-orm")]
pub mod mirror;
mod operations;
mod principal;
#[cfg(feature = "proxy")]
pub mod proxy;
mod revocation;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "testing")]
pub mod testing;
mod verifier;

pub use client::{AuthGraph, AuthGraphBuilder, BuildError};
pub use clock::Clock;
pub use context::{Caller, Context};
#[cfg(feature = "async-graphql")]
pub use error::ApiError;
pub use error::{Code, Error};
pub use ids::{SessionId, UserId};
pub use operations::{
    Challenge, Claims, Credentials, Profile, SignIn, TokenPair, TokenType, User, UserPage, VerificationFailure,
    Verified,
};
pub use principal::{Principal, PrincipalKind};
pub use verifier::Verification;
