//! The users of one list in an answer. What one of them is asked for, all of them are: so one query finds it for all.

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::ids::UserId;
use crate::service::app::App;
use crate::service::notes::{self, Page, Paging, Whose};

type Pages = OnceCell<Result<HashMap<UserId, Page>, Error>>;

/// Users who are asked together. It lives as long as the answer.
pub(super) struct Users {
    ids: Vec<UserId>,
    pages: Mutex<HashMap<Paging, Arc<Pages>>>,
}

impl Users {
    pub(super) fn of(ids: impl IntoIterator<Item = UserId>) -> Arc<Self> {
        Arc::new(Self { ids: ids.into_iter().collect(), pages: Mutex::default() })
    }

    /// A page of the notes of one of them. The first who is asked fetches it for all.
    pub(super) async fn notes(
        &self,
        app: &App,
        user: UserId,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Page, Error> {
        let paging = Paging::parse(app, Whose::Of(user), first, after)?;
        let pages = Arc::clone(self.pages.lock().unwrap_or_else(PoisonError::into_inner).entry(paging).or_default());
        // A cursor is of one user's notes.
        let asked = if paging.after.is_some() { slice::from_ref(&user) } else { &self.ids };
        let pages = pages.get_or_init(|| notes::pages(app, asked, paging)).await;
        Ok(pages.as_ref().map_err(Error::clone)?.get(&user).cloned().unwrap_or_default())
    }
}
