//! The results of a run inside its HTML report, and out of it again.
//!
//! Invariant: what is read back is what was embedded, byte for byte; reading is
//! bounded whatever a page claims to hold.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::escape;
use crate::results::Results;

/// What the element with the results begins with.
const OPENING: &str = r#"<script type="application/json" id="mcpl-results">"#;

/// What it ends with. The results have no `<`.
const CLOSING: &str = "</script>";

/// JSON of at most so many bytes is embedded as it is, for other programs to read.
const PLAIN_BYTES: usize = 128 * 1024;

/// What is embedded has at most so many bytes: the rest of the page has room below a
/// megabyte.
const EMBEDDED_BYTES: usize = 600 * 1024;

/// The shortest row of a series in the JSON of results.
pub(super) const ROW_BYTES: usize = 100;

/// JSON shrinks to no less than this part of it: what rows cannot be packed into
/// [`EMBEDDED_BYTES`] is not worth the attempt.
const RATIO: usize = 8;

/// So much JSON tells whether the rest is worth packing.
const LOOKED_AT: usize = 512 * 1024;

/// The largest JSON that is unpacked: longer than any run that fits a page.
const UNPACKED_BYTES: u64 = 64 * 1024 * 1024;

/// Why a page gives no results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEmbedded {
    /// It is no report, or its results were too large.
    #[error("it is a page without the results of a run in it")]
    Missing,
    /// It was cut off, or changed.
    #[error("the results in the page are damaged")]
    Damaged,
}

/// The packed form, as an object that is no results.
#[derive(serde::Serialize, serde::Deserialize)]
struct Packed {
    /// JSON of results, deflated (RFC 1951), in base64.
    deflate: String,
}

/// The results as JSON that is safe inside a `<script>`, packed when they are not
/// small; none when they are too large for a page.
pub(super) fn embed(results: &Results) -> Option<String> {
    let rows: usize = results.recording.seconds.iter().map(|slice| slice.series.len()).sum();
    // Spares writing megabytes only to measure them.
    if rows > EMBEDDED_BYTES * RATIO / ROW_BYTES {
        return None;
    }
    let json = results.to_json();
    if json.len() <= PLAIN_BYTES {
        return Some(escape::script_json(&json));
    }
    let packed = pack(&json)?;
    (packed.len() <= EMBEDDED_BYTES).then_some(packed)
}

/// None where it shows early that they will be half as large again as there is room for.
fn pack(json: &str) -> Option<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    let mut done = 0;
    for piece in json.as_bytes().chunks(LOOKED_AT) {
        encoder.write_all(piece).ok()?;
        done += piece.len();
        let room = EMBEDDED_BYTES / 4 * 3;
        if encoder.get_ref().len().saturating_mul(json.len()) / done > room + room / 2 {
            return None;
        }
    }
    let deflate = BASE64.encode(encoder.finish().ok()?);
    serde_json::to_string(&Packed { deflate }).ok()
}

/// Whether a text is a page rather than results.
#[must_use]
pub fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// The JSON of the results in an HTML report.
///
/// # Errors
/// [`NotEmbedded`] when there are none, or they cannot be unpacked.
pub fn embedded_results(page: &str) -> Result<String, NotEmbedded> {
    // Names in the page are escaped, so that none of them can be the element.
    let (_, rest) = page.split_once(OPENING).ok_or(NotEmbedded::Missing)?;
    let (json, _) = rest.split_once(CLOSING).ok_or(NotEmbedded::Damaged)?;
    let Ok(packed) = serde_json::from_str::<Packed>(json) else { return Ok(json.to_owned()) };
    let bytes = BASE64.decode(packed.deflate).map_err(|_| NotEmbedded::Damaged)?;
    let mut text = String::new();
    let read = DeflateDecoder::new(bytes.as_slice()).take(UNPACKED_BYTES).read_to_string(&mut text);
    read.map_err(|_| NotEmbedded::Damaged)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(data: &str) -> String {
        format!("<!doctype html>\n<p>&lt;script&gt;</p>{OPENING}{data}{CLOSING}\n</html>")
    }

    #[test]
    fn what_is_packed_comes_back() {
        let json = "{\"a\":\"</script>\"}".repeat(1000);
        let packed = pack(&json).unwrap();
        assert!(packed.len() < json.len() / 50 && !packed.contains('<'));
        assert_eq!(embedded_results(&page(&packed)), Ok(json));
        assert_eq!(embedded_results(&page("{\"schema\":\"x\"}")), Ok("{\"schema\":\"x\"}".to_owned()));
    }

    #[test]
    fn what_will_not_fit_is_not_packed_to_its_end() {
        let mut state = 1_u64;
        let mut noise = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b"0123456789abcdef"[usize::try_from(state >> 60).unwrap()])
        };
        // Deflated, and in base64, two thirds of it are left.
        let fits: String = (0..EMBEDDED_BYTES).map(&mut noise).collect();
        assert!(pack(&fits).is_some_and(|packed| packed.len() < EMBEDDED_BYTES));
        let large: String = (0..4 * EMBEDDED_BYTES).map(&mut noise).collect();
        assert_eq!(pack(&large), None);
    }

    #[test]
    fn pages_without_results_are_told_from_damaged_ones() {
        assert_eq!(embedded_results("<html></html>"), Err(NotEmbedded::Missing));
        let whole = page(&pack(&"x".repeat(9999)).unwrap());
        assert_eq!(embedded_results(whole.split_once(CLOSING).unwrap().0), Err(NotEmbedded::Damaged));
        assert_eq!(embedded_results(&page("{\"deflate\":\"%\"}")), Err(NotEmbedded::Damaged));
        assert_eq!(embedded_results(&page("{\"deflate\":\"/////w==\"}")), Err(NotEmbedded::Damaged));
        assert!(is_page("\n<!doctype html>") && !is_page("{\"schema\":1}"));
    }

    #[test]
    fn a_page_that_would_fill_memory_is_cut() {
        let bomb = pack(&" ".repeat(usize::try_from(UNPACKED_BYTES).unwrap() + 5)).unwrap();
        assert_eq!(embedded_results(&page(&bomb)).map(|text| text.len() as u64), Ok(UNPACKED_BYTES));
    }
}
