//! A needle in the encodings that people leak it in, and the search for them in a stream.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A needle of at least this many bytes is looked for by its halves, so that a part of it, or one
/// broken over two lines, is found, too.
const HALVED: usize = 24;
/// Hexadecimal forms are looked for by parts of so many bytes: wherever a dump breaks its rows of 16
/// bytes, a row holds one such part whole.
const HEX_PART: usize = 8;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Needle {
    /// Forms whose letters count as they are, and their encodings' names.
    exact: AhoCorasick,
    names: Vec<&'static str>,
    /// Hexadecimal forms, in letters of either case.
    hex: AhoCorasick,
    longest: usize,
}

impl Needle {
    /// A needle of this text, which must be long enough not to occur by chance.
    ///
    /// # Errors
    /// A sentence, when it is too short or the search cannot be built.
    pub fn new(text: &str) -> Result<Needle, String> {
        let bytes = text.as_bytes();
        if bytes.len() < 8 {
            return Err(format!("a needle has at least 8 bytes, this one {}", bytes.len()));
        }
        let parts = match bytes.len() {
            length if length >= HALVED => vec![&bytes[..length / 2], &bytes[length / 2..]],
            _ => vec![bytes],
        };
        let mut exact: Vec<(&'static str, Vec<u8>)> = Vec::new();
        let mut hex: Vec<String> = Vec::new();
        for part in parts {
            exact.push(("plain", part.to_vec()));
            exact.push(("upper case", part.to_ascii_uppercase()));
            exact.push(("reversed", part.iter().rev().copied().collect()));
            exact.push(("rot13", part.iter().map(|byte| rot13(*byte)).collect()));
            for shift in 0..3 {
                exact.push(("base64", base64_core(&STANDARD_NO_PAD, part, shift)));
                exact.push(("base64url", base64_core(&URL_SAFE_NO_PAD, part, shift)));
            }
        }
        for part in hex_parts(bytes) {
            let reversed: Vec<u8> = part.iter().rev().copied().collect();
            hex.extend([part, &reversed, &swapped(part)].map(crate::nonce::hex));
        }
        // A dump by words of two bytes may break every pair of ours.
        hex.extend(hex_parts(&bytes[1..]).map(|part| crate::nonce::hex(&swapped(part))));
        // A key whose text is base64 may be kept as the bytes that the text stands for.
        let decoded = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).unwrap_or_default();
        if decoded.len() >= HALVED {
            let (one, other) = decoded.split_at(decoded.len() / 2);
            for part in [one, other] {
                exact.push(("decoded", part.to_vec()));
                for shift in 0..3 {
                    exact.push(("base64", base64_core(&STANDARD_NO_PAD, part, shift)));
                }
            }
        }
        let longest = exact.iter().map(|(_, form)| form.len()).chain(hex.iter().map(String::len));
        let longest = longest.max().unwrap_or_default();
        let names = exact.iter().map(|(name, _)| *name).collect();
        let build = |error: aho_corasick::BuildError| error.to_string();
        Ok(Needle {
            exact: AhoCorasick::new(exact.iter().map(|(_, form)| form)).map_err(build)?,
            names,
            hex: AhoCorasick::builder().ascii_case_insensitive(true).build(hex).map_err(build)?,
            longest,
        })
    }

    /// The encodings in which the needle occurs in one piece of data.
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let mut search = self.stream();
        search.feed(bytes);
        search.found
    }

    /// A search through data that comes in pieces.
    pub(super) fn stream(&self) -> Search<'_> {
        Search {
            needle: self,
            raw: Vec::new(),
            squeezed: Vec::new(),
            hex: Vec::new(),
            found: BTreeSet::new(),
        }
    }
}

/// A search under way. Besides the data as it is, two thinned copies are searched: one without
/// white space (line-wrapped base64), one of hexadecimal digits only (any dump format).
pub(super) struct Search<'n> {
    needle: &'n Needle,
    raw: Vec<u8>,
    squeezed: Vec<u8>,
    hex: Vec<u8>,
    /// The encodings found so far.
    pub(super) found: BTreeSet<&'static str>,
}

impl Search<'_> {
    /// Searches on; a match may begin in an earlier piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        let needle = self.needle;
        self.raw.extend_from_slice(piece);
        self.squeezed.extend(piece.iter().filter(|byte| !byte.is_ascii_whitespace()));
        self.hex.extend(piece.iter().filter(|byte| byte.is_ascii_hexdigit()));
        for text in [&self.raw, &self.squeezed] {
            let matches = needle.exact.find_iter(text);
            self.found.extend(matches.map(|one| needle.names[one.pattern().as_usize()]));
        }
        if needle.hex.is_match(&self.hex) {
            self.found.insert("hex");
        }
        for text in [&mut self.raw, &mut self.squeezed, &mut self.hex] {
            text.drain(..text.len().saturating_sub(needle.longest));
        }
    }
}

/// The parts in which hexadecimal forms are looked for, one after the other, and the last bytes.
fn hex_parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = bytes.len().checked_sub(HEX_PART).map(|start| &bytes[start..]);
    bytes.chunks_exact(HEX_PART).chain(last)
}

/// The bytes as a dump by little-endian words of two bytes has them (`od -x`, `hexdump`).
fn swapped(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(2).flat_map(|pair| pair.iter().rev()).copied().collect()
}

/// The characters of a base64 text that the part decides alone, when it stands `shift` bytes after
/// a multiple of three.
fn base64_core(engine: &impl base64::Engine, part: &[u8], shift: usize) -> Vec<u8> {
    let mut shifted = vec![0; shift];
    shifted.extend_from_slice(part);
    let first = (shift * 8).div_ceil(6);
    let end = shifted.len() * 8 / 6;
    engine.encode(shifted).as_bytes()[first..end].to_vec()
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    const SECRET: &str = "k7q2m9x4w8z1n5b3v6c0h2j4l8p1r5t7d9f3g6s0";

    fn found(bytes: &[u8]) -> Vec<&'static str> {
        Needle::new(SECRET).unwrap().in_bytes(bytes).into_iter().collect()
    }

    #[test]
    fn every_encoding_is_found_at_every_place() {
        for shift in 0..7 {
            let mut data = vec![b'x'; shift];
            data.extend(SECRET.as_bytes());
            data.extend(b"\n");
            assert_eq!(found(&data), ["plain"]);
            assert!(found(STANDARD.encode(&data).as_bytes()).contains(&"base64"), "{shift}");
            let hex = crate::nonce::hex(&data);
            assert_eq!(found(hex.as_bytes()), ["hex"]);
            assert_eq!(found(hex.to_uppercase().as_bytes()), ["hex"]);
            let reversed: Vec<u8> = data.iter().rev().copied().collect();
            assert_eq!(found(&reversed), ["reversed"]);
        }
    }

    #[test]
    fn what_a_base64_text_stands_for_is_found() {
        let raw: Vec<u8> = (0..51).map(|byte| byte * 5).collect();
        let needle = Needle::new(&STANDARD.encode(&raw)).unwrap();
        for shift in 0..3 {
            let data = [&vec![b'x'; shift], &raw[..], b"y"].concat();
            assert_eq!(needle.in_bytes(&data), ["decoded"].into());
            assert!(needle.in_bytes(STANDARD.encode(&data).as_bytes()).contains("base64"));
        }
        assert_eq!(needle.in_bytes(&raw[1..25]), [].into());
    }

    #[test]
    fn wrapped_and_spaced_forms_are_found() {
        let wrapped: Vec<String> = STANDARD
            .encode(SECRET)
            .as_bytes()
            .chunks(20)
            .map(|line| String::from_utf8_lossy(line).into_owned() + "\n")
            .collect();
        assert!(found(wrapped.concat().as_bytes()).contains(&"base64"));
        let dump: Vec<String> = SECRET.bytes().map(|byte| format!("{byte:02x}:")).collect();
        assert_eq!(found(dump.concat().as_bytes()), ["hex"]);
    }

    /// Rows of 16 bytes: an address, the bytes by `word` digits, and what of them is text.
    fn dump(data: &[u8], word: usize, show: impl Fn(&[u8]) -> String) -> String {
        let row = |(index, row): (usize, &[u8])| {
            let digits: Vec<String> = row.chunks(word).map(&show).collect();
            let text = String::from_utf8_lossy(row);
            format!("{:08x}: {}  |{text}|\n", index * 16, digits.join(" "))
        };
        data.chunks(16).enumerate().map(row).collect()
    }

    #[test]
    fn dumps_by_rows_are_found_wherever_the_rows_break() {
        let number = |bytes: &[u8]| crate::nonce::hex(bytes);
        let little_endian =
            |pair: &[u8]| pair.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
        for shift in 0..16 {
            let data = [&vec![b'-'; shift], SECRET.as_bytes(), b"\n"].concat();
            let dumps =
                [dump(&data, 1, number), dump(&data, 2, number), dump(&data, 2, little_endian)];
            for dump in dumps {
                assert!(found(dump.as_bytes()).contains(&"hex"), "{dump}");
            }
        }
    }

    #[test]
    fn a_dump_of_something_else_is_no_leak() {
        let other: Vec<u8> = (0..=255).cycle().take(2000).chain(SECRET.bytes().take(7)).collect();
        assert_eq!(found(dump(&other, 2, crate::nonce::hex).as_bytes()), [""; 0]);
    }

    #[test]
    fn half_of_it_is_a_leak_and_its_digest_is_none() {
        assert_eq!(found(&SECRET.as_bytes()[20..]), ["plain"]);
        use sha2::Digest;
        let digest = crate::nonce::hex(&sha2::Sha256::digest(SECRET));
        assert_eq!(found(digest.as_bytes()), [""; 0]);
    }

    #[test]
    fn a_match_over_the_edge_of_two_pieces_is_found() {
        let needle = Needle::new(SECRET).unwrap();
        let mut search = needle.stream();
        for byte in SECRET.as_bytes() {
            search.feed(&[*byte]);
        }
        assert!(search.found.contains("plain"));
    }

    #[test]
    fn what_could_occur_by_chance_is_no_needle() {
        assert!(Needle::new("short").is_err());
    }
}
