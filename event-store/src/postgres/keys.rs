//! Subjects' keys: made at first use, wrapped by the master key, kept unwrapped in memory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use sqlx::PgPool;
use uuid::{Builder, Uuid};

use super::{connect::answered, rows::EventRow, unavailable};
use crate::{
    ConnectError, MasterKey, ReadError, RecordedEvent,
    personal::{self, SubjectKey},
    secret,
};

/// Keys held in memory; when full they are forgotten and fetched again.
const KEYS_CACHED_MAX: usize = 10_000;

/// Finds, makes and remembers keys.
pub struct KeyRing {
    pool: PgPool,
    master: MasterKey,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    by_subject: HashMap<String, Arc<SubjectKey>>,
    by_id: HashMap<Uuid, Arc<SubjectKey>>,
}

impl KeyRing {
    /// Refuses a master key that does not belong to this database, before anything is read as erased.
    pub async fn open(pool: PgPool, master: MasterKey) -> Result<Self, ConnectError> {
        let any = "SELECT key_id, subject, wrapped_key FROM es_subject_keys WHERE wrapped_key IS NOT NULL LIMIT 1";
        let any: Option<(Uuid, String, Vec<u8>)> = sqlx::query_as(any).fetch_optional(&pool).await?;
        if let Some((id, subject, wrapped)) = any {
            unwrap(&master, id, &subject, &wrapped).ok_or(ConnectError::WrongMasterKey)?;
        }
        Ok(Self { pool, master, cache: Mutex::default() })
    }

    /// The keys of these subjects, by subject; made where there were none.
    pub async fn for_subjects(&self, subjects: BTreeSet<String>) -> Result<HashMap<String, SubjectKey>, sqlx::Error> {
        let mut keys = HashMap::new();
        for subject in subjects {
            let cached = self.cache().by_subject.get(&subject).cloned();
            let key = match cached {
                Some(key) => key,
                None => self.fetch_or_make(&subject).await?,
            };
            keys.insert(subject, (*key).clone());
        }
        Ok(keys)
    }

    async fn fetch_or_make(&self, subject: &str) -> Result<Arc<SubjectKey>, sqlx::Error> {
        let offered_id = Builder::from_random_bytes(secret::random()).into_uuid();
        let offered: [u8; 32] = secret::random();
        let wrapped = self.master.seal(&offered, &bound_to(offered_id, subject));
        let query = sqlx::query_as("SELECT o_key_id, o_wrapped FROM es_subject_key($1, $2, $3)");
        let query = query.bind(subject).bind(offered_id).bind(wrapped);
        let (id, wrapped): (Uuid, Option<Vec<u8>>) = answered(query.fetch_one(&self.pool)).await?;
        Ok(self.remember(id, subject.to_owned(), wrapped.as_deref()))
    }

    /// Opens the personal fields of stored rows.
    pub async fn open_all(&self, mut rows: Vec<EventRow>) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut wanted = BTreeSet::new();
        rows.iter().for_each(|row| personal::key_ids(&row.payload, &mut wanted));
        if !wanted.is_empty() {
            let keys = self.by_ids(wanted).await.map_err(unavailable)?;
            rows.iter_mut().for_each(|row| personal::open(&mut row.payload, &keys));
        }
        rows.into_iter().map(RecordedEvent::try_from).collect()
    }

    async fn by_ids(&self, wanted: BTreeSet<Uuid>) -> Result<HashMap<Uuid, SubjectKey>, sqlx::Error> {
        let mut keys = HashMap::new();
        let mut missing = Vec::new();
        {
            let cache = self.cache();
            for id in wanted {
                match cache.by_id.get(&id) {
                    Some(key) => drop(keys.insert(id, (**key).clone())),
                    None => missing.push(id),
                }
            }
        }
        if !missing.is_empty() {
            let query = "SELECT key_id, subject, wrapped_key FROM es_subject_keys WHERE key_id = ANY($1)";
            let found: Vec<(Uuid, String, Option<Vec<u8>>)> =
                answered(sqlx::query_as(query).bind(missing).fetch_all(&self.pool)).await?;
            for (id, subject, wrapped) in found {
                keys.insert(id, (*self.remember(id, subject, wrapped.as_deref())).clone());
            }
        }
        Ok(keys)
    }

    /// Destroys a subject's key here and in the database.
    pub async fn destroy(&self, subject: &str) -> Result<bool, ReadError> {
        let destroyed = sqlx::query_scalar("SELECT es_destroy_subject_key($1)").bind(subject);
        let destroyed = answered(destroyed.fetch_one(&self.pool)).await.map_err(unavailable)?;
        let mut cache = self.cache();
        if let Some(key) = cache.by_subject.remove(subject) {
            cache.by_id.remove(&key.id);
        }
        Ok(destroyed)
    }

    fn remember(&self, id: Uuid, subject: String, wrapped: Option<&[u8]>) -> Arc<SubjectKey> {
        let key = wrapped.and_then(|wrapped| unwrap(&self.master, id, &subject, wrapped));
        if key.is_none() && wrapped.is_some() {
            tracing::error!(key = %id, "a subject's key is not wrapped by this master key: its fields read as erased");
        }
        let key = Arc::new(SubjectKey { id, subject, key });
        let mut cache = self.cache();
        if cache.by_id.len() >= KEYS_CACHED_MAX {
            *cache = Cache::default();
        }
        cache.by_subject.insert(key.subject.clone(), Arc::clone(&key));
        cache.by_id.insert(id, Arc::clone(&key));
        key
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wrapped key opens only in its own row.
fn bound_to(id: Uuid, subject: &str) -> Vec<u8> {
    [id.as_bytes().as_slice(), subject.as_bytes()].concat()
}

fn unwrap(master: &MasterKey, id: Uuid, subject: &str, wrapped: &[u8]) -> Option<[u8; 32]> {
    master.open(wrapped, &bound_to(id, subject))?.try_into().ok()
}

/// Everybody the payloads have personal fields about.
pub fn subjects<'a>(payloads: impl Iterator<Item = &'a Value>) -> Result<BTreeSet<String>, personal::SealError> {
    let mut all = BTreeSet::new();
    for payload in payloads {
        all.append(&mut personal::subjects(payload)?);
    }
    Ok(all)
}
