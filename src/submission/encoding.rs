//! What a file is written in, where that is no text that Docker's tools read.

/// A sentence's end about bytes that are not UTF-8: `in UTF-16 (little endian), …`; `None` where they are.
///
/// PowerShell's `>` and `Out-File` wrote UTF-16 up to version 5.1; editors in Western Europe, Latin-1 or Windows-1252.
pub(super) fn unreadable(bytes: &[u8]) -> Option<String> {
    let utf_16 = |order: &str| Some(format!("in UTF-16 ({order} endian)"));
    let line_of = |at: usize| bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let zeros = |start: usize| {
        let pairs = bytes.chunks_exact(2).take(64);
        pairs.clone().count() > 1
            && pairs.filter_map(|pair| pair.get(start)).filter(|byte| **byte == 0).count() * 2
                > bytes.len().min(128) / 2
    };
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Some("in UTF-32".to_owned()),
        [0xff, 0xfe, ..] => return utf_16("little"),
        [0xfe, 0xff, ..] => return utf_16("big"),
        _ => {}
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return if zeros(1) {
            utf_16("little")
        } else if zeros(0) {
            utf_16("big")
        } else {
            Some(format!("no text: line {} has a NUL byte", line_of(at)))
        };
    }
    let error = std::str::from_utf8(bytes).err()?;
    let line = line_of(error.valid_up_to());
    Some(format!("in another encoding, such as Latin-1 (Windows-1252): see line {line}"))
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
            (with_mark, Some("in UTF-16 (little endian)")),
            (utf_16("FROM busybox\r\nRUN é\r\n", false), Some("in UTF-16 (little endian)")),
            (utf_16("FROM busybox\n", true), Some("in UTF-16 (big endian)")),
            (b"FROM a\nRUN \0\n".to_vec(), Some("no text: line 2 has a NUL byte")),
            (
                b"FROM a\n# caf\xe9\n".to_vec(),
                Some("in another encoding, such as Latin-1 (Windows-1252): see line 2"),
            ),
            ("\u{feff}FROM a\n# é\n".as_bytes().to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(unreadable(&bytes).as_deref(), expected, "{bytes:?}");
        }
    }
}
