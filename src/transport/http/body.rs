//! Where the body of a response ends, by RFC 9112 (HTTP/1.1), section 6.3.

use bytes::{Buf as _, Bytes, BytesMut};

use super::link::MAX_HEAD;

const BAD_SIZE: &str = "the size of a chunk is not a number";

/// What is left of the body of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; none, after the end of any body.
    Length(u64),
    /// Chunks, each with its own length.
    Chunked(Chunks),
    /// Everything until the server closes the connection.
    UntilClose,
}

/// Where in a chunked body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Before or within the line with the size of a chunk.
    Size,
    /// In a chunk that has so many bytes left.
    Data(u64),
    /// Behind the data of a chunk, before its line break.
    Break,
    /// Behind the last chunk, in the trailers; so many bytes of them were read.
    Trailers(usize),
}

/// What comes next of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Some of its data, never nothing.
    Data(Bytes),
    /// Nothing until more bytes arrive.
    More,
    /// Nothing at all: the body has ended.
    End,
}

impl Framing {
    /// The framing of a response without a body.
    pub(super) const NONE: Self = Self::Length(0);

    /// Whether the body has ended without a byte more to read.
    pub(super) fn is_over(self) -> bool {
        self == Self::NONE
    }

    /// Takes what comes next from the bytes that have arrived.
    ///
    /// # Errors
    ///
    /// What is wrong with the chunks.
    pub(super) fn next(&mut self, arrived: &mut BytesMut) -> Result<Piece, &'static str> {
        loop {
            match self {
                Self::Length(0) => return Ok(Piece::End),
                Self::Length(left) => return Ok(take(arrived, left)),
                Self::UntilClose => {
                    let mut left = u64::MAX;
                    return Ok(take(arrived, &mut left));
                }
                Self::Chunked(Chunks::Data(left)) => {
                    let piece = take(arrived, left);
                    if *left == 0 {
                        *self = Self::Chunked(Chunks::Break);
                    }
                    return Ok(piece);
                }
                Self::Chunked(chunks) => match chunks.step(arrived)? {
                    Some(next) => *self = next,
                    None => return Ok(Piece::More),
                },
            }
        }
    }
}

impl Chunks {
    /// Reads what stands between the data of chunks; `None` if that has not
    /// arrived.
    fn step(&mut self, arrived: &mut BytesMut) -> Result<Option<Framing>, &'static str> {
        match self {
            // httparse takes no digits for a zero.
            Self::Size if arrived.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) => Err(BAD_SIZE),
            Self::Size => match httparse::parse_chunk_size(arrived) {
                Ok(httparse::Status::Complete((read, size))) => {
                    arrived.advance(read);
                    let next = if size == 0 { Self::Trailers(0) } else { Self::Data(size) };
                    Ok(Some(Framing::Chunked(next)))
                }
                Ok(httparse::Status::Partial) if arrived.len() < MAX_HEAD => Ok(None),
                _ => Err(BAD_SIZE),
            },
            Self::Break => match (arrived.first(), arrived.get(1)) {
                (Some(b'\r'), Some(b'\n')) => {
                    arrived.advance(2);
                    Ok(Some(Framing::Chunked(Self::Size)))
                }
                (None, _) | (Some(b'\r'), None) => Ok(None),
                _ => Err("a chunk is longer than its size"),
            },
            Self::Trailers(read) => {
                let Some(end) = arrived.iter().position(|&byte| byte == b'\n') else {
                    return if *read + arrived.len() < MAX_HEAD { Ok(None) } else { Err("the trailers have no end") };
                };
                let line = arrived.split_to(end + 1);
                if line.trim_ascii().is_empty() {
                    return Ok(Some(Framing::NONE));
                }
                // Trailers have no meaning in MCP.
                match *read + line.len() {
                    read if read < MAX_HEAD => Ok(Some(Framing::Chunked(Self::Trailers(read)))),
                    _ => Err("the trailers have no end"),
                }
            }
            Self::Data(_) => Ok(None),
        }
    }
}

/// Takes what has arrived, but no more than `left`, from which it is taken off.
fn take(arrived: &mut BytesMut, left: &mut u64) -> Piece {
    if arrived.is_empty() {
        return Piece::More;
    }
    let count = usize::try_from(*left).map_or(arrived.len(), |left| left.min(arrived.len()));
    *left -= count as u64;
    Piece::Data(arrived.split_to(count).freeze())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::{Chunks, Framing, Piece};

    const CHUNKED: Framing = Framing::Chunked(Chunks::Size);

    /// The data of a body that arrives in these parts, whether it ended, and
    /// what follows it.
    fn read(mut framing: Framing, parts: &[&[u8]]) -> Result<(String, bool, String), &'static str> {
        let (mut arrived, mut data, mut ended) = (BytesMut::new(), Vec::new(), false);
        for part in parts {
            arrived.extend_from_slice(part);
            loop {
                match framing.next(&mut arrived)? {
                    Piece::Data(bytes) => {
                        assert!(!bytes.is_empty());
                        data.extend_from_slice(&bytes);
                    }
                    Piece::More => break,
                    Piece::End => {
                        ended = true;
                        break;
                    }
                }
            }
        }
        Ok((String::from_utf8(data).unwrap(), ended, String::from_utf8(arrived.to_vec()).unwrap()))
    }

    #[test]
    fn bodies_end_where_they_say() {
        let table: [(Framing, &str, &str, bool, &str); 8] = [
            (Framing::NONE, "HTTP/1.1", "", true, "HTTP/1.1"),
            (Framing::Length(3), "abcdef", "abc", true, "def"),
            (Framing::Length(9), "abcdef", "abcdef", false, ""),
            (Framing::UntilClose, "abcdef", "abcdef", false, ""),
            (CHUNKED, "3\r\nabc\r\n0\r\n\r\nnext", "abc", true, "next"),
            (CHUNKED, "3;a=b\r\nabc\r\nA \r\n0123456789\r\n0\r\nx: y\r\n\r\n", "abc0123456789", true, ""),
            (CHUNKED, "3\r\nabc\r\n", "abc", false, ""),
            (CHUNKED, "", "", false, ""),
        ];
        for (framing, text, data, ended, rest) in table {
            assert_eq!(read(framing, &[text.as_bytes()]), Ok((data.into(), ended, rest.into())), "{text}");
        }
    }

    #[test]
    fn chunks_that_are_none_are_told() {
        let endless = format!("0\r\n{}", "a: b\r\n".repeat(20_000));
        let line = format!("0\r\na: {}", "b".repeat(70_000));
        let size = format!("1;{}", "b".repeat(70_000));
        for (text, why) in [
            ("x\r\n", "the size of a chunk is not a number"),
            ("\r\n\r\n", "the size of a chunk is not a number"),
            ("fffffffffffffffff\r\n", "the size of a chunk is not a number"),
            (&size, "the size of a chunk is not a number"),
            ("1\r\nab\r\n", "a chunk is longer than its size"),
            ("1\r\na\n0\r\n", "a chunk is longer than its size"),
            (&endless, "the trailers have no end"),
            (&line, "the trailers have no end"),
        ] {
            assert_eq!(read(CHUNKED, &[text.as_bytes()]), Err(why), "{:.40}", text);
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_body_arrives(
            chunks in prop::collection::vec("[a-z\r\n]{1,20}", 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut text: String = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
            text.push_str("0\r\nt: 1\r\n\r\nnext");
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            prop_assert_eq!(read(CHUNKED, &parts), Ok((chunks.concat(), true, "next".to_owned())));
        }

        #[test]
        fn no_bytes_can_hurt(bytes in prop::collection::vec(any::<u8>(), 0..200), left in 0_u64..300) {
            for mut framing in [CHUNKED, Framing::Length(left), Framing::UntilClose] {
                let mut arrived = BytesMut::from(&bytes[..]);
                while let Ok(Piece::Data(_)) = framing.next(&mut arrived) {}
            }
        }
    }
}
