//! Results as they are kept: their JSON text, deflated.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::results::{ReadError, Results};

/// Text beyond this is not unpacked: SQLite keeps no more than 1 GB of packed
/// bytes, and what a run measured packs to a third at least.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Packs results.
///
/// # Errors
/// Never in practice: it is written to memory.
pub(super) fn pack(results: &Results) -> io::Result<Vec<u8>> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(results.to_json().as_bytes())?;
    packed.finish()
}

/// Unpacks them.
///
/// # Errors
/// When the bytes are not those of [`pack`], or of results that this version does
/// not read.
pub(super) fn unpack(bytes: &[u8]) -> Result<Results, ReadError> {
    let mut text = String::new();
    let read = ZlibDecoder::new(bytes).take(MAX_TEXT_BYTES).read_to_string(&mut text);
    read.map_err(|error| ReadError::Damaged { line: 1, column: 1, message: error.to_string() })?;
    Results::from_json(&text)
}
