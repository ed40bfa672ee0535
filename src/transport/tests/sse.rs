use bytes::Bytes;
use proptest::prelude::*;

use crate::transport::sse::{MAX_EVENT, Parser, TooLarge};

/// The type and data of all events; the id and the retry time at the end.
type Parsed = (Vec<(Option<String>, String)>, Option<String>, Option<u64>);

fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Parsed {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut parser = Parser::default();
    let mut events = Vec::new();
    for chunk in chunks {
        parser.feed(Bytes::copy_from_slice(chunk));
        while let Some(event) = parser.next().unwrap() {
            events.push((event.kind.as_deref().map(text), text(&event.data)));
        }
    }
    (events, parser.last_id().map(text), parser.retry())
}

/// The data of the events of a whole stream.
fn data(stream: &str) -> Vec<String> {
    parse([stream.as_bytes()]).0.into_iter().map(|(_, data)| data).collect()
}

#[test]
fn streams_and_the_data_of_their_events() {
    let table: &[(&str, &str, &[&str])] = &[
        ("one event", "data: a\n\n", &["a"]),
        ("two events", "data: a\n\ndata: b\n\n", &["a", "b"]),
        ("line ends of all kinds", "data: a\r\rdata: b\r\n\r\ndata: c\n\n", &["a", "b", "c"]),
        ("CRLF is one line end", "data: a\r\ndata: b\r\n\r\n", &["a\nb"]),
        ("CR is one too", "data: a\rdata: b\r\r", &["a\nb"]),
        ("several data lines are joined by LF", "data: a\ndata: b\ndata: c\n\n", &["a\nb\nc"]),
        ("an empty data line between others counts", "data: a\ndata\ndata: b\n\n", &["a\n\nb"]),
        ("one space after the colon goes, no more", "data:a\n\ndata:  b\n\n", &["a", " b"]),
        ("colons in the value stay", "data: {\"a\":1}\n\n", &["{\"a\":1}"]),
        ("comments and unknown fields are ignored", ": ping\nfoo: x\n:\ndata: a\nbar\n\n", &["a"]),
        ("field names are exact", "Data: x\n data: y\ndata: a\n\n", &["a"]),
        ("a priming event delivers nothing", "id: 0\nretry: 3000\ndata:\n\ndata: a\n\n", &["a"]),
        ("blank lines deliver nothing", "\n\n\r\n\rdata: a\n\n\n\n", &["a"]),
        ("an event without its blank line is discarded", "data: a\n\ndata: b\n", &["a"]),
        ("an event without any line end is discarded", "data: a\n\ndata: b", &["a"]),
        ("a byte order mark is dropped", "\u{feff}data: a\n\n", &["a"]),
        ("but only one", "\u{feff}\u{feff}data: x\n\ndata: a\n\n", &["a"]),
        ("and only at the start", "data: a\n\n\u{feff}data: b\n\n", &["a"]),
        ("the order of fields is free", "data: a\nid: 7\nevent: message\n\n", &["a"]),
    ];
    for (what, stream, expected) in table {
        assert_eq!(data(stream), *expected, "{what}");
    }
}

#[test]
fn a_type_lasts_for_one_event() {
    let (events, _, _) = parse([&b"event: ping\ndata: a\n\ndata: b\n\nevent: x\n\ndata: c\n\nevent:\ndata: d\n\n"[..]]);
    let kinds: Vec<_> = events.iter().map(|(kind, _)| kind.as_deref()).collect();
    assert_eq!(kinds, [Some("ping"), None, None, None]);
}

#[test]
fn the_last_id_outlives_its_event() {
    assert_eq!(parse([&b"id: 1\ndata:\n\ndata: a\n\n"[..]]).1.as_deref(), Some("1"));
    assert_eq!(parse([&b"id: 1\n\nid: 2\0\n\n"[..]]).1.as_deref(), Some("1"), "NUL makes an id void");
    assert_eq!(parse([&b"id: 1\n\nid\n\n"[..]]).1.as_deref(), Some(""), "an empty id resets it");
}

#[test]
fn retry_counts_only_if_it_is_a_number() {
    assert_eq!(parse([&b"retry: 3000\n\n"[..]]).2, Some(3000));
    for bad in ["retry: 3s\n\n", "retry: -1\n\n", "retry: +1\n\n", "retry:\n\n", "retry: 1.5\n\n"] {
        assert_eq!(parse([bad.as_bytes()]).2, None, "{bad:?}");
    }
}

#[test]
fn one_data_line_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: abc\n\n");
    let mut parser = Parser::default();
    parser.feed(chunk.clone());
    let event = parser.next().unwrap().unwrap();
    assert_eq!(event.data.as_ptr(), chunk[6..].as_ptr());
}

#[test]
fn an_event_beyond_the_limit_is_refused_however_it_comes() {
    let block = Bytes::from(vec![b'x'; 1024 * 1024]);
    let mut endless_line = Parser::default();
    endless_line.feed(Bytes::from_static(b"data: "));
    let outcomes: Vec<_> = (0..=MAX_EVENT / block.len())
        .map(|_| {
            endless_line.feed(block.clone());
            endless_line.next()
        })
        .collect();
    assert!(outcomes[..15].iter().all(|outcome| *outcome == Ok(None)));
    assert_eq!(outcomes.last(), Some(&Err(TooLarge)));

    let line = Bytes::from([b"data: ", &*block, b"\n"].concat());
    let mut endless_lines = Parser::default();
    let outcomes: Vec<_> = (0..=MAX_EVENT / block.len())
        .map(|_| {
            endless_lines.feed(line.clone());
            endless_lines.next()
        })
        .collect();
    assert!(outcomes[..15].iter().all(|outcome| *outcome == Ok(None)));
    assert_eq!(outcomes.last(), Some(&Err(TooLarge)));

    // Lines that are complete and one that is not count together.
    let mut both = Parser::default();
    let mut outcome = Ok(None);
    for _ in 0..9 {
        both.feed(line.clone());
        outcome = both.next();
    }
    assert_eq!(outcome, Ok(None));
    for _ in 0..9 {
        both.feed(block.clone());
        outcome = both.next();
    }
    assert_eq!(outcome, Err(TooLarge));
}

#[test]
fn millions_of_events_leave_nothing_behind() {
    // Ten millions take half a minute without optimisation.
    let chunks = if cfg!(debug_assertions) { 100 } else { 1_000 };
    let chunk = Bytes::from("data: x\n\n".repeat(10_000));
    let mut parser = Parser::default();
    let mut events = 0;
    for _ in 0..chunks {
        parser.feed(chunk.clone());
        while parser.next().unwrap().is_some() {
            events += 1;
        }
    }
    assert_eq!(events, chunks * 10_000);
    assert!(format!("{parser:?}").len() < 500, "{parser:?}");
}

/// Streams made of the pieces that matter, in any order.
fn streams() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "data: a",
        "data:b",
        "data",
        "data: é\u{1F600}",
        "id: 1",
        "id",
        "event: x",
        "retry: 5",
        "retry: x",
        ": c",
        "foo: d",
        "\n",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\r",
        "\r\n\r\n",
        "\u{feff}",
        ":",
        " ",
        "x",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_events(stream in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let bytes = stream.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let whole = parse([bytes]);
        prop_assert_eq!(&parse(pieces), &whole);
        prop_assert_eq!(&parse(bytes.chunks(1)), &whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse(bytes.chunks(7));
    }
}
