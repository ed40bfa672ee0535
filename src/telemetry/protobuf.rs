//! As much of the encoding of Protocol Buffers as OTLP needs.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>.

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// Its bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// `int32`, `uint64`, an enumeration or `bool`.
    pub(super) fn varint(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.number(value);
    }

    /// `sint32`.
    pub(super) fn signed(&mut self, field: u32, value: i32) {
        let value = i64::from(value);
        self.varint(field, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// `fixed64`.
    pub(super) fn fixed(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// `double`.
    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.fixed(field, value.to_bits());
    }

    /// `string`.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.delimited(field, text.as_bytes());
    }

    /// A message in this one.
    pub(super) fn nested(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.delimited(field, &inner.bytes);
    }

    /// `repeated uint64`, packed.
    pub(super) fn packed(&mut self, field: u32, values: &[u64]) {
        let mut inner = Message::default();
        values.iter().for_each(|value| inner.number(*value));
        self.delimited(field, &inner.bytes);
    }

    fn delimited(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, 2);
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn tag(&mut self, field: u32, wire: u32) {
        self.number(u64::from(field << 3 | wire));
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f | 0x80) as u8);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// A field of a message that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// `int64`, `uint64`, an enumeration or `bool`.
    Number(u64),
    /// A string, or a message in this one.
    Bytes(&'a [u8]),
    /// Of four or eight bytes.
    Fixed,
}

/// The fields of a message with their numbers, up to the first byte that cannot be read.
pub(super) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut bytes)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Field::Fixed)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Field::Bytes(take(&mut bytes, length)?)
            }
            5 => take(&mut bytes, 4).map(|_| Field::Fixed)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    })
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    // Ten times seven bits hold every number.
    for at in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
