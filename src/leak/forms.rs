//! What a needle looks like in the encodings that people leak it in.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, Specification};

/// A needle of at least this many bytes is looked for by its halves, so that a part of it, or one
/// broken over two lines, is found, too.
pub(super) const HALVED: usize = 24;
/// Forms in digits are looked for by parts of so many bytes: wherever a dump breaks its rows of 16
/// bytes, a row holds one such part whole.
const PART: usize = 8;

/// Forms, each with its encoding's name.
pub(super) type Forms = BTreeMap<Vec<u8>, &'static str>;

/// The forms of a part whose letters count as they are.
pub(super) fn texts(part: &[u8], forms: &mut Forms) {
    let mut add = |name, form: Vec<u8>| {
        forms.entry(form).or_insert(name);
    };
    let reversed = backwards(part);
    add("plain", part.to_vec());
    add("upper case", part.to_ascii_uppercase());
    add("reversed", reversed.clone());
    add("rot13", part.iter().map(|byte| rot13(*byte)).collect());
    for encoded in cores(&BASE64_NOPAD, part) {
        add("reversed base64", backwards(&encoded));
        for twice in cores(&BASE64_NOPAD, &encoded) {
            add("base64 of base64", twice);
        }
        add("base64", encoded);
    }
    for encoded in cores(&BASE64_NOPAD, &reversed) {
        add("reversed base64 of it reversed", backwards(&encoded));
        add("base64 of it reversed", encoded);
    }
    for encoded in cores(&BASE64URL_NOPAD, part) {
        add("base64url", encoded);
    }
    for encoded in cores(&BASE32_NOPAD, part) {
        add("base32", encoded.to_ascii_lowercase());
        add("base32", encoded);
    }
    for encoded in uuencoding().iter().flat_map(|encoding| cores(encoding, part)) {
        add("uuencode", encoded);
    }
}

/// A key whose text is base64 may be kept as the bytes that the text stands for.
pub(super) fn decoded(text: &str, forms: &mut Forms) {
    let decoded = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).unwrap_or_default();
    if decoded.len() >= HALVED {
        let (one, other) = decoded.split_at(decoded.len() / 2);
        for part in [one, other] {
            forms.entry(part.to_vec()).or_insert("decoded");
            for encoded in cores(&BASE64_NOPAD, part) {
                forms.entry(encoded).or_insert("base64");
            }
        }
    }
}

/// The forms in digits, as dumps and lists of numbers have them.
pub(super) fn dumps(bytes: &[u8], forms: &mut Forms) {
    let mut add = |name, form: String| {
        forms.entry(form.into_bytes()).or_insert(name);
    };
    let each = |part: &[u8], show: fn(&u8) -> String| part.iter().map(show).collect::<String>();
    for part in parts(bytes) {
        let digits = crate::nonce::hex(part);
        add("hex", crate::nonce::hex(&backwards(part)));
        add("reversed hex", digits.chars().rev().collect());
        add("hex", digits);
        // As in `0x6b, 0x37` and `\u006b\u0037`.
        add("hex", each(part, |byte| format!("0{byte:02x}")));
        add("hex", each(part, |byte| format!("00{byte:02x}")));
        add("octal", each(part, |byte| format!("{byte:03o}")));
        add("decimal", each(part, |byte| format!("{byte}")));
        add("binary", each(part, |byte| format!("{byte:08b}")));
    }
    // A dump by little-endian words may break our bytes anywhere.
    for (word, first) in [2, 4, 8].into_iter().flat_map(|word| (0..word).map(move |at| (word, at)))
    {
        for part in parts(bytes.get(first..).unwrap_or_default()) {
            let each = |show: fn(u64) -> String| {
                let value = |word: &[u8]| {
                    word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
                };
                part.chunks(word).map(|word| show(value(word))).collect::<String>()
            };
            match word {
                2 => {
                    add("hex", each(|word| format!("{word:04x}")));
                    add("octal", each(|word| format!("{word:06o}")));
                }
                4 => {
                    add("hex", each(|word| format!("{word:08x}")));
                    add("octal", each(|word| format!("{word:011o}")));
                }
                _ => {
                    add("hex", each(|word| format!("{word:016x}")));
                    add("octal", each(|word| format!("{word:022o}")));
                }
            }
            add("decimal", each(|word| word.to_string()));
        }
    }
}

/// The parts in which forms in digits are looked for, one after the other, and the last bytes.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = bytes.len().checked_sub(PART).map(|start| &bytes[start..]);
    bytes.chunks_exact(PART).chain(last)
}

/// What the part alone decides of its encoded text, wherever it stands in what is encoded.
fn cores(encoding: &Encoding, part: &[u8]) -> Vec<Vec<u8>> {
    let bits = encoding.bit_width();
    let period = if bits == 5 { 5 } else { 3 };
    let core = |shift: usize| {
        let shifted = [&vec![0; shift], part].concat();
        let (first, end) = ((shift * 8).div_ceil(bits), shifted.len() * 8 / bits);
        encoding.encode(&shifted).as_bytes()[first..end].to_vec()
    };
    (0..period).map(core).collect()
}

/// Both ways to write uuencode's zero.
fn uuencoding() -> Vec<Encoding> {
    let encoding = |zero: char| {
        let mut symbols = Specification::new();
        symbols.symbols.push(zero);
        symbols.symbols.extend('!'..='_');
        symbols.encoding()
    };
    ['`', ' '].into_iter().filter_map(|zero| encoding(zero).ok()).collect()
}

fn backwards(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        other => other,
    }
}
