//! The fuzz target of responses.

use bytes::BytesMut;

use super::super::fuzz::the_same;
use super::body::Piece;
use super::response::{self, Parsed};

/// What was read of a response.
#[derive(Debug, Default, PartialEq)]
struct Read {
    /// Its status, and whether its connection is kept.
    head: Option<(u16, bool)>,
    body: Vec<u8>,
    /// Whether the body has ended.
    ended: bool,
    /// What is wrong with it.
    wrong: Option<String>,
    /// Bytes that follow it.
    left: usize,
}

/// A response, its head and the framing of its body: it does not matter how it
/// arrives, and no byte of the body comes from nowhere.
pub fn response(bytes: &[u8]) {
    let read = the_same(bytes, read);
    assert!(read.body.len() + read.left <= bytes.len());
    assert!(read.head.is_none_or(|(status, _)| (200..1000).contains(&status) || status < 100), "{read:?}");
}

fn read(pieces: &[&[u8]]) -> Read {
    let (mut read, mut arrived, mut framing) = (Read::default(), BytesMut::new(), None);
    for piece in pieces {
        arrived.extend_from_slice(piece);
        if read.wrong.is_some() || read.ended {
            continue;
        }
        if framing.is_none() {
            match response::take(&mut arrived) {
                Ok(Some(Parsed { head, framing: begun, keep_alive })) => {
                    assert!(!head.media_type().contains(&b';'));
                    read.head = Some((head.status, keep_alive));
                    framing = Some(begun);
                }
                Ok(None) => {}
                Err(unreadable) => read.wrong = Some(unreadable.to_string()),
            }
        }
        while let Some(framing) = &mut framing {
            match framing.next(&mut arrived) {
                Ok(Piece::Data(data)) => {
                    assert!(!data.is_empty());
                    read.body.extend_from_slice(&data);
                }
                Ok(Piece::More) => break,
                Ok(Piece::End) => {
                    read.ended = true;
                    break;
                }
                Err(why) => {
                    read.wrong = Some(why.to_owned());
                    break;
                }
            }
        }
    }
    // Behind what is wrong nobody reads on.
    read.left = if read.wrong.is_some() { 0 } else { arrived.len() };
    read
}
