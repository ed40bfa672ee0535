//! The composition cache: least recently used goes first, and age counts.
//!
//! Keyed by content: the ids, the format and the library's revision. An entry
//! of an older revision can therefore never be served; it ages out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::compose::{Composition, Format};
use super::library::RuleId;

/// What the cache did for one composition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Served {
    /// The composition came from the cache.
    Hit,
    /// It was made and put there.
    Miss,
    /// There is no cache.
    Off,
}

/// What identifies a composition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// One string, because it is hashed and compared under the lock.
    ids: Arc<str>,
    format: Format,
    revision: u64,
}

impl Key {
    /// `ids` must be ids of rules, sorted and without repetition: their order
    /// does not change a composition, and no id contains the separator.
    pub fn new(ids: &[RuleId], format: Format, revision: u64) -> Self {
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        Self { ids: ids.join(" ").into(), format, revision }
    }
}

/// Counts of one cache since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Entries now.
    pub entries: usize,
    /// Bytes of text and keys now.
    pub bytes: usize,
    /// Compositions served from the cache.
    pub hits: u64,
    /// Compositions that were not there, or too old.
    pub misses: u64,
    /// Entries dropped for their age.
    pub expired: u64,
    /// Entries dropped for room.
    pub evicted: u64,
}

#[derive(Debug)]
struct Slot {
    value: Arc<Composition>,
    stored: Instant,
    used: u64,
}

#[derive(Debug, Default)]
struct Slots {
    by_key: HashMap<Key, Slot>,
    /// The same keys, the least recently used first.
    by_use: BTreeMap<u64, Key>,
    clock: u64,
    figures: Figures,
}

/// A cache of compositions. The lock is held for look-ups and bookkeeping
/// only; two callers that miss at once both compose.
#[derive(Debug)]
pub struct Cache {
    capacity: usize,
    max_bytes: usize,
    ttl: Duration,
    slots: Mutex<Slots>,
}

impl Cache {
    /// A cache of `capacity` entries, 0 for none, that together take up to
    /// `max_bytes`; entries of the age `ttl` are not served any more, unless
    /// it is zero.
    pub fn new(capacity: usize, max_bytes: usize, ttl: Duration) -> Self {
        Self { capacity, max_bytes, ttl, slots: Mutex::default() }
    }

    /// Entries it can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The composition of `key`, as long as it is not too old at `now`.
    pub fn get(&self, key: &Key, now: Instant) -> Option<Arc<Composition>> {
        if self.capacity == 0 {
            return None;
        }
        let mut slots = self.lock();
        let stored = slots.by_key.get(key).map(|slot| slot.stored);
        let old = stored.is_some_and(|stored| !self.ttl.is_zero() && now.duration_since(stored) >= self.ttl);
        if old {
            slots.remove(key);
            slots.figures.expired += 1;
        }
        let found = slots.touch(key);
        match found {
            Some(_) => slots.figures.hits += 1,
            None => slots.figures.misses += 1,
        }
        found
    }

    /// Keeps `value`, made at `now`, and drops what no longer has room.
    pub fn put(&self, key: Key, value: Arc<Composition>, now: Instant) {
        if self.capacity == 0 {
            return;
        }
        let mut slots = self.lock();
        slots.remove(&key);
        slots.insert(key, value, now);
        while slots.by_key.len() > self.capacity || slots.figures.bytes > self.max_bytes {
            let Some((_, oldest)) = slots.by_use.first_key_value() else { break };
            let oldest = oldest.clone();
            slots.remove(&oldest);
            slots.figures.evicted += 1;
        }
    }

    /// Drops all entries and gives their number.
    pub fn clear(&self) -> usize {
        let mut slots = self.lock();
        let removed = slots.by_key.len();
        slots.by_use.clear();
        slots.figures.bytes = 0;
        let entries = std::mem::take(&mut slots.by_key);
        // Freeing thousands of texts takes its time; it needs no lock.
        drop(slots);
        drop(entries);
        removed
    }

    /// The counts so far.
    pub fn figures(&self) -> Figures {
        let slots = self.lock();
        Figures { entries: slots.by_key.len(), ..slots.figures }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// The value of `key`, which becomes the most recently used.
    fn touch(&mut self, key: &Key) -> Option<Arc<Composition>> {
        let slot = self.by_key.get_mut(key)?;
        self.clock += 1;
        if let Some(key) = self.by_use.remove(&slot.used) {
            self.by_use.insert(self.clock, key);
        }
        slot.used = self.clock;
        Some(slot.value.clone())
    }

    fn insert(&mut self, key: Key, value: Arc<Composition>, now: Instant) {
        self.clock += 1;
        self.figures.bytes += size(&key, &value);
        self.by_use.insert(self.clock, key.clone());
        self.by_key.insert(key, Slot { value, stored: now, used: self.clock });
    }

    fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.by_key.remove(key) {
            self.by_use.remove(&slot.used);
            self.figures.bytes = self.figures.bytes.saturating_sub(size(key, &slot.value));
        }
    }
}

fn size(key: &Key, value: &Composition) -> usize {
    key.ids.len() + value.text.len()
}
