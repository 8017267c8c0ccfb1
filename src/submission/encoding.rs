//! What a file is written in, where that is no text that Docker's tools read.

/// Bytes that are no UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// A sentence's end about them: `in UTF-16 (little endian)`.
    pub words: String,
    /// No tool can read the file. Else it is tried: a builder takes such bytes in a comment, and here and there besides.
    pub is_hopeless: bool,
}

/// What is to be said of bytes that are not UTF-8; `None` where they are.
///
/// PowerShell's `>` and `Out-File` wrote UTF-16 up to version 5.1; editors in Western Europe, Latin-1 or Windows-1252.
pub(super) fn encoding(bytes: &[u8]) -> Option<Encoding> {
    let hopeless = |words: &str| Some(Encoding { words: words.to_owned(), is_hopeless: true });
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return hopeless("in UTF-32"),
        [0xff, 0xfe, ..] => return hopeless("in UTF-16 (little endian)"),
        [0xfe, 0xff, ..] => return hopeless("in UTF-16 (big endian)"),
        _ => {}
    }
    // Of a Latin script, every other byte is zero.
    let begin = bytes.get(..bytes.len().min(128)).unwrap_or_default();
    let zeros = |start: usize| {
        begin.iter().skip(start).step_by(2).filter(|byte| **byte == 0).count() * 4 > begin.len()
    };
    if zeros(1) && !zeros(0) {
        return hopeless("in UTF-16 (little endian)");
    }
    if zeros(0) && !zeros(1) {
        return hopeless("in UTF-16 (big endian)");
    }
    let line_of = |at: usize| bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let tried = |words: String| Some(Encoding { words, is_hopeless: false });
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return tried(format!("no text: line {} has a NUL byte", line_of(at)));
    }
    let error = std::str::from_utf8(bytes).err()?;
    let line = line_of(error.valid_up_to());
    tried(format!("in another encoding, such as Latin-1 (Windows-1252): see line {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_named() {
        let utf_16 = |text: &str, big: bool| -> Vec<u8> {
            let units = text.encode_utf16();
            units
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect()
        };
        let with_mark = [&[0xff, 0xfe][..], &utf_16("FROM busybox\n", false)].concat();
        for (bytes, expected) in [
            (with_mark, Some(("in UTF-16 (little endian)", true))),
            (utf_16("FROM busybox\r\nRUN é\r\n", false), Some(("in UTF-16 (little endian)", true))),
            (utf_16("FROM busybox\n", true), Some(("in UTF-16 (big endian)", true))),
            (b"FROM a\nRUN \0\n".to_vec(), Some(("no text: line 2 has a NUL byte", false))),
            (
                b"FROM a\n# caf\xe9\n".to_vec(),
                Some(("in another encoding, such as Latin-1 (Windows-1252): see line 2", false)),
            ),
            ("\u{feff}FROM a\n# é\n".as_bytes().to_vec(), None),
            (Vec::new(), None),
        ] {
            let found = encoding(&bytes);
            let found = found.as_ref().map(|one| (one.words.as_str(), one.is_hopeless));
            assert_eq!(found, expected, "{bytes:?}");
        }
    }
}
