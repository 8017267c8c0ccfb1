//! Paths in archives: cleaned as the engine cleans them, and never leading out.

use super::flaw::Flaw;

/// The most bytes of a path that are shown.
const SHOWN: usize = 120;

/// The path without `.`, doubled and closing slashes; empty for the root itself.
pub(super) fn clean(path: &[u8], longest: usize) -> Result<Vec<u8>, Flaw> {
    if path.len() > longest {
        return Err(Flaw::danger(format!("holds a path of more than {longest} bytes")));
    }
    let leads_out = path.is_empty() || path.starts_with(b"/") || path.contains(&0);
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(outside(path)),
            part => parts.push(part),
        }
    }
    if leads_out { Err(outside(path)) } else { Ok(parts.join(&b'/')) }
}

fn outside(path: &[u8]) -> Flaw {
    Flaw::danger(format!("holds the path {}, which leads out of it", show(path)))
}

/// Where a link at `from` leads, as long as it stays inside; both are relative.
pub(super) fn follow(from: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if target.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = from.split(|byte| *byte == b'/').collect();
    parts.pop();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

/// The path for a reader.
pub(super) fn show(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let end = text.floor_char_boundary(SHOWN);
    let dots = if end < text.len() { "…" } else { "" };
    format!("`{}{dots}`", text[..end].escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_stay_inside() {
        let clean = |path: &str| clean(path.as_bytes(), 20).ok();
        assert_eq!(clean("./a//b/"), Some(b"a/b".to_vec()));
        assert_eq!(clean("./"), Some(vec![]));
        assert_eq!(clean("..a/...").as_deref(), Some(b"..a/...".as_slice()));
        for path in ["", "/", "/a", "..", "../a", "a/../../b", "a/..", "a\0b", &"a".repeat(21)] {
            assert_eq!(clean(path), None, "{path}");
        }
    }

    #[test]
    fn a_link_is_followed_inside_only() {
        let follow = |from: &str, target: &str| follow(from.as_bytes(), target.as_bytes());
        assert_eq!(follow("a/layer.tar", "../b/layer.tar"), Some(b"b/layer.tar".to_vec()));
        assert_eq!(follow("a/layer.tar", "../../b"), None);
        assert_eq!(follow("layer.tar", "../b"), None);
        assert_eq!(follow("a/b", "/etc/passwd"), None);
    }
}
