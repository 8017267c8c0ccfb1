//! What bytes are, by how they begin.

use std::fmt;
use std::io::{self, Read};

/// How many bytes tell what follows them.
pub(super) const HEAD: usize = 1024;

/// How something is compressed, found the way the engine finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip.
    Gzip,
    /// With bzip2.
    Bzip2,
    /// With xz.
    Xz,
    /// With zstd.
    Zstd,
}

impl Compression {
    /// How what begins so is compressed.
    pub fn of(start: &[u8]) -> Compression {
        let is_zstd = |start: &[u8]| {
            // Zstd's skippable frames are numbered by the last four bits.
            start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
                || matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
        };
        match start {
            [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
            [b'B', b'Z', b'h', ..] => Compression::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            start if is_zstd(start) => Compression::Zstd,
            _ => Compression::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Zstd => "zstd",
        })
    }
}

/// Whether what begins so is a tar.
pub fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar".as_slice())
        // An empty layer is nothing but zeros.
        || (start.len() >= HEAD && start[..HEAD].iter().all(|byte| *byte == 0))
}

/// The first KiB, or all that there is, in however small pieces it comes.
///
/// # Errors
/// When the source fails.
pub fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    source.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressions_are_told_by_their_first_bytes() {
        for (start, compression) in [
            (&[0x1f, 0x8b, 8, 0][..], Compression::Gzip),
            (&[0x1f, 0x8b, 7, 0], Compression::None),
            (b"BZh9", Compression::Bzip2),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Compression::Xz),
            (&[0x28, 0xb5, 0x2f, 0xfd], Compression::Zstd),
            (&[0x5e, 0x2a, 0x4d, 0x18], Compression::Zstd),
            (b"", Compression::None),
        ] {
            assert_eq!(Compression::of(start), compression, "{start:?}");
        }
    }
}
