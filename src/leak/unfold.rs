//! What can hide a needle from a search for its bytes, and how it is unfolded as it comes.

use std::collections::BTreeSet;
use std::io::Write;

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::sieve::Sieve;

/// Bytes of a zip entry's header before its name.
const HEADER: usize = 30;

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gzip,
    Zlib,
    /// Deflate without anything around it.
    Deflate,
    /// An entry of a zip file.
    Zip,
    Base64,
    Hex,
}

const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];
const ENTRY: &[u8] = b"PK\x03\x04";
/// How base64 of the two begins.
const GZIP64: &[u8] = b"H4sI";
const ENTRY64: &[u8] = b"UEsDB";

impl Kind {
    /// Magic numbers that are long enough to be looked for.
    pub(super) const MAGICS: [&[u8]; 4] = [GZIP, ENTRY, GZIP64, ENTRY64];
    /// The length of the longest.
    pub(super) const MAGIC: usize = 5;
    /// The first byte of a zlib stream as good as anybody writes it.
    pub(super) const ZLIB: u8 = 0x78;

    /// What begins so, wherever it lies.
    pub(super) fn of(start: &[u8]) -> Option<Kind> {
        match start {
            // The flags, which come next, have their three highest bits unset.
            [0x1f, 0x8b, 0x08, 0..=0x1f, ..] => Some(Kind::Gzip),
            [Kind::ZLIB, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Kind::Zlib),
            // Not encrypted, and compressed with deflate.
            [b'P', b'K', 3, 4, _, _, flags, _, 8, 0, ..] if flags & 1 == 0 => Some(Kind::Zip),
            _ if start.starts_with(GZIP64) || start.starts_with(ENTRY64) => Some(Kind::Base64),
            _ => None,
        }
    }

    /// What may be data of which these are the first bytes.
    pub(super) fn of_all(head: &[u8]) -> Vec<Kind> {
        let is_all = |is_one: fn(u8) -> bool| {
            head.iter().all(|byte| byte.is_ascii_whitespace() || is_one(*byte))
        };
        let hex = is_all(|byte| byte.is_ascii_hexdigit()).then_some(Kind::Hex);
        let base64 = is_all(|byte| is_base64(byte) || byte == b'=').then_some(Kind::Base64);
        hex.into_iter().chain(base64).collect()
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Gzip => "gzip",
            Kind::Zlib => "zlib",
            Kind::Deflate => "deflate",
            Kind::Zip => "zip",
            Kind::Base64 => "base64",
            Kind::Hex => "hex",
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// A stream that is unfolded into a search.
pub(super) struct Unfolding<'n> {
    kind: Kind,
    /// What comes before the stream: a zip entry's header, as far as it has come.
    header: Vec<u8>,
    decoder: Decoder<'n>,
}

enum Decoder<'n> {
    Gzip(GzDecoder<Sieve<'n>>),
    Zlib(ZlibDecoder<Sieve<'n>>),
    Deflate(DeflateDecoder<Sieve<'n>>),
    /// A text, and what of it is too little to be decoded.
    Text(Sieve<'n>, Vec<u8>),
}

impl<'n> Unfolding<'n> {
    /// A stream of which nothing has come yet.
    pub(super) fn new(kind: Kind, inner: Sieve<'n>) -> Unfolding<'n> {
        let decoder = match kind {
            Kind::Gzip => Decoder::Gzip(GzDecoder::new(inner)),
            Kind::Zlib => Decoder::Zlib(ZlibDecoder::new(inner)),
            Kind::Deflate | Kind::Zip => Decoder::Deflate(DeflateDecoder::new(inner)),
            Kind::Base64 | Kind::Hex => Decoder::Text(inner, Vec::new()),
        };
        Unfolding { kind, header: Vec::new(), decoder }
    }

    /// Whether the stream goes on after these bytes.
    pub(super) fn unfold(&mut self, mut bytes: &[u8]) -> bool {
        if self.kind == Kind::Zip {
            bytes = self.after_header(bytes);
        }
        match &mut self.decoder {
            Decoder::Gzip(decoder) => write(decoder, bytes),
            Decoder::Zlib(decoder) => write(decoder, bytes),
            Decoder::Deflate(decoder) => write(decoder, bytes),
            Decoder::Text(inner, kept) => text(self.kind, inner, kept, bytes),
        }
    }

    /// What of these bytes comes after a zip entry's header, its name and its extra field.
    fn after_header<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        let field = |header: &[u8], at: usize| {
            usize::from(u16::from_le_bytes([header[at], header[at + 1]]))
        };
        loop {
            let length = match self.header.len() {
                length if length < HEADER => HEADER,
                _ => HEADER + field(&self.header, 26) + field(&self.header, 28),
            };
            let missing = length - self.header.len();
            if missing == 0 || bytes.is_empty() {
                return bytes;
            }
            let (part, rest) = bytes.split_at(missing.min(bytes.len()));
            self.header.extend_from_slice(part);
            bytes = rest;
        }
    }

    /// Ends it; what was unfolded before an error counts as well.
    pub(super) fn finish(self) -> (&'static str, BTreeSet<String>) {
        let found = match self.decoder {
            Decoder::Gzip(mut decoder) => {
                let _ = decoder.try_finish();
                decoder.get_mut().finish()
            }
            Decoder::Zlib(mut decoder) => {
                let _ = decoder.try_finish();
                decoder.get_mut().finish()
            }
            Decoder::Deflate(mut decoder) => {
                let _ = decoder.try_finish();
                decoder.get_mut().finish()
            }
            Decoder::Text(mut inner, _) => inner.finish(),
        };
        (self.kind.name(), found)
    }
}

fn write(decoder: &mut impl Write, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match decoder.write(bytes) {
            Ok(0) | Err(_) => return false,
            Ok(count) => bytes = &bytes[count..],
        }
    }
    true
}

/// Decodes a text as far as it is one, over line ends and paddings.
fn text(kind: Kind, inner: &mut Sieve<'_>, kept: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let is_hex = kind == Kind::Hex;
    let mut goes_on = true;
    for byte in bytes {
        match byte {
            byte if byte.is_ascii_whitespace() => {}
            b'=' if !is_hex => kept.truncate(kept.len() / 4 * 4),
            b'-' if !is_hex => kept.push(b'+'),
            b'_' if !is_hex => kept.push(b'/'),
            byte if is_hex && !byte.is_ascii_hexdigit() || !is_base64(*byte) => {
                goes_on = false;
                break;
            }
            byte => kept.push(*byte),
        }
    }
    let encoding = if is_hex { HEXLOWER_PERMISSIVE } else { BASE64_NOPAD };
    let whole = kept.len() / 4 * 4;
    let decoded = encoding.decode(&kept[..whole]).unwrap_or_default();
    kept.drain(..whole);
    inner.write_all(&decoded).is_ok() && goes_on
}
