//! Claims of access tokens in addition to the standard ones: those of the policy, those of the hook, and those that
//! clients of django-easyjwt read (`easyjwt::claims`).
//!
//! All questions are answered before a session or a client is locked, so that no network call is made within a
//! transaction.

pub mod policy;

use super::easyjwt;
use crate::app::App;
use crate::egress::claims_hook::{Question, TokenReason};
use model::config::HookFailure;
use model::error::{Error, Result};
use model::values::{AdditionalClaims, Holder, Scopes};
use store::{sessions, users};

/// The answer of the hook, and the number of the user where tokens contain it. A token can be made only with an answer,
/// so the question cannot be forgotten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    claims: AdditionalClaims,
    number: Option<i64>,
}

impl Answer {
    fn of_hook(claims: AdditionalClaims) -> Self {
        Self { claims, number: None }
    }
}

/// Returns whether a question must be answered before a token is made.
pub(crate) fn must_ask(app: &App) -> bool {
    app.claims.hook.is_some() || easyjwt::claims::tells_numbers(&app.config.claims)
}

/// Asks the hook, if there is one.
///
/// # Errors
/// [`Error::Unavailable`] when it fails, and the configuration rejects tokens in that case.
pub(crate) async fn ask(app: &App, question: &Question<'_>) -> Result<Answer> {
    let Some(hook) = &app.claims.hook else { return Ok(Answer::default()) };
    let answer = hook.ask(question, app.clock.now()).await.and_then(|claims| match app.claims.policy.fits(&claims) {
        true => Ok(claims),
        false => Err(Error::unavailable("its claims are too long")),
    });
    match (answer, app.config.claims.hook.on_failure) {
        (Ok(claims), _) => Ok(Answer::of_hook(claims)),
        (Err(error), HookFailure::Refuse) => Err(named(error)),
        (Err(error), HookFailure::Omit) => {
            tracing::warn!(error = errors::explain(&error), "a token is made without the claims of the hook");
            Ok(Answer::default())
        }
    }
}

/// Adds to a failure that the hook caused it: the log of a failed request contains nothing else about the hook.
fn named(error: Error) -> Error {
    match error {
        Error::Unavailable { source: Some(why), .. } => {
            Error::unavailable(format!("the claims hook failed: {}", errors::explain(&*why)))
        }
        other => other,
    }
}

/// Asks about the next token of a session.
///
/// # Errors
/// As [`ask`], or when the database fails.
pub(crate) async fn ask_for_session(
    app: &App,
    session: &sessions::Model,
    scope: &Scopes,
    reason: TokenReason,
) -> Result<Answer> {
    let question = Question {
        reason,
        holder: Holder::User(session.user_id, session.id),
        audience: session.audience(&app.config.tokens.audience),
        client_id: &session.client_id,
        scope,
    };
    let mut answer = ask(app, &question).await?;
    if easyjwt::claims::tells_numbers(&app.config.claims) {
        answer.number = Some(easyjwt::number_of(app, session.user_id).await?);
    }
    Ok(answer)
}

/// Returns all claims of a user's token in addition to the standard ones. The answer of the hook takes precedence over
/// the policy.
pub(crate) fn of_user(app: &App, user: &users::Model, audience: &str, answer: Answer) -> AdditionalClaims {
    let mut claims = app.claims.policy.of_user(user, audience);
    claims.extend(answer.claims);
    easyjwt::claims::add_of_user(&app.config.claims, &mut claims, user.id, answer.number);
    claims
}

/// Returns the additional claims for a service client, which has no attributes.
pub(crate) fn of_service(app: &App, answer: Answer) -> AdditionalClaims {
    let mut claims = answer.claims;
    easyjwt::claims::add_of_service(&app.config.claims, &mut claims);
    claims
}
