//! Access to the root fields of auth-graph through the proxy: signing in, and one's own account. Administration and the
//! feed are not offered, whatever the access token allows.
//!
//! A test compares these lists with the access rules in the schema, so that a new field must be listed or refused.

/// Fields that need no access token.
const PUBLIC: [&str; 8] = [
    "login",
    "refresh",
    "logout",
    "verify",
    "register",
    "inspectOneTimeToken",
    "requestPasswordReset",
    "resetPassword",
];

/// Fields of the caller's own account, and the one by which a caller proves that an account is theirs. They are
/// forwarded with the caller's access token.
const OWN: [&str; 12] = [
    "me",
    "myLoginEvents",
    "myLoginSessions",
    "sessions",
    "changeEmail",
    "changePassword",
    "deleteAccount",
    "requestEmailVerification",
    "revokeSession",
    "setMetadata",
    "updateProfile",
    "verifyEmail",
];

/// Fields that end the session of the caller.
const ENDING: [&str; 3] = ["logout", "changePassword", "deleteAccount"];

/// Returns whether a field is forwarded.
pub(super) fn is_forwarded(field: &str) -> bool {
    PUBLIC.contains(&field) || is_own(field)
}

/// Returns whether a field is forwarded with the caller's access token.
pub(super) fn is_own(field: &str) -> bool {
    OWN.contains(&field)
}

/// Returns whether a field ends the session of the caller.
pub(super) fn ends_session(field: &str) -> bool {
    ENDING.contains(&field)
}
