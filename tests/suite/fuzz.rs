//! The bodies of the fuzz targets, over the files that fuzzing begins with and over
//! bytes made at random: what a fuzzer would do for hours, for a moment.

use std::fs;
use std::path::Path;

use mcpl::transport::fuzz::TARGETS;
use proptest::prelude::*;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"))
}

#[test]
fn every_target_has_a_program_and_files_to_begin_with() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for (name, body) in TARGETS {
        let program = fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("fuzz::{name}(bytes)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let files: Vec<_> = fs::read_dir(folder().join("corpus").join(name)).unwrap().map(Result::unwrap).collect();
        assert!(files.len() > 2, "{name}");
        for file in files {
            let bytes = fs::read(file.path()).unwrap();
            body(&bytes);
            // Cut off anywhere, and with any one byte broken.
            for at in 0..bytes.len() {
                body(&bytes[..at]);
                for wrong in [0, b'\n', b'\r', b'"', 0xFF] {
                    let mut broken = bytes.clone();
                    broken[at] = wrong;
                    body(&broken);
                }
            }
        }
    }
    let programs = fs::read_dir(folder().join("fuzz_targets")).unwrap().count();
    assert_eq!(programs, TARGETS.len());
}

/// Bytes in which the parts that matter are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"data:",
        b"id:",
        b"event: x",
        b"retry: 1",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xEF\xBB\xBF",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n",
        b"content-length: 5\r\n\r\n",
        b"1\r\na\r\n",
        b"0\r\n",
        b"5;",
        b"{\"id\":1,\"result\":",
        b"{\"id\":1,\"error\":{\"code\":1}}",
        b"{\"method\":\"x\",\"params\":",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"\"",
        b"\\ud800",
        b"1e999",
    ];
    let word = prop_oneof![
        4 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_bytes_break_a_promise(bytes in bytes()) {
        for (_, body) in TARGETS {
            body(&bytes);
        }
    }
}
