//! Repositories that are made to do harm, or are broken.

use super::*;

#[test]
fn what_no_git_checks_out_is_hostile() {
    let made = Made::new();
    let blob = made.blob("1");
    let inner = made.tree(&[("100644", b"config", blob)]);
    for entries in [
        &[("40000", &b".git"[..], inner)][..],
        &[("40000", b".GIT", inner)],
        &[("40000", b"git~1", inner)],
        &[("100644", b".git", blob)],
        &[("120000", b".git ", blob)],
        &[("40000", b"..", inner)],
        &[("40000", b".", inner)],
        &[("100644", b"a/../../b", blob)],
        &[("100644", b"/etc/x", blob)],
        &[("100644", b"a", blob), ("100644", b"a", blob)],
        &[("120000", b"a", blob), ("40000", b"a", inner)],
        &[("40000", b"a", inner), ("120000", b"a", blob)],
        &[("20000", b"device", blob)],
        &[("100644", b"folder", inner)],
        &[("120000", b"a", made.blob(""))],
        &[("120000", b"a", made.blob("x\0y"))],
        &[("120000", b"a", made.blob("x".repeat(4_000)))],
    ] {
        made.commit(made.tree(entries), 100, &[]);
        let message = made.missing(Revision::Head, Missing::Hostile);
        assert!(message.starts_with("the commit holds "), "{message}");
    }
    made.commit(made.tree(&[]), 100, &[]);
    made.missing(Revision::Head, Missing::Empty);
}

#[test]
fn limits_hold_for_trees_that_unfold_without_end() {
    let made = Made::new();
    // Ten to the tenth files in twelve objects, and a file in eleven folders.
    let mut tree = made.file("1");
    for _ in 0..9 {
        let names: Vec<String> = (0..10).map(|index| format!("d{index}")).collect();
        let entries: Vec<Entry<'_>> =
            names.iter().map(|name| ("40000", name.as_bytes(), tree)).collect();
        tree = made.tree(&entries);
    }
    made.commit(tree, 100, &[]);
    let message = made.missing(Revision::Head, Missing::TooLarge);
    assert!(message.contains("more than 1000 files"), "{message}");
    let mut deep = made.file("1");
    for _ in 0..11 {
        deep = made.tree(&[("40000", b"d", deep)]);
    }
    made.commit(deep, 100, &[]);
    assert!(made.missing(Revision::Head, Missing::TooLarge).contains("deep"));
    made.commit(made.file(&"x".repeat(5_001)), 100, &[]);
    assert!(made.missing(Revision::Head, Missing::TooLarge).contains("larger than 5"));
    let large = made.blob("x".repeat(4_000));
    let names: Vec<String> = (0..3).map(|index| format!("f{index}")).collect();
    let entries: Vec<Entry<'_>> =
        names.iter().map(|name| ("100644", name.as_bytes(), large)).collect();
    made.commit(made.tree(&entries), 100, &[]);
    assert!(made.missing(Revision::Head, Missing::TooLarge).contains("more than 10"));
    let mut parent = made.commit(made.file("1"), 100, &[]);
    for seconds in 0..150 {
        parent = made.commit(made.file(&seconds.to_string()), 100 + seconds, &[parent]);
    }
    let message = made.missing(by(1_000), Missing::TooLarge);
    assert!(message.contains("objects"), "{message}");
}

#[test]
fn a_repository_that_is_another_s_in_part_is_not_taken_for_the_students() {
    let solution = Made::new();
    let commit = solution.commit(solution.file("the solution"), 100, &[]);
    let theirs = solution.repository.path().display().to_string();
    let cases: [fn(&Path, &str); 5] = [
        |work, theirs| {
            std::fs::create_dir(work).unwrap();
            std::fs::write(work.join(".git"), format!("gitdir: {theirs}\n")).unwrap();
        },
        |work, theirs| {
            std::fs::create_dir(work).unwrap();
            std::os::unix::fs::symlink(theirs, work.join(".git")).unwrap();
        },
        |work, theirs| {
            Repository::init(work).unwrap();
            let file = work.join(".git/objects/info/alternates");
            std::fs::write(file, format!("{theirs}objects\n")).unwrap();
        },
        |work, theirs| {
            Repository::init(work).unwrap();
            std::fs::write(work.join(".git/commondir"), theirs).unwrap();
        },
        |work, theirs| {
            Repository::init(work).unwrap();
            std::fs::remove_dir_all(work.join(".git/objects")).unwrap();
            std::os::unix::fs::symlink(format!("{theirs}objects"), work.join(".git/objects"))
                .unwrap();
        },
    ];
    for (index, case) in cases.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        case(&work, &theirs);
        if let Ok(head) = std::fs::read_to_string(work.join(".git/HEAD")) {
            let branch = head.trim().strip_prefix("ref: ").unwrap();
            let file = work.join(".git").join(branch);
            let _ = std::fs::write(file, format!("{commit}\n"));
        }
        let url = work.to_str().unwrap().to_owned();
        let source = GitSource { url, at: Revision::Head };
        let root = folder.path().join("in");
        match fetch(&source, &root, &FetchLimits::default(), &|_| {}) {
            Err(FetchError::Unreached { why: Unreached::Refused, .. }) => {}
            other => panic!("{index}: {other:?}"),
        }
    }
    let own = tempfile::tempdir().unwrap();
    Repository::init(own.path()).unwrap();
    assert!(open_here(own.path()).is_ok());
}

#[test]
fn names_of_references_may_be_anything() {
    let made = Made::new();
    let commit = made.commit(made.file("1"), 100, &[]);
    let mut packed = b"# pack-refs with: peeled fully-peeled sorted \n".to_vec();
    let names = [&b"heads/-x"[..], b"heads/caf\xe9", b"heads/\xff\xfe", b"x/y"];
    for name in names {
        packed.extend(format!("{commit} refs/").bytes());
        packed.extend(name);
        packed.push(b'\n');
    }
    std::fs::write(made.repository.path().join("packed-refs"), packed).unwrap();
    for at in [Revision::Head, named("main"), named(&commit.to_string()[..7]), named("-x"), by(200)]
    {
        assert_eq!(made.chosen(at).0, commit);
    }
    made.repository.set_head("refs/heads/trunk").unwrap();
    let message = made.missing(Revision::Head, Missing::NoCommit);
    assert!(message.contains("`main`"), "{message}");
}

#[test]
fn a_repository_with_a_hole_is_not_blamed_on_the_student() {
    let made = Made::new();
    let blob = made.blob("1");
    let tree = made.tree(&[("100644", b"Dockerfile", blob)]);
    made.commit(tree, 100, &[]);
    let digits = blob.to_string();
    let object = made.repository.path().join("objects").join(&digits[..2]).join(&digits[2..]);
    std::fs::remove_file(object).unwrap();
    match made.fetch(Revision::Head) {
        Err(FetchError::Unreached { .. }) => {}
        other => panic!("{other:?}"),
    }
}
