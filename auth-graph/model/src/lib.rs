//! Types that every floor of auth-graph shares: values with rules, errors and their codes, the configuration, and the
//! clock.

pub mod clock;
pub mod config;
pub mod error;
pub mod values;
