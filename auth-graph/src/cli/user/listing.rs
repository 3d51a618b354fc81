//! The commands that print users: `user list`, `user search`, `user show` and `user sessions`.

use std::io;

use clap::Args;
use serde_json::json;

use super::argument::UserArgument;
use crate::cli::failure::Failure;
use engine::accounts;
use engine::administration;
use engine::app::App;
use engine::audit;
use engine::pagination::Page;
use store::sessions;
use store::users::{Filter, Model};

#[derive(Debug, Args)]
pub(in crate::cli) struct Search {
    /// Words that are parts of the address, of the user name or of the names.
    text: String,
    /// Number of users, at most 100.
    #[arg(long, default_value_t = 20)]
    first: i32,
    /// Print JSON, one user per line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct List {
    /// Words that are parts of the address, of the user name or of the names.
    #[arg(long, value_name = "TEXT", conflicts_with = "deleted")]
    search: Option<String>,
    /// Only disabled users.
    #[arg(long, conflicts_with = "deleted")]
    disabled: bool,
    /// Only users with the role staff.
    #[arg(long, conflicts_with = "deleted")]
    staff: bool,
    /// Only users with this role; staff and superuser are roles too.
    #[arg(long, value_name = "ROLE", conflicts_with = "deleted")]
    role: Option<String>,
    /// Only deleted users who can be restored.
    #[arg(long)]
    deleted: bool,
    /// Number of users, at most 100.
    #[arg(long, default_value_t = 20)]
    first: i32,
    /// Only users after this cursor, which the list prints when there are more users.
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    after: Option<String>,
    /// Print JSON, one user per line. The cursor is printed to standard error.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Shown {
    #[command(flatten)]
    user: UserArgument,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn search(app: &App, options: Search) -> Result<(), Failure> {
    let Search { text, first, json } = options;
    let all = List { search: Some(text), first, json, ..List::default() };
    list(app, all).await
}

pub(super) async fn list(app: &App, options: List) -> Result<(), Failure> {
    let page = Page { first: Some(options.first), after: options.after, ..Page::default() };
    let listing = match options.deleted {
        true => administration::list_deleted(app, &page).await?,
        false => {
            if let Some(role) = options.role.as_ref().filter(|role| !app.config.roles.contains_key(*role)) {
                eprintln!("the configuration has no role {role}; users can have it from an earlier configuration");
            }
            let filter = Filter {
                search: options.search.map(|text| text.parse()).transpose()?,
                is_active: options.disabled.then_some(false),
                is_staff: options.staff.then_some(true),
                role: options.role,
                ..Filter::default()
            };
            accounts::list(app, &filter, &page).await?
        }
    };
    for (_, user) in &listing.rows {
        match options.json {
            true => print_line!("{}", to_json(app, user).await?)?,
            false => print(user)?,
        }
    }
    if let (true, Some((cursor, _))) = (listing.has_next_page, listing.rows.last()) {
        match options.json {
            true => eprintln!("more: --after {cursor}"),
            false => print_line!("more: --after {cursor}")?,
        }
    }
    Ok(())
}

pub(super) async fn show(app: &App, options: &Shown) -> Result<(), Failure> {
    let user = accounts::by_id(app, options.user.id(app).await?).await?;
    if options.json {
        return Ok(print_line!("{}", to_json(app, &user).await?)?);
    }
    print_line!("id: {}", user.id)?;
    for (name, value) in audit::facts_of(app, user.clone()).await?.as_object().into_iter().flatten() {
        print_line!("{name}: {value}")?;
    }
    Ok(print_line!("dateJoined: {}\nversion: {}", user.date_joined.to_rfc3339(), user.version)?)
}

pub(super) async fn sessions(app: &App, options: &Shown) -> Result<(), Failure> {
    let sessions = administration::list_sessions(app, options.user.id(app).await?).await?;
    match options.json {
        true => Ok(sessions.iter().try_for_each(|session| print_line!("{}", session_to_json(session)))?),
        false => Ok(sessions.iter().try_for_each(print_session)?),
    }
}

/// Prints a user as a line.
pub(super) fn print(user: &Model) -> io::Result<()> {
    let state = match user {
        user if user.deleted_at.is_some() => "deleted",
        user if user.is_active => "active",
        _ => "disabled",
    };
    let names = [user.email.shown(), user.username.as_ref().map_or("", |name| name.as_str())].join(" ");
    print_line!("{} {} ({state})", user.id, names.trim())
}

async fn to_json(app: &App, user: &Model) -> Result<serde_json::Value, Failure> {
    let mut shown = json!({ "id": user.id });
    let facts = audit::facts_of(app, user.clone()).await?;
    if let (Some(shown), Some(facts)) = (shown.as_object_mut(), facts.as_object()) {
        shown.extend(facts.clone());
        shown.insert("dateJoined".to_owned(), json!(user.date_joined.to_rfc3339()));
        shown.insert("version".to_owned(), json!(user.version));
    }
    Ok(shown)
}

fn print_session(session: &sessions::Model) -> io::Result<()> {
    let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let address = session.ip_address.as_deref().unwrap_or("-");
    let (began, used) = (time(session.created_at), time(session.last_used_at));
    print_line!("{} {} began {began} used {used} from {address}", session.id, session.client_id)
}

fn session_to_json(session: &sessions::Model) -> serde_json::Value {
    json!({
        "id": session.id,
        "clientId": session.client_id,
        "createdAt": session.created_at,
        "lastUsedAt": session.last_used_at,
        "ipAddress": session.ip_address,
        "userAgent": session.user_agent,
    })
}
