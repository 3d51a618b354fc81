//! The users of one list in an answer. A field that one of them needs is read for all of them with one query.

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::ids::UserId;
use crate::mirror::MirroredUser;
use crate::service::app::App;
use crate::service::notes::{self, NoteList, Page, Paging};

type Pages = OnceCell<Result<HashMap<UserId, Page>, Error>>;

/// The users of one list. It lives as long as the answer.
pub(super) struct Users {
    ids: Vec<UserId>,
    pages: Mutex<HashMap<Paging, Arc<Pages>>>,
    mirrored: OnceCell<Result<HashMap<UserId, MirroredUser>, Error>>,
}

impl Users {
    pub(super) fn of(ids: impl IntoIterator<Item = UserId>) -> Arc<Self> {
        Arc::new(Self { ids: ids.into_iter().collect(), pages: Mutex::default(), mirrored: OnceCell::new() })
    }

    /// Returns a user as the mirror has them; none when unknown or deleted. The first call reads all users.
    pub(super) async fn mirrored(&self, app: &App, user: UserId) -> Result<Option<MirroredUser>, Error> {
        let read = async {
            match app.auth.mirror() {
                Some(mirror) => mirror.users(&self.ids).await,
                None => Ok(HashMap::new()),
            }
        };
        let mirrored = self.mirrored.get_or_init(|| read).await;
        Ok(mirrored.as_ref().map_err(Error::clone)?.get(&user).cloned())
    }

    /// Returns a page of the notes of one user. The first call reads the pages of all users.
    pub(super) async fn notes(
        &self,
        app: &App,
        user: UserId,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Page, Error> {
        let paging = Paging::parse(app, NoteList::Of(user), first, after)?;
        let pages = Arc::clone(self.pages.lock().unwrap_or_else(PoisonError::into_inner).entry(paging).or_default());
        // A cursor belongs to the notes of one user.
        let asked = if paging.after.is_some() { slice::from_ref(&user) } else { &self.ids };
        let pages = pages.get_or_init(|| notes::pages(app, asked, paging)).await;
        Ok(pages.as_ref().map_err(Error::clone)?.get(&user).cloned().unwrap_or_default())
    }
}
