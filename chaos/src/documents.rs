//! The GraphQL documents that the users and the administrator send.

pub const LOGIN: &str = include_str!("../../schema/operations/login.graphql");
pub const REFRESH: &str = include_str!("../../schema/operations/refresh.graphql");
pub const LOGOUT: &str = include_str!("../../schema/operations/logout.graphql");
pub const CHANGE_PASSWORD: &str = include_str!("../../schema/operations/change_password.graphql");
pub const UPDATE_PROFILE: &str = include_str!("../../schema/operations/update_profile.graphql");
pub const ME: &str = include_str!("../../schema/operations/me.graphql");
pub const SNAPSHOTS: &str = include_str!("../../schema/operations/user_snapshots.graphql");
/// Sent to a client service.
pub const WHOAMI: &str = include_str!("../../client-graph/operations/whoami.graphql");

pub const CREATE: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
pub const DISABLE: &str =
    "mutation($id: ID!, $reason: String) { disableUser(id: $id, reason: $reason) { user { id } } }";
pub const ENABLE: &str = "mutation($id: ID!) { enableUser(id: $id) { user { id } } }";
pub const DELETE: &str = "mutation($id: ID!, $reason: String) { deleteUser(id: $id, reason: $reason) { user { id } } }";
