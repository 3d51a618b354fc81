//! The table of reasons: why an operation is forbidden. The code `FORBIDDEN` alone does not say what to change.

macro_rules! reasons {
    ($($(#[doc = $description:literal])* $variant:ident = $name:literal, $message:literal;)*) => {
        /// Reasons of refusals, sent as `extensions.reason`. More may be added, so that programs must expect unknown
        /// ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $(
                $(#[doc = $description])*
                $variant,
            )*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the message for users, and for developers what to change.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                }
            }

            /// Returns the reason with this name on the wire.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    /// The access token lacks a scope. `extensions.requiredScopes` lists the scopes that are needed.
    MissingScope = "MISSING_SCOPE", "The access token lacks a scope that this needs.";
    /// The caller would give, take over or act upon more than they have.
    InsufficientPermissions = "INSUFFICIENT_PERMISSIONS", "This needs more permissions than you have.";
    /// The user does not have a role.
    MissingRole = "MISSING_ROLE", "This needs a role that you do not have.";
    /// The user has not confirmed the e-mail address.
    EmailNotVerified = "EMAIL_NOT_VERIFIED", "Confirm your e-mail address first.";
    /// The access token lacks a claim of its policy.
    MissingClaims = "MISSING_CLAIMS", "The access token does not have the claims that this service needs.";
    /// The object belongs to another user.
    NotSelf = "NOT_SELF", "Only the user to whom this belongs may do this.";
    /// The caller is a service client, which has no account.
    UserRequired = "USER_REQUIRED", "This is for users only. A service client has no account.";
    /// The service client is limited to some users or fields.
    LimitedClient = "LIMITED_CLIENT", "This service client may see only some users or fields, and not this.";
    /// The caller acts as another user.
    Impersonation = "IMPERSONATION", "This is not possible while you act as another user.";
    /// The new token of a connection belongs to another caller.
    OtherCaller = "OTHER_CALLER", "The new token belongs to another caller. Open a new connection.";
    /// The token was issued to another client.
    OtherClient = "OTHER_CLIENT", "The token was issued to another client.";
    /// Nobody can register.
    RegistrationClosed = "REGISTRATION_CLOSED", "Registration is closed here (setting accounts.registration).";
    /// Only invited people can register.
    InvitationRequired = "INVITATION_REQUIRED", "Registration needs an invitation here (setting accounts.registration).";
    /// The operation sends a mail, and none can be sent.
    MailNotConfigured = "MAIL_NOT_CONFIGURED", "This needs a mail, and this service sends none (setting mail.smtp_url).";
    /// The page may not use the cookie.
    CookieOrigin = "COOKIE_ORIGIN", "The cookie is not accepted from this page. Its origin must be this service's own or one of server.allowed_origins.";
    /// The CSRF token is missing, or does not fit the cookie.
    CsrfToken = "CSRF_TOKEN", "The header X-CSRF-Token is missing, or belongs to another session than the cookie.";
    /// The page may not open a WebSocket.
    WebsocketOrigin = "WEBSOCKET_ORIGIN", "A page of this origin may not open a WebSocket (setting server.allowed_origins).";
    /// The proxy passes on only operations about signing in and the own account.
    NotPublic = "NOT_PUBLIC", "Only signing in and out and your own account are possible here. Ask auth-graph itself.";
    /// The service does not show its schema.
    IntrospectionDisabled = "INTROSPECTION_DISABLED", "Introspection is turned off here (setting graphql.introspection). Ask the operator for the schema.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own_and_a_sentence() {
        let names: HashSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(reason.as_str().bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()), "{reason:?}");
            assert!(reason.message().ends_with('.'), "{reason:?}");
            assert_eq!(Reason::from_wire(reason.as_str()), Some(*reason));
        }
    }
}
