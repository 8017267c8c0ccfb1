//! Extended headers of a tar (POSIX pax), read strictly: what could be read in two ways is refused.

use super::flaw::Flaw;

/// What an extended header changes of the entry after it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

/// Reads records of the form `LENGTH KEY=VALUE\n`.
pub(super) fn parse(mut records: &[u8]) -> Result<Pax, Flaw> {
    let mut pax = Pax::default();
    while !records.is_empty() {
        let ((key, value), rest) = record(records).ok_or_else(|| odd("no record"))?;
        records = rest;
        if key.starts_with(b"GNU.sparse.") {
            return Err(Flaw::danger("holds a sparse file"));
        }
        if key.starts_with(b"SCHILY.xattr.trusted.") {
            return Err(Flaw::danger("sets attributes that only the engine may set"));
        }
        let text = || Some(value.to_vec()).filter(|value| !value.is_empty() && !value.contains(&0));
        let twice = match key {
            b"path" => pax.path.replace(text().ok_or_else(|| odd("no path"))?).is_some(),
            b"linkpath" => pax.link.replace(text().ok_or_else(|| odd("no link"))?).is_some(),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                pax.size.replace(size.ok_or_else(|| odd("no size"))?).is_some()
            }
            _ => false,
        };
        if twice {
            return Err(odd("a key twice"));
        }
    }
    Ok(pax)
}

type Record<'a> = (&'a [u8], &'a [u8]);

fn record(records: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let space = records.iter().take(8).position(|byte| *byte == b' ')?;
    let digits = &records[..space];
    if digits.is_empty() || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    (!key.is_empty() && !key.contains(&0)).then_some(((key, value), rest))
}

fn odd(what: &str) -> Flaw {
    Flaw::broken(format!("has an extended header with {what} in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let pax = parse(b"11 path=ab\n12 mtime=1.\n18 linkpath=a\nb=c\n10 size=7\n").unwrap();
        let link = Some(b"a\nb=c".to_vec());
        assert_eq!(pax, Pax { path: Some(b"ab".to_vec()), link, size: Some(7) });
    }

    #[test]
    fn what_is_odd_is_refused() {
        for records in [
            &b"11 path=a\n"[..],
            b"9999999999 path=a\n",
            b"-1 path=a\n",
            b"010 path=a\n",
            b"10 path=a\n\0\0",
            b"8 path=\n",
            b"11 path=a\0\n",
            b"10 path=a\n10 path=b\n",
            b"10 size=x\n",
            b"22 GNU.sparse.major=1\n",
            b"30 SCHILY.xattr.trusted.x=1\n",
        ] {
            assert!(parse(records).is_err(), "{}", String::from_utf8_lossy(records));
        }
    }
}
