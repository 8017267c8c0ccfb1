//! Paths as an engine sends them, and what is told of them.

use super::*;
use crate::sift::tests::tar;

fn facts(tar: &[u8]) -> Facts {
    let Found::Facts(facts) = read(tar).unwrap() else { panic!() };
    facts
}

fn list(items: &[&str]) -> Value {
    items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>().into()
}

#[test]
fn a_folder_lists_what_is_in_it_the_deepest_last() {
    let tar = tar(&[("app/", b""), ("app/a/", b""), ("app/a/x", b"2"), ("app/b.txt", b"1")]);
    let facts = facts(&tar);
    assert_eq!(facts["kind"], "directory".into());
    assert_eq!(facts["entries"], list(&["a", "b.txt"]));
    assert_eq!(facts["tree"], list(&["b.txt", "a/x"]));
    assert_eq!(facts["whole"], true.into());
}

#[test]
fn a_large_file_hides_nothing_of_its_folder() {
    let large = vec![0; usize::try_from(READ).unwrap() + 1];
    let facts = facts(&tar(&[("app/", b""), ("app/a.bin", &large), ("app/main.py", b"")]));
    assert_eq!(facts["tree"], list(&["a.bin", "main.py"]));
    assert_eq!(facts["whole"], true.into());
}

#[test]
fn a_file_above_the_limit_is_cut_and_has_no_digest() {
    let large = vec![b'a'; usize::try_from(READ).unwrap() + 1];
    let (cut, whole) = (facts(&tar(&[("a", &large)])), facts(&tar(&[("a", &large[1..])])));
    assert_eq!((&cut["whole"], cut.get("sha256")), (&false.into(), None));
    assert_eq!(cut["size"], Value::Bytes(READ + 1));
    assert_eq!((&whole["whole"], whole.contains_key("sha256")), (&true.into(), true));
}

#[test]
fn an_archive_that_breaks_off_is_an_error() {
    for entries in [&[("app/", b"".as_slice()), ("app/a", &[1; 2000])][..], &[("a", &[1; 2000])]] {
        assert!(read(&tar(entries)[..1500]).is_err());
    }
    assert!(read(&b""[..]).is_err());
}

#[test]
fn of_too_many_paths_the_deepest_are_left_out() {
    let tar = tar(&[("d/a/b/c", b""), ("d/a/b/d", b""), ("d/a/x", b""), ("d/z", b"")]);
    let listed = |limit| {
        let mut archive = tar::Archive::new(tar.as_slice());
        let facts = folder(b"d/", archive.entries().unwrap(), limit).unwrap();
        (facts["tree"].clone(), facts["whole"].clone())
    };
    assert_eq!(listed(4 * ONE_MORE + 14), (list(&["z", "a/x", "a/b/c", "a/b/d"]), true.into()));
    assert_eq!(listed(4 * ONE_MORE + 13), (list(&["z", "a/x", "a/b/c"]), false.into()));
    assert_eq!(listed(ONE_MORE + 1), (list(&["z"]), false.into()));
}
