//! Paths inside a submission, as whoever made it wrote them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of a path, and of what a link leads to. The system's own bound is 4096, which the folder's
/// own path counts against.
pub(super) const LONGEST: usize = 1024;
/// The most bytes of a path that are shown.
const SHOWN: usize = 120;

/// A path inside: names that are neither empty nor `.` nor `..`, none of them with a zero in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::submission) struct Inside(Vec<u8>);

impl Inside {
    /// The path of these names; none for that of the folder itself.
    ///
    /// # Errors
    /// What is wrong with it, as what follows "holds the path …, ".
    pub(in crate::submission) fn of<'a>(
        names: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<Inside>, &'static str> {
        let mut path = Vec::new();
        for name in names {
            match name {
                b"" | b"." => continue,
                b".." => return Err("which leads out of it"),
                _ if name.contains(&0) || name.contains(&b'/') => return Err("which is none"),
                _ if name.len() > 255 => return Err("with a name of more than 255 bytes"),
                name => {
                    if !path.is_empty() {
                        path.push(b'/');
                    }
                    path.extend(name);
                }
            }
        }
        match path.len() {
            0 => Ok(None),
            1..=LONGEST => Ok(Some(Inside(path))),
            _ => Err("which is too long"),
        }
    }

    /// Its names.
    pub(in crate::submission) fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }

    /// As it is.
    pub(in crate::submission) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The folder around it; none when that is the folder of all.
    pub(super) fn above(&self) -> Option<Inside> {
        let slash = self.0.iter().rposition(|byte| *byte == b'/')?;
        Some(Inside(self.0[..slash].to_vec()))
    }
}

/// A path for a reader: escaped, in quotes, and not without end.
pub(in crate::submission) fn show(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let end = text.floor_char_boundary(SHOWN);
    let dots = if end < text.len() { "…" } else { "" };
    format!("`{}{dots}`", text[..end].escape_debug())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn inside(path: &str) -> Inside {
        Inside::of(path.split('/').map(str::as_bytes)).unwrap().unwrap()
    }

    #[test]
    fn a_path_has_names_and_stays_inside() {
        let path = |path: &str| Inside::of(path.split('/').map(str::as_bytes));
        assert_eq!(path("a//./b/"), Ok(Some(inside("a/b"))));
        assert_eq!(path("./"), Ok(None));
        assert_eq!(inside("..a/...").names().count(), 2);
        for wrong in ["..", "a/../b", "../../etc/passwd", "a\0b", &"x".repeat(256)] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
        assert!(path(&"abcdefg/".repeat(128)).is_ok());
        assert!(path(&"abcdefg/".repeat(129)).is_err());
        assert!(Inside::of([&b"a/b"[..]]).is_err());
    }
}
