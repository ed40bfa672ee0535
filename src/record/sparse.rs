//! The counts of a distribution at rest, without making a histogram of them.
//!
//! A histogram has ten thousand and more counts, nearly all of them 0, and
//! results have tens of thousands of histograms. Reading only what is there
//! costs as much as there is.
//!
//! Source: the V2 encoding of HdrHistogram, as the crate `hdrhistogram` writes it:
//! a header of 40 bytes, then counts as zigzag LEB128 of at most 9 bytes, in which a
//! negative number stands for so many zeros.

/// What every encoding begins with.
const COOKIE: u32 = 0x1c84_9303 | 0x10;

/// Bytes before the counts.
const HEADER: usize = 40;

/// The bounds of a histogram, which say what the index of a count means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Significant digits.
    pub(super) digits: u32,
    /// The smallest value that is told from 0.
    pub(super) lowest: u64,
}

/// Each value that was recorded, as the smallest that is kept as one with it, and
/// how often. `None` when the bytes are damaged or made with other bounds.
pub(super) fn counts(bytes: &[u8], bounds: Bounds) -> Option<Vec<(u64, u64)>> {
    // Most counts have a byte, and one before them for a gap.
    let mut found = Vec::with_capacity(bytes.len().saturating_sub(HEADER) / 2 + 1);
    each(bytes, bounds, |value, count| found.push((value, count)))?;
    Some(found)
}

/// Shows what [`counts`] has, one by one, until the bytes turn out to be damaged.
pub(super) fn each(bytes: &[u8], bounds: Bounds, mut found: impl FnMut(u64, u64)) -> Option<()> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let word = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_be_bytes(header.get(at..at + 8)?.try_into().ok()?));
    let length = usize::try_from(word(4)?).ok()?;
    let known = word(0)? == COOKIE
        && word(8)? == 0
        && word(12)? == bounds.digits
        && long(16)? == bounds.lowest
        && long(32)? == 1.0_f64.to_bits();
    if !known || length != payload.len() {
        return None;
    }
    let highest = long(24)?;
    let scale = Scale::new(bounds);
    let (mut rest, mut index) = (payload, 0_u64);
    while !rest.is_empty() {
        let number = number(&mut rest)?;
        if number < 0 {
            index = index.checked_add(number.unsigned_abs())?;
            continue;
        }
        if number > 0 {
            let value = scale.value(index).filter(|value| *value <= highest)?;
            found(value, number.unsigned_abs());
        }
        index = index.checked_add(1)?;
    }
    Some(())
}

/// The value at `percentile` (0 to 100) of values in order and how often each was
/// recorded: the largest that is kept as one with the value of that rank. `None`
/// when there are none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as hdrhistogram computes a rank"
)]
pub(super) fn percentile(counts: &[(u64, u64)], percentile: f64, bounds: Bounds) -> Option<u64> {
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let rank = ((percentile / 100.0 * total as f64).ceil() as u64).max(1);
    let mut seen = 0;
    let ranked = counts.iter().find(|(_, count)| {
        seen += count;
        seen >= rank
    });
    ranked.or(counts.last()).map(|(value, _)| Scale::new(bounds).highest(*value))
}

/// One number, whose bytes are taken away.
fn number(rest: &mut &[u8]) -> Option<i64> {
    let (&first, behind) = rest.split_first()?;
    // Nearly all have a single byte.
    if first & 0x80 == 0 {
        *rest = behind;
        return Some(i64::from(first >> 1) ^ -i64::from(first & 1));
    }
    let mut value = 0_u64;
    for at in 0..9_u32 {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        // The ninth byte has all its bits.
        let bits = if at == 8 { u64::from(byte) } else { u64::from(byte & 0x7f) };
        value |= bits << (7 * at);
        if at == 8 || byte & 0x80 == 0 {
            break;
        }
    }
    let sign = -i64::try_from(value & 1).ok()?;
    Some(i64::try_from(value >> 1).ok()? ^ sign)
}

/// How indexes and values belong together.
struct Scale {
    /// Bits of the lower half of a bucket.
    half_bits: u32,
    /// Bits of a value that are not kept at all.
    unit_bits: u32,
}

impl Scale {
    fn new(bounds: Bounds) -> Scale {
        // Enough that two times ten to the digits are told apart.
        let parts = 2 * 10_u64.pow(bounds.digits.min(5));
        Scale { half_bits: parts.next_power_of_two().ilog2() - 1, unit_bits: bounds.lowest.max(1).ilog2() }
    }

    /// The largest value that is kept as one with `value`.
    fn highest(&self, value: u64) -> u64 {
        let first_bucket = ((2_u64 << self.half_bits) - 1) << self.unit_bits;
        let bits = 64 - (value | first_bucket).leading_zeros();
        value | ((1 << (bits - self.half_bits - 1)) - 1)
    }

    /// The smallest value at an index.
    fn value(&self, index: u64) -> Option<u64> {
        let half = 1_u64 << self.half_bits;
        let inside = index & (half - 1);
        let (bucket, part) = match index >> self.half_bits {
            0 => (0, inside),
            bucket => (bucket - 1, inside + half),
        };
        let shift = u32::try_from(bucket).ok()?.checked_add(self.unit_bits)?;
        part.checked_mul(1_u64.checked_shl(shift)?)
    }
}
