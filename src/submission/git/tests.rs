//! Repositories in a folder, read in this process.

mod hostile;

use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository, Signature, Time};
use tempfile::TempDir;

use super::*;
use crate::submission::Revision;

/// A bare repository under way.
struct Made {
    kept: TempDir,
    repository: Repository,
}

/// An entry of a raw tree.
type Entry<'a> = (&'a str, &'a [u8], Oid);

impl Made {
    fn new() -> Made {
        let kept = tempfile::tempdir().unwrap();
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let repository = Repository::init_opts(kept.path().join("a.git"), &options).unwrap();
        Made { kept, repository }
    }

    fn blob(&self, content: impl AsRef<[u8]>) -> Oid {
        self.repository.blob(content.as_ref()).unwrap()
    }

    /// A tree as nobody's git writes it.
    fn tree(&self, entries: &[Entry<'_>]) -> Oid {
        let mut raw = Vec::new();
        for (mode, name, id) in entries {
            raw.extend(mode.as_bytes());
            raw.push(b' ');
            raw.extend(*name);
            raw.push(0);
            raw.extend(id.as_bytes());
        }
        self.repository.odb().unwrap().write(ObjectType::Tree, &raw).unwrap()
    }

    /// A commit at so many seconds; the branch `main` becomes the newest.
    fn commit(&self, tree: Oid, seconds: i64, parents: &[Oid]) -> Oid {
        // The author's clock is another, and counts for nothing.
        let who = |seconds| Signature::new("A", "a@example.org", &Time::new(seconds, 120)).unwrap();
        let tree = self.repository.find_tree(tree).unwrap();
        let parents: Vec<_> =
            parents.iter().map(|id| self.repository.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        let id = self
            .repository
            .commit(None, &who(seconds + 5_000), &who(seconds), "one", &tree, &parents)
            .unwrap();
        self.point("refs/heads/main", id);
        id
    }

    fn point(&self, name: &str, id: Oid) {
        self.repository.reference(name, id, true, "").unwrap();
    }

    fn file(&self, content: &str) -> Oid {
        self.tree(&[("100644", b"Dockerfile", self.blob(content))])
    }

    fn root(&self) -> PathBuf {
        self.kept.path().join("submission")
    }

    fn fetch(&self, at: Revision) -> Result<Arrival, FetchError> {
        let _ = std::fs::remove_dir_all(self.root());
        let url = self.repository.path().to_str().unwrap().to_owned();
        let limits = FetchLimits {
            objects: 300,
            entries: 1000,
            bytes: 10_000,
            file: 5_000,
            depth: 10,
            ..FetchLimits::default()
        };
        fetch(&GitSource { url, at }, &self.root(), &limits, &|_| {})
    }

    /// The commit that is chosen, and what is noted.
    #[track_caller]
    fn chosen(&self, at: Revision) -> (Oid, Vec<String>) {
        let arrival = self.fetch(at).unwrap();
        (arrival.commit.unwrap().parse().unwrap(), arrival.notes)
    }

    #[track_caller]
    fn missing(&self, at: Revision, why: Missing) -> String {
        match self.fetch(at) {
            Err(FetchError::Missing { why: found, message }) if found == why => message,
            other => panic!("{other:?}"),
        }
    }
}

fn named(name: impl Into<String>) -> Revision {
    Revision::Named(name.into())
}

fn by(seconds: i64) -> Revision {
    Revision::Before(jiff::Timestamp::from_second(seconds).unwrap())
}

#[test]
fn a_branch_a_tag_and_a_commit_are_found() {
    let made = Made::new();
    let first = made.commit(made.file("1"), 100, &[]);
    let second = made.commit(made.file("2"), 200, &[first]);
    let other = made.commit(made.file("3"), 300, &[first]);
    made.point("refs/heads/main", second);
    made.point("refs/heads/feature/x", other);
    made.point("refs/tags/v1", first);
    made.point("refs/pull/7/head", other);
    let who = Signature::new("A", "a@example.org", &Time::new(400, 0)).unwrap();
    let target = made.repository.find_object(first, None).unwrap();
    made.repository.tag("v2", &target, &who, "annotated", false).unwrap();
    let short = |id: Oid| id.to_string()[..9].to_owned();
    for (at, commit) in [
        (Revision::Head, second),
        (named("HEAD"), second),
        (named("main"), second),
        (named("feature/x"), other),
        (named("refs/pull/7/head"), other),
        (named("v1"), first),
        (named("v2"), first),
        (named(first.to_string()), first),
        (named(short(first)), first),
        (named(short(other).to_uppercase()), other),
    ] {
        assert_eq!(made.chosen(at.clone()), (commit, vec![]), "{at:?}");
    }
    assert_eq!(std::fs::read(made.root().join("Dockerfile")).unwrap(), b"3");
    assert_eq!(std::fs::read_dir(made.root()).unwrap().count(), 1);
    for name in
        ["v3", "deadbeef", "mai", "", "a..b", "*", "refs/heads/*", &"0".repeat(40), "\u{1b}[2J"]
    {
        let message = made.missing(named(name), Missing::NoCommit);
        assert!(!message.contains('\u{1b}'), "{message:?}");
    }
    let tree = made.file("4");
    made.point("refs/tags/tree", tree);
    made.missing(named("tree"), Missing::NoCommit);
}

#[test]
fn a_name_of_a_branch_comes_before_a_commit_of_the_same_digits() {
    let made = Made::new();
    let first = made.commit(made.file("1"), 100, &[]);
    let second = made.commit(made.file("2"), 200, &[first]);
    made.point(&format!("refs/heads/{first}"), second);
    assert_eq!(made.chosen(named(first.to_string())).0, second);
}

#[test]
fn the_newest_commit_before_a_deadline_is_by_the_committers_time() {
    let made = Made::new();
    let first = made.commit(made.file("1"), 100, &[]);
    let second = made.commit(made.file("2"), 200, &[first]);
    let third = made.commit(made.file("3"), 300, &[second]);
    for (seconds, commit) in
        [(100, first), (199, first), (200, second), (299, second), (900, third)]
    {
        assert_eq!(made.chosen(by(seconds)), (commit, vec![]), "{seconds}");
    }
    let arrival = made.fetch(by(250)).unwrap();
    assert_eq!(arrival.committed_at.as_deref(), Some("1970-01-01T00:03:20Z"));
    made.missing(by(99), Missing::NoCommit);
    // A clock that was wrong: the branch's newest counts, not the highest time.
    let late = made.commit(made.file("4"), 150, &[third]);
    assert_eq!(made.chosen(by(250)).0, late);
}

#[test]
fn what_was_merged_after_the_deadline_is_told_and_not_taken() {
    let made = Made::new();
    let base = made.commit(made.file("base"), 100, &[]);
    let side = made.commit(made.file("side"), 200, &[base]);
    let own = made.commit(made.file("own"), 150, &[base]);
    made.commit(made.file("merged"), 400, &[own, side]);
    let (commit, notes) = made.chosen(by(300));
    assert_eq!(commit, own);
    assert!(notes.len() == 1 && notes[0].starts_with("1 more commits"), "{notes:?}");
    let (_, notes) = made.chosen(by(400));
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn an_empty_repository_and_none_at_all() {
    let made = Made::new();
    made.missing(Revision::Head, Missing::Empty);
    made.missing(by(1), Missing::Empty);
    made.missing(named("main"), Missing::NoCommit);
    std::fs::remove_dir_all(made.repository.path().join("objects")).unwrap();
    made.missing(Revision::Head, Missing::NotThere);
    std::fs::remove_dir_all(made.repository.path()).unwrap();
    made.missing(Revision::Head, Missing::NotThere);
}

#[test]
fn an_own_branch_that_was_never_pushed_leaves_the_only_other() {
    let made = Made::new();
    let first = made.commit(made.file("1"), 100, &[]);
    made.repository.set_head("refs/heads/trunk").unwrap();
    let (commit, notes) = made.chosen(Revision::Head);
    assert!(commit == first && notes.len() == 1 && notes[0].contains("`main`"), "{notes:?}");
    made.point("refs/heads/another", first);
    let message = made.missing(Revision::Head, Missing::NoCommit);
    assert!(message.contains("`another`, `main`"), "{message}");
}

#[test]
fn files_are_as_they_were_committed() {
    let made = Made::new();
    let (crlf, script) = (made.blob("a\r\n$Id$\n"), made.blob("#!/bin/sh\n"));
    let attributes = made.blob("* text eol=lf ident filter=evil\n");
    let pointer = made.blob("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    let link = |target: &str| made.blob(target);
    let sub = made.tree(&[("100644", b"x", crlf)]);
    let tree = made.tree(&[
        ("100644", b".gitattributes", attributes),
        ("100644", b".gitmodules", made.blob("[submodule \"m\"]\n\tpath = m\n\turl = /etc\n")),
        ("100644", b"a", crlf),
        ("100644", b"big.bin", pointer),
        ("120000", b"chain", link("passwd")),
        ("160000", b"m", Oid::from_str(&"1".repeat(40)).unwrap()),
        ("100644", b"name\xff\x1b", crlf),
        ("120000", b"passwd", link("/etc/passwd")),
        ("100755", b"run.sh", script),
        ("40000", b"sub", sub),
        ("120000", b"up", link("../../..")),
    ]);
    made.commit(tree, 100, &[]);
    let arrival = made.fetch(Revision::Head).unwrap();
    let at = |name: &str| made.root().join(name);
    assert_eq!(std::fs::read(at("a")).unwrap(), b"a\r\n$Id$\n");
    assert_eq!(std::fs::read(at("sub/x")).unwrap(), b"a\r\n$Id$\n");
    for (name, target) in [("passwd", "/etc/passwd"), ("chain", "passwd"), ("up", "../../..")] {
        assert_eq!(std::fs::read_link(at(name)).unwrap(), Path::new(target));
    }
    assert!(std::fs::read_dir(at("m")).unwrap().next().is_none());
    use std::os::unix::fs::PermissionsExt;
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("run.sh"), mode("a"), mode("sub")), (0o755, 0o644, 0o755));
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"name\xff\x1b");
    assert!(made.root().join(odd).is_file());
    let notes = [
        "`big.bin` stands for a file of Git LFS, which is not fetched",
        "the submodule `m` is not fetched",
    ];
    assert_eq!(arrival.notes, notes);
}

#[test]
fn somebody_elses_words_are_one_line() {
    assert_eq!(say("a\u{1b}[2J\n::error::b\t"), "a [2J ::error::b");
    assert_eq!(say(&"x".repeat(300)).chars().count(), SAID + 1);
}
