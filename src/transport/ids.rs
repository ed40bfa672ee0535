//! How a client numbers its requests.
//!
//! Everywhere in this room an id is a number. Below [`TEXTS`] it is sent as a JSON
//! number; from there on as a text, which looks like a UUID (RFC 9562, version 4)
//! and is that number again when it comes back.

use super::render::decimal;

/// The ids from here on are texts. Those of clients that count stay below 2^53, as
/// far as JSON numbers are safe (RFC 8259, "Numbers").
const TEXTS: u64 = 1 << 59;

/// Where texts begin lies in the lower half of what they have, so that a session
/// never counts beyond it.
const BEGINNINGS: u64 = (1 << 58) - 1;

/// The most bytes of an id as JSON: a text with its quotes.
pub(super) const LONGEST: usize = 38;

/// How a client numbers the requests of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// 1, 2, 3 and so on, in each session.
    #[default]
    Counting,
    /// 1, for each request. Over a channel that carries all answers of a session
    /// they could not be told apart, and the client counts all the same.
    Constant,
    /// Texts that look like UUIDs. Sessions have different ones where this number
    /// differs, which should be random.
    Text(u64),
}

impl Ids {
    /// The id before the first of a session.
    pub(super) const fn before_first(self) -> u64 {
        match self {
            Self::Counting | Self::Constant => 0,
            Self::Text(random) => TEXTS + (random & BEGINNINGS),
        }
    }
}

/// An id as JSON.
pub(super) fn json(id: u64, buffer: &mut [u8; LONGEST]) -> &[u8] {
    if id < TEXTS { decimal(id, buffer) } else { text(id, buffer) }
}

/// The same for a message that is put together off the measured path.
pub(super) fn shown(id: u64) -> String {
    String::from_utf8_lossy(json(id, &mut [0; LONGEST])).into_owned()
}

/// The id that some JSON is, if it can be one of a client's: some servers send
/// numbers back as strings.
pub(super) fn read(raw: &str) -> Option<u64> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    // `u64::from_str` would also take a leading plus sign.
    if inner.bytes().all(|byte| byte.is_ascii_digit()) {
        return inner.parse().ok();
    }
    let (high, low) = (inner.get(20..23)?, inner.get(24..36)?);
    let number = u64::from_str_radix(high, 16).ok()?.checked_shl(48)? | u64::from_str_radix(low, 16).ok()?;
    (number >= TEXTS && text(number, &mut [0; LONGEST]) == raw.as_bytes()).then_some(number)
}

/// `"xxxxxxxx-xxxx-4xxx-8hhh-llllllllllll"`: `h` and `l` are the number, and `x`
/// follows from it.
fn text(id: u64, buffer: &mut [u8; LONGEST]) -> &[u8] {
    // An odd factor with its bits well spread (2^64 divided by the golden ratio).
    let spread = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut high = nibbles(spread >> 4, 15);
    let mut low = nibbles(id, 15);
    for (at, slot) in buffer.iter_mut().enumerate() {
        *slot = match at {
            0 | 37 => b'"',
            9 | 14 | 19 | 24 => b'-',
            15 => b'4',
            20 => b'8',
            ..=18 => high.next().unwrap_or(b'0'),
            _ => low.next().unwrap_or(b'0'),
        };
    }
    buffer
}

/// The lowest `count` hexadecimal digits, from the highest to the lowest.
fn nibbles(number: u64, count: u32) -> impl Iterator<Item = u8> {
    (0..count).rev().map(move |at| match (number >> (4 * at)) as u8 & 0xf {
        digit @ 0..=9 => b'0' + digit,
        digit => b'a' + digit - 10,
    })
}

#[cfg(test)]
mod tests {
    use super::{Ids, read, shown};

    #[test]
    fn an_id_comes_back_as_the_number_that_it_was() {
        for ids in [Ids::Counting, Ids::Constant, Ids::Text(0), Ids::Text(77), Ids::Text(u64::MAX)] {
            for nth in [1, 2, 3, 1 << 32, 1 << 52] {
                let id = ids.before_first() + nth;
                assert_eq!(read(&shown(id)), Some(id), "{ids:?} {}", shown(id));
            }
        }
        assert_eq!((shown(1), shown(1 << 53)), ("1".to_owned(), "9007199254740992".to_owned()));
        assert_eq!(read("\"7\""), Some(7));
        for other in ["+7", "\"+7\"", "null", "7.0", "\"\"x", "\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"", "\"é\""] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn texts_look_like_uuids_and_differ() {
        let form = regex::Regex::new(r#"^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"$"#).unwrap();
        let first = Ids::Text(5).before_first() + 1;
        for id in first..first + 100 {
            assert!(form.is_match(&shown(id)), "{}", shown(id));
            assert_ne!(shown(id), shown(id + 1));
        }
        assert_ne!(shown(first), shown(Ids::Text(6).before_first() + 1000));
        // What is changed on its way back is another id.
        let text = shown(first);
        assert_eq!(read(&text.to_uppercase()), None);
        assert_eq!(read(text.trim_matches('"')), None, "a text without quotes is no JSON");
    }
}
