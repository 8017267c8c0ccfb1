//! Names that become parts of paths and addresses: what may be one, and the folder of each student.

use sha2::{Digest, Sha256};

use crate::nonce;

/// The longest id, in bytes.
const LONGEST_ID: usize = 200;
/// The longest username, in bytes. GitHub's have 39.
const LONGEST_USERNAME: usize = 100;
/// The longest id that is its own folder's name, and the longest readable part of any other.
const LONGEST_FOLDER: usize = 64;
const LONGEST_SLUG: usize = 40;

/// The folder for what belongs to a student: readable, safe as a part of any path or address, and
/// different for different ids even where case does not count. It follows from the id alone, so
/// that it stays whatever else becomes of the roster.
///
/// An id that is safe by itself is its own folder. Any other has `~` and a part of its SHA-256
/// behind what is left of it; an id with a `~` is never safe by itself, so that nobody can choose
/// another one's folder.
pub fn folder_name(id: &str) -> String {
    if is_safe(id) { id.to_owned() } else { marked("student", id) }
}

/// The folder for what belongs to a group, whoever is in it.
pub(super) fn group_folder(group: &str) -> String {
    marked("group", group)
}

fn is_safe(id: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = [id.bytes().next(), id.bytes().last()];
    id.len() <= LONGEST_FOLDER
        && ends.iter().all(|end| end.is_some_and(is_plain))
        && id.bytes().all(|b| is_plain(b) || b"._@-".contains(&b))
        && !is_reserved(id.split('.').next().unwrap_or_default())
}

/// Whether Windows keeps this name for a device, whatever comes after a dot.
fn is_reserved(stem: &str) -> bool {
    let numbered = |name: &str| stem.strip_prefix(name).is_some_and(|end| end.len() == 1);
    ["con", "prn", "aux", "nul"].contains(&stem) || numbered("com") || numbered("lpt")
}

fn marked(what: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{what}\0{name}"));
    let mut slug = slug(name);
    slug.truncate(LONGEST_SLUG);
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { what } else { slug };
    // 64 bits: too many to look for another name that has the same.
    format!("{slug}~{}", nonce::hex(&digest[..8]))
}

/// Lower-case letters and digits, and one dash for whatever else is between them: how GitHub makes
/// a repository's name of a team's.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// A text as it is kept: spaces, line ends and control characters are one space each, and none at
/// the ends.
pub(super) fn tidy(text: &str) -> String {
    let parts = text.split(|c: char| c.is_whitespace() || c.is_control());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What is wrong with an id, if anything is.
pub(super) fn id_flaw(id: &str) -> Option<String> {
    if id.len() > LONGEST_ID {
        return Some(format!("an id has {LONGEST_ID} bytes at most, this one {}", id.len()));
    }
    let hidden = id.chars().find(|c| c.is_control() || is_invisible(*c));
    hidden.map(|c| format!("an id cannot have the invisible character U+{:04X}", u32::from(c)))
}

/// Characters that take no place or turn the text around: two ids could look the same.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// What is wrong with a username, if anything is, and the one that may be meant.
pub(super) fn username_flaw(username: &str) -> Option<(String, Option<String>)> {
    if is_username(username) {
        return None;
    }
    let meant = username.trim_start_matches('@').trim_end_matches('/');
    let meant = meant.rsplit('/').next().unwrap_or_default();
    let help = is_username(meant).then(|| format!("did you mean `{meant}`?"));
    let message = "this is no username: those have letters, digits, - _ and . only".to_owned();
    Some((message, help))
}

/// Whether this can be an account's name: on GitHub, or on another forge.
pub(super) fn is_username(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= LONGEST_USERNAME
        && text.bytes().next().is_some_and(is_plain)
        && text.bytes().all(|b| is_plain(b) || b == b'-' || b == b'.')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    /// One step down, on any system.
    fn is_one_step(folder: &str) -> bool {
        let parts: Vec<Component<'_>> = Path::new(folder).components().collect();
        let is_normal = matches!(parts.as_slice(), [Component::Normal(one)] if *one == folder);
        let stem = folder.split('.').next().unwrap_or_default();
        is_normal
            && folder.len() <= 80
            && !is_reserved(stem)
            && !folder.ends_with('.')
            && folder.bytes().all(|b| b.is_ascii_graphic() && !b"/\\:*?\"<>|%".contains(&b))
            && folder.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
    }

    #[test]
    fn plain_ids_are_their_own_folder() {
        for id in ["ada", "ada@uni.edu", "s0123456", "ada.lovelace", "a-b_c"] {
            assert_eq!(folder_name(id), id);
        }
    }

    #[test]
    fn a_folder_stays_the_same_from_version_to_version() {
        assert_eq!(folder_name("Ada"), "ada~b4f73ce007330213");
        assert_eq!(folder_name("../../etc/passwd"), "etc-passwd~aedd13fe7db11967");
        assert_eq!(group_folder("Team Rocket"), "team-rocket~e40d9399481d636d");
    }

    #[test]
    fn hostile_and_reserved_ids_stay_in_their_place() {
        let long = "a".repeat(5000);
        let hostile = [
            "",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "a\0b",
            "~root",
            "-rf",
            "con",
            "nul.txt",
            "COM1",
            "lpt9.a",
            "a.",
            "a ",
            "=cmd|'/c calc'!A0",
            "жанна",
            "\u{202e}ada",
            "%2e%2e",
            "a~b",
            ".git",
            "c:",
            &long,
        ];
        let mut seen = BTreeMap::new();
        for id in hostile {
            let folder = folder_name(id);
            assert!(is_one_step(&folder), "{id:?} became {folder:?}");
            assert_ne!(folder, id);
            assert_eq!(seen.insert(folder.clone(), id), None, "{folder}");
        }
    }

    #[test]
    fn nobody_can_choose_the_folder_of_another() {
        let ada = folder_name("Ada");
        assert_ne!(folder_name(&ada), ada);
        assert_ne!(group_folder("Ada"), ada);
        assert_ne!(group_folder("ada"), folder_name("ada"));
    }

    #[test]
    fn a_username_that_was_decorated_is_suggested_plain() {
        let help = |name| username_flaw(name).and_then(|(_, help)| help);
        assert_eq!(username_flaw("Ada-Lovelace_corp.x"), None);
        assert_eq!(help("@ada").as_deref(), Some("did you mean `ada`?"));
        assert_eq!(help("https://github.com/ada/").as_deref(), Some("did you mean `ada`?"));
        for hostile in ["..", ".", "-x", "a/../..", "a b", "a\0", "", "=1+1", "ädä"] {
            assert!(username_flaw(hostile).is_some(), "{hostile:?}");
        }
    }

    proptest! {
        #[test]
        fn any_id_becomes_one_step_and_different_ids_different_ones(
            ids in prop::collection::btree_set(
                prop_oneof![".*", "[aA][dD][aA]", "[a-zA-Z0-9._@~/-]{1,9}", "[a-z.]{60,70}"], 1..20),
        ) {
            let mut seen = BTreeMap::new();
            for id in &ids {
                let folder = folder_name(id);
                prop_assert!(is_one_step(&folder), "{:?} became {:?}", id, folder);
                let clash = seen.insert(folder.to_lowercase(), id);
                prop_assert!(clash.is_none(), "{:?} and {:?}", id, clash);
            }
        }

        #[test]
        fn whatever_is_a_username_is_one_step_in_a_path(name in prop_oneof![".*", "[a-z./_-]{1,6}"]) {
            if is_username(&name) {
                prop_assert!(!name.contains(['/', '\\', '\0']) && name != "." && name != "..");
            }
        }
    }
}
