use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::rulebook::cache::{Cache, Key};
use crate::rulebook::compose::{Composition, Format};

const NO_TTL: Duration = Duration::ZERO;
const ROOM: usize = 1_000_000;

fn key(id: &str) -> Key {
    Key::new(&[id.into()], Format::Markdown, 1)
}

fn composition(text: &str) -> Arc<Composition> {
    let text = text.to_owned();
    Arc::new(Composition { format: Format::Markdown, rules: Vec::new(), conflicts: Vec::new(), text })
}

fn filled(capacity: usize, max_bytes: usize, ids: &[&str]) -> Cache {
    let cache = Cache::new(capacity, max_bytes, NO_TTL);
    for id in ids {
        cache.put(key(id), composition("text"), Instant::now());
    }
    cache
}

#[test]
fn a_key_is_ids_format_and_revision() {
    let now = Instant::now();
    let cache = Cache::new(10, ROOM, NO_TTL);
    cache.put(Key::new(&["a".into(), "b".into()], Format::Markdown, 1), composition("ab"), now);
    let hit = |ids: &[&str], format, revision| {
        let ids: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
        cache.get(&Key::new(&ids, format, revision), now).is_some()
    };
    assert!(hit(&["a", "b"], Format::Markdown, 1));
    assert!(!hit(&["a"], Format::Markdown, 1));
    assert!(!hit(&["a", "b"], Format::Json, 1));
    assert!(!hit(&["a", "b"], Format::Markdown, 2));
    let figures = cache.figures();
    assert_eq!((figures.hits, figures.misses, figures.entries), (1, 3, 1));
}

#[test]
fn the_least_recently_used_goes_first() {
    let now = Instant::now();
    let cache = filled(2, ROOM, &["a", "b"]);
    for _ in 0..3 {
        assert!(cache.get(&key("a"), now).is_some(), "a is used after b");
        assert!(cache.get(&key("b"), now).is_some(), "b is used after a");
    }
    assert!(cache.get(&key("a"), now).is_some(), "a is used after b");
    cache.put(key("c"), composition("text"), now);
    assert!(cache.get(&key("b"), now).is_none());
    assert!(cache.get(&key("a"), now).is_some());
    assert!(cache.get(&key("c"), now).is_some());
    assert_eq!((cache.figures().entries, cache.figures().evicted), (2, 1));
}

#[test]
fn putting_again_replaces_and_renews() {
    let now = Instant::now();
    let cache = filled(2, ROOM, &["a", "b"]);
    cache.put(key("a"), composition("longer text"), now);
    assert_eq!(cache.figures().bytes, "a".len() + "longer text".len() + "b".len() + "text".len());
    cache.put(key("c"), composition("text"), now);
    assert!(cache.get(&key("b"), now).is_none(), "b is the oldest now");
    assert_eq!(cache.get(&key("a"), now).unwrap().text, "longer text");
}

#[test]
fn bytes_are_bounded_too() {
    let cache = filled(100, 24, &["a", "b", "c", "d", "e", "f"]);
    let figures = cache.figures();
    assert_eq!((figures.entries, figures.bytes, figures.evicted), (4, 20, 2));
    cache.put(key("g"), composition(&"x".repeat(25)), Instant::now());
    assert_eq!(cache.figures().entries, 0, "what exceeds all room is not kept");
}

#[test]
fn entries_expire_at_their_age() {
    let ttl = Duration::from_secs(10);
    let cache = Cache::new(10, ROOM, ttl);
    let start = Instant::now();
    cache.put(key("a"), composition("text"), start);
    assert!(cache.get(&key("a"), start + ttl - Duration::from_millis(1)).is_some());
    assert!(cache.get(&key("a"), start + ttl).is_none(), "a hit does not make it younger");
    let figures = cache.figures();
    assert_eq!((figures.entries, figures.bytes, figures.expired, figures.misses), (0, 0, 1, 1));
}

#[test]
fn without_a_ttl_age_does_not_matter() {
    let cache = filled(10, ROOM, &["a"]);
    assert!(cache.get(&key("a"), Instant::now() + Duration::from_secs(1_000_000)).is_some());
}

#[test]
fn a_cache_of_no_entries_keeps_and_counts_nothing() {
    let cache = filled(0, ROOM, &["a"]);
    assert!(cache.get(&key("a"), Instant::now()).is_none());
    assert_eq!(cache.figures(), Default::default());
}

#[test]
fn clearing_gives_the_number_dropped() {
    let cache = filled(10, ROOM, &["a", "b"]);
    assert_eq!(cache.clear(), 2);
    assert_eq!((cache.figures().entries, cache.figures().bytes), (0, 0));
    assert!(cache.get(&key("a"), Instant::now()).is_none());
    cache.put(key("a"), composition("text"), Instant::now());
    assert_eq!(cache.clear(), 1);
}
