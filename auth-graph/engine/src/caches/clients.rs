//! The service clients that have authenticated of late, so that one that asks about a token with every request of its
//! own costs no query. What is remembered is forgotten when the outbox says that a client has changed.

use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;

use model::values::ClientId;
use store::service_clients::Model;

/// Largest number of clients in the cache.
const MOST: usize = 1_000;

/// The clients by their identifiers.
#[derive(Debug, Default)]
pub struct KnownClients(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    clients: HashMap<ClientId, Arc<Model>>,
    changes: u64,
}

/// The number of changes that were known when a client was about to be read.
#[derive(Clone, Copy, Debug)]
pub struct ChangeCount(u64);

impl KnownClients {
    /// The client, or the moment since which it must not have changed to be remembered.
    ///
    /// # Errors
    /// The moment, when it is not known.
    pub fn find(&self, id: ClientId) -> Result<Arc<Model>, ChangeCount> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.clients.get(&id).cloned().ok_or(ChangeCount(known.changes))
    }

    /// Remembers what was read after that moment, unless some client has changed since.
    pub fn remember(&self, client: &Arc<Model>, since: ChangeCount) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.changes == since.0 && known.clients.len() < MOST {
            known.clients.insert(client.id, Arc::clone(client));
        }
    }

    /// Forgets all of them, as any may have changed.
    pub fn forget_all(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.changes += 1;
        known.clients.clear();
    }

    /// Forgets a client that has changed.
    pub fn forget(&self, id: ClientId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.changes += 1;
        known.clients.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use model::values::Scopes;

    fn client() -> Arc<Model> {
        Arc::new(Model {
            id: ClientId::generate(DateTime::UNIX_EPOCH),
            name: "orders".to_owned(),
            secret_hash: String::new(),
            scopes: Scopes::default(),
            audiences: json!([]),
            created_at: DateTime::UNIX_EPOCH,
            disabled_at: None,
            projection: None,
            projection_generation: 0,
        })
    }

    #[test]
    fn a_client_is_known_until_it_changes() {
        let (known, client) = (KnownClients::default(), client());
        let before = known.find(client.id).unwrap_err();
        known.remember(&client, before);
        assert_eq!(known.find(client.id).unwrap(), client);
        known.forget(client.id);
        assert!(known.find(client.id).is_err());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (known, client) = (KnownClients::default(), client());
        let before = known.find(client.id).unwrap_err();
        known.forget(client.id);
        known.remember(&client, before);
        assert!(known.find(client.id).is_err());
    }
}
