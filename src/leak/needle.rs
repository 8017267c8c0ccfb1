//! A needle in the encodings that people leak it in, and the search for them in a stream.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::forms::{self, HALVED};
use super::rows::Rows;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Needle {
    /// Forms whose letters count as they are, and their encodings' names.
    exact: AhoCorasick,
    names: Vec<&'static str>,
    /// Forms in digits, in letters of either case, and their encodings' names.
    digits: AhoCorasick,
    digit_names: Vec<&'static str>,
    longest: usize,
}

impl Needle {
    /// A needle of this text, which must be long enough not to occur by chance.
    ///
    /// # Errors
    /// A sentence, when it is too short or the search cannot be built.
    pub fn new(text: &str) -> Result<Needle, String> {
        Needle::any(&[text])
    }

    /// A needle of which each of these texts is one form.
    ///
    /// # Errors
    /// As [`Needle::new`].
    pub fn any(texts: &[&str]) -> Result<Needle, String> {
        let (mut exact, mut digits) = (forms::Forms::new(), forms::Forms::new());
        for text in texts {
            let bytes = text.as_bytes();
            if bytes.len() < 8 {
                return Err(format!("a needle has at least 8 bytes, this one {}", bytes.len()));
            }
            let parts = match bytes.len() {
                length if length >= HALVED => vec![&bytes[..length / 2], &bytes[length / 2..]],
                _ => vec![bytes],
            };
            for part in parts {
                forms::texts(part, &mut exact);
            }
            forms::decoded(text, &mut exact);
            forms::dumps(bytes, &mut digits);
        }
        let longest = exact.keys().map(Vec::len).chain(digits.keys().map(Vec::len)).max();
        let build = |error: aho_corasick::BuildError| error.to_string();
        let builder = || {
            let mut builder = AhoCorasick::builder();
            builder.kind(Some(AhoCorasickKind::DFA));
            builder
        };
        Ok(Needle {
            exact: builder().build(exact.keys()).map_err(build)?,
            names: exact.into_values().collect(),
            digits: builder().ascii_case_insensitive(true).build(digits.keys()).map_err(build)?,
            digit_names: digits.into_values().collect(),
            longest: longest.unwrap_or_default(),
        })
    }

    /// The encodings in which the needle occurs in one piece of data.
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let mut search = self.stream();
        search.feed(bytes);
        search.finish()
    }

    /// A search through data that comes in pieces.
    pub(super) fn stream(&self) -> Search<'_> {
        Search {
            needle: self,
            raw: Vec::new(),
            squeezed: Vec::new(),
            digits: Vec::new(),
            rows: Rows::default(),
            found: BTreeSet::new(),
        }
    }

    fn look(&self, text: &[u8], found: &mut BTreeSet<&'static str>) {
        let matches = self.exact.find_iter(text);
        found.extend(matches.map(|one| self.names[one.pattern().as_usize()]));
    }

    fn count(&self, digits: &[u8], found: &mut BTreeSet<&'static str>) {
        let matches = self.digits.find_iter(digits);
        found.extend(matches.map(|one| self.digit_names[one.pattern().as_usize()]));
    }
}

/// A search under way. Besides the data as it is, thinned copies are searched: one without white
/// space and zeros (line-wrapped base64, UTF-16), one of hexadecimal digits only (any dump without
/// addresses), and the rows of dumps without their addresses.
pub(super) struct Search<'n> {
    needle: &'n Needle,
    raw: Vec<u8>,
    squeezed: Vec<u8>,
    digits: Vec<u8>,
    rows: Rows,
    /// The encodings found so far.
    found: BTreeSet<&'static str>,
}

impl Search<'_> {
    /// Searches on; a match may begin in an earlier piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        let needle = self.needle;
        self.raw.extend_from_slice(piece);
        self.squeezed.extend(piece.iter().filter(|byte| !is_space(**byte)));
        self.digits.extend(piece.iter().filter(|byte| byte.is_ascii_hexdigit()));
        for text in [&self.raw, &self.squeezed] {
            needle.look(text, &mut self.found);
        }
        needle.count(&self.digits, &mut self.found);
        for text in [&mut self.raw, &mut self.squeezed, &mut self.digits] {
            text.drain(..text.len().saturating_sub(needle.longest));
        }
        self.rows.feed(piece);
        self.look_at_rows();
    }

    /// Ends the search, and gives the encodings that were found.
    pub(super) fn finish(&mut self) -> BTreeSet<&'static str> {
        self.rows.finish();
        self.look_at_rows();
        std::mem::take(&mut self.found)
    }

    fn look_at_rows(&mut self) {
        if self.rows.is_fresh() {
            self.needle.look(self.rows.text(), &mut self.found);
            self.needle.count(self.rows.digits(), &mut self.found);
            self.rows.forget(self.needle.longest);
        }
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    const SECRET: &str = "k7q2m9x4w8z1n5b3v6c0h2j4l8p1r5t7d9f3g6s0";

    fn found(bytes: &[u8]) -> Vec<&'static str> {
        static NEEDLE: LazyLock<Needle> = LazyLock::new(|| Needle::new(SECRET).unwrap());
        NEEDLE.in_bytes(bytes).into_iter().collect()
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
        assert!(search.finish().contains("plain"));
    }

    #[test]
    fn what_could_occur_by_chance_is_no_needle() {
        assert!(Needle::new("short").is_err());
    }

    /// Rows of so many bytes as `od` writes them: an address in octal digits, and words.
    fn od(data: &[u8], width: usize, word: usize, show: impl Fn(u64) -> String) -> String {
        let row = |(index, row): (usize, &[u8])| {
            let value =
                |word: &[u8]| word.iter().rev().fold(0, |sum, one| sum << 8 | u64::from(*one));
            let words: Vec<String> = row.chunks(word).map(|word| show(value(word))).collect();
            format!("{:07o} {}\n", index * width, words.join(" "))
        };
        data.chunks(width).enumerate().map(row).collect()
    }

    #[test]
    fn dumps_of_any_width_and_number_are_found() {
        for (shift, width) in
            (0..9).flat_map(|shift| [1, 2, 3, 4, 5, 8, 16, 32].map(|w| (shift, w)))
        {
            let data = [&vec![b'-'; shift], SECRET.as_bytes(), b"\n"].concat();
            let mut dumps = vec![
                od(&data, width, 1, |byte| format!("{byte:02x}")),
                od(&data, width, 1, |byte| format!("{byte:03o}")),
                od(&data, width, 1, |byte| format!("{byte:>3}")),
                od(&data, width, 1, |byte| format!("{byte:>4}")),
                od(&data, width, 1, |byte| {
                    format!("  {}", char::from(byte as u8)).replace('\n', "\\n")
                }),
                od(&data, width, 1, |byte| format!("{byte:08b}")),
            ];
            if width % 2 == 0 {
                dumps.push(od(&data, width, 2, |word| format!("{word:06o}")));
                dumps.push(od(&data, width, 2, |word| format!("{word:>5}")));
            }
            if width % 4 == 0 {
                dumps.push(od(&data, width, 4, |word| format!("{word:08x}")));
                dumps.push(od(&data, width, 4, |word| format!("{word:011o}")));
            }
            if width % 8 == 0 {
                dumps.push(od(&data, width, 8, |word| format!("{word:016x}")));
            }
            for dump in dumps {
                assert!(!found(dump.as_bytes()).is_empty(), "{dump}");
                let bare: Vec<&str> = dump.lines().map(|line| &line[8..]).collect();
                assert!(!found(bare.join("\n").as_bytes()).is_empty(), "{dump}");
            }
        }
    }

    #[test]
    fn rows_that_repeat_themselves_as_text_are_found() {
        for width in [3, 4, 6, 10] {
            let row = |(index, row): (usize, &[u8])| {
                let digits: Vec<String> = row.chunks(2).map(crate::nonce::hex).collect();
                format!(
                    "{:08x}: {}  {}\n",
                    index * width,
                    digits.join(" "),
                    String::from_utf8_lossy(row)
                )
            };
            let xxd: String = SECRET.as_bytes().chunks(width).enumerate().map(row).collect();
            assert!(found(xxd.as_bytes()).contains(&"hex"), "{xxd}");
        }
    }

    #[test]
    fn texts_turned_and_encoded_twice_are_found() {
        use data_encoding::{BASE32, BASE32_NOPAD, BASE64URL};
        let back = |text: &str| text.chars().rev().collect::<String>();
        for shift in 0..6 {
            let data = format!("{}{SECRET}\n", "-".repeat(shift));
            let base64 = STANDARD.encode(&data);
            for (text, name) in [
                (back(&base64), "reversed base64"),
                (STANDARD.encode(back(&data)), "base64 of it reversed"),
                (STANDARD.encode(&base64), "base64 of base64"),
                (BASE64URL.encode(data.as_bytes()), "base64"),
                (BASE32.encode(data.as_bytes()), "base32"),
                (BASE32_NOPAD.encode(data.as_bytes()).to_lowercase(), "base32"),
                (back(&crate::nonce::hex(data.as_bytes())), "reversed hex"),
            ] {
                assert!(
                    found(text.as_bytes()).contains(&name),
                    "{name} {text} {:?}",
                    found(text.as_bytes())
                );
            }
        }
    }

    #[test]
    fn lists_of_numbers_and_wide_letters_are_found() {
        let list = |show: fn(u8) -> String| SECRET.bytes().map(show).collect::<Vec<_>>();
        for list in [
            list(|byte| format!("0x{byte:02x},")),
            list(|byte| format!("\\x{byte:02x}")),
            list(|byte| format!("\\u00{byte:02x}")),
            list(|byte| format!("{byte}, ")),
            list(|byte| format!("\\{byte:03o}")),
            list(|byte| format!("{}\n", char::from(byte))),
            list(|byte| format!("{}\0", char::from(byte))),
        ] {
            assert!(!found(list.concat().as_bytes()).is_empty(), "{list:?}");
        }
    }
}
