//! Cache of the service clients that have authenticated recently. A client that asks about a token with each of its
//! requests then costs no query. A client leaves the cache when the outbox contains a change to it.

use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;

use model::values::ClientId;
use store::clients::Model;

/// Maximum number of clients in the cache.
const MOST: usize = 1_000;

/// The cached clients, by identifier.
#[derive(Debug, Default)]
pub struct KnownClients(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    clients: HashMap<ClientId, Arc<Model>>,
    changes: u64,
}

/// Number of changes that were known before a client was read from the database.
#[derive(Clone, Copy, Debug)]
pub struct ChangeCount(u64);

impl KnownClients {
    /// Returns the client from the cache.
    ///
    /// # Errors
    /// The number of known changes, for [`Self::remember`], when the client is not in the cache.
    pub fn find(&self, id: ClientId) -> Result<Arc<Model>, ChangeCount> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.clients.get(&id).cloned().ok_or(ChangeCount(known.changes))
    }

    /// Caches a client that was read after `since`, unless any client has changed meanwhile.
    pub fn remember(&self, client: &Arc<Model>, since: ChangeCount) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.changes == since.0 && known.clients.len() < MOST {
            known.clients.insert(client.id, Arc::clone(client));
        }
    }

    /// Empties the cache, because any client may have changed.
    pub fn forget_all(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.changes += 1;
        known.clients.clear();
    }

    /// Removes a client that has changed.
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
            kind: store::clients::Kind::Service,
            secret_hash: None,
            scopes: Scopes::default(),
            audiences: json!([]),
            created_at: DateTime::UNIX_EPOCH,
            disabled_at: None,
            projection: None,
            projection_generation: 0,
        })
    }

    #[test]
    fn a_client_stays_in_the_cache_until_it_changes() {
        let (known, client) = (KnownClients::default(), client());
        let before = known.find(client.id).unwrap_err();
        known.remember(&client, before);
        assert_eq!(known.find(client.id).unwrap(), client);
        known.forget(client.id);
        assert!(known.find(client.id).is_err());
    }

    #[test]
    fn a_client_that_was_read_before_a_change_is_not_cached_after_it() {
        let (known, client) = (KnownClients::default(), client());
        let before = known.find(client.id).unwrap_err();
        known.forget(client.id);
        known.remember(&client, before);
        assert!(known.find(client.id).is_err());
    }
}
