//! Finding line ends at the speed of memory.

/// Bytes looked at together. A multiple of every vector width in use, so that
/// the inner loop has no early exit and compiles to vector instructions.
const BLOCK: usize = 64;

/// The position of the first byte that `wanted` accepts.
#[inline]
pub(super) fn find(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut start = 0;
    for block in bytes.chunks_exact(BLOCK) {
        if block.iter().fold(false, |any, &byte| any | wanted(byte)) {
            break;
        }
        start += BLOCK;
    }
    let rest = bytes.get(start..)?;
    rest.iter().position(|&byte| wanted(byte)).map(|at| start + at)
}
