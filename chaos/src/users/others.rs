//! What others do to a user: administrators who disable and delete the account, and thieves.

use serde_json::json;

use super::User;
use super::device::THEFT;
use crate::calls::{Deed, Request};
use crate::documents::REFRESH;
use crate::history::Act;

impl User {
    /// Refreshes while an administrator disables the account. Then it is enabled again.
    pub(super) async fn be_disabled(&mut self, device: usize) {
        let (administrator, account) = (self.administrator.clone(), self.account.number);
        let mut random = self.random.fork(1);
        let _ = self.random.next();
        tokio::join!(administrator.disable(account, &mut random), self.refresh(device));
        self.devices.clear();
        self.administrator.enable(account, &mut random).await;
    }

    /// Uses an access token while an administrator deletes the account.
    pub(super) async fn be_deleted(&mut self) {
        let (administrator, account) = (self.administrator.clone(), self.account.number);
        let mut random = self.random.fork(2);
        tokio::join!(administrator.delete(account, &mut random), self.ask(0, Act::AskService));
        self.devices.clear();
        self.account.is_deleted = true;
    }

    /// A thief uses the token of some generations ago: once if it may count as delayed, and otherwise until it is
    /// answered.
    pub(super) async fn lose_token(&mut self, device: usize, age: u32) {
        let held = &self.devices[device];
        let Some((token, generation)) = held.outdated(age) else { return self.refresh(device).await };
        let (act, session) = (Act::Replay { generation, newest: held.newest().1 }, Some(held.session));
        let variables = json!({ "refreshToken": token });
        if age < THEFT {
            let (place, request) = (self.draw_place(), Request { document: REFRESH, variables, bearer: None });
            let deed = Deed { who: "thief", account: self.account.number, session };
            self.calls.act(deed, act, place, request).await;
        } else {
            self.insist("thief", session, &act, REFRESH, variables, None).await;
        }
    }

    /// Tries, after the faults, what the user knows: lets a thief use an old token of each device, and the device its
    /// newest. Then logs in with the password, and tries the one before it.
    pub async fn conclude(&mut self) {
        if self.account.is_deleted {
            return;
        }
        while let Some(session) = self.devices.first().map(|device| device.session) {
            self.lose_token(0, THEFT).await;
            self.refresh(0).await;
            self.devices.retain(|device| device.session != session);
        }
        self.log_in().await;
        let known = self.account.current;
        if let Some(replaced) = known.checked_sub(1) {
            self.log_in_with(replaced).await;
        }
    }
}
