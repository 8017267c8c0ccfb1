//! Repositories that are made to do harm, or are broken.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

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
    let cases: [fn(&Path, &str); 6] = [
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
        |work, theirs| {
            Repository::init(work).unwrap();
            let pack = work.join(".git/objects/pack");
            let _ = std::fs::remove_dir(&pack);
            std::os::unix::fs::symlink(format!("{theirs}objects/pack"), pack).unwrap();
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
    assert!(here::open(own.path(), &FetchLimits::default()).is_ok());
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
fn a_broken_repository_is_the_students() {
    let object = |made: &Made, id: &Oid| {
        let digits = id.to_string();
        made.repository.path().join("objects").join(&digits[..2]).join(&digits[2..])
    };
    type Break = fn(&Path, &[PathBuf; 3], &str);
    let breaks: [(&str, Break); 19] = [
        ("no blob", |_, [blob, ..], _| std::fs::remove_file(blob).unwrap()),
        ("no tree", |_, [_, tree, _], _| std::fs::remove_file(tree).unwrap()),
        ("no commit", |_, [.., commit], _| std::fs::remove_file(commit).unwrap()),
        ("blob", |_, [blob, ..], _| write(blob, "garbage")),
        ("half a blob", |_, [blob, ..], _| halve(blob)),
        ("half a tree", |_, [_, tree, _], _| halve(tree)),
        ("half a commit", |_, [.., commit], _| halve(commit)),
        ("cycle", |own, _, _| {
            write(own.join("refs/heads/main"), "ref: refs/heads/b\n");
            write(own.join("refs/heads/b"), "ref: refs/heads/main\n");
        }),
        ("dangling", |own, _, _| write(own.join("refs/heads/main"), "1".repeat(40))),
        ("no reference", |own, _, _| write(own.join("refs/heads/main"), "nonsense")),
        ("HEAD", |own, _, _| write(own.join("HEAD"), "garbage")),
        ("packed", |own, _, _| write(own.join("packed-refs"), "garbage\n")),
        ("a name", |own, _, id| {
            let line = format!("{id} refs/heads/a\u{1}\u{1b}[2Jb\n{id} refs/heads/main\n");
            write(own.join("packed-refs"), line);
        }),
        ("settings", |own, _, _| write(own.join("config"), "[core\n bare = \"x\n")),
        ("bare", |own, _, _| write(own.join("config"), "[core]\n bare = perhaps\n")),
        ("index of a pack", |own, [.., commit], _| {
            std::fs::remove_file(commit).unwrap();
            let name = format!("objects/pack/pack-{}", "1".repeat(40));
            write(own.join(format!("{name}.idx")), "garbage");
            write(own.join(format!("{name}.pack")), "PACK");
        }),
        ("commit", |own, _, _| {
            let odb = Repository::open(own).unwrap();
            let id = odb.odb().unwrap().write(ObjectType::Commit, b"tree nonsense\n\nx").unwrap();
            write(own.join("refs/heads/main"), id.to_string());
        }),
        ("shallow", |own, _, _| write(own.join("shallow"), "garbage\n")),
        ("grafts", |own, _, _| write(own.join("info/grafts"), "garbage\n")),
    ];
    for (what, harm) in breaks {
        let made = Made::new();
        let blob = made.blob("1");
        let tree = made.tree(&[("100644", b"Dockerfile", blob)]);
        let commit = made.commit(tree, 100, &[]);
        let files = [blob, tree, commit].map(|id| object(&made, &id));
        for file in &files {
            std::fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        }
        harm(made.repository.path(), &files, &commit.to_string());
        match made.fetch(Revision::Head) {
            // What is not read does not matter.
            Ok(_) if ["shallow", "grafts", "bare"].contains(&what) => {}
            Err(FetchError::Missing { why: Missing::Damaged, message }) => {
                assert!(!message.contains(char::is_control), "{what}: {message:?}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

fn halve(path: &Path) {
    let whole = std::fs::read(path).unwrap();
    write(path, &whole[..whole.len() / 2]);
}

fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_pipe_in_a_repository_keeps_nobody_waiting() {
    let made = Made::new();
    made.commit(made.file("1"), 100, &[]);
    let main = made.repository.path().join("refs/heads/main");
    std::fs::remove_file(&main).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &main, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let message = made.missing(Revision::Head, Missing::Hostile);
    assert!(message.contains("`main`"), "{message}");
}

#[test]
fn a_form_that_is_not_known_here_is_not_the_students() {
    let made = Made::new();
    made.commit(made.file("1"), 100, &[]);
    write(made.repository.path().join("config"), "[core]\n repositoryformatversion = 99\n");
    match made.fetch(Revision::Head) {
        Err(FetchError::Unreached { why: Unreached::Machine, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repository_of_submodules_alone_has_nothing_in_it_and_is_told() {
    let made = Made::new();
    let elsewhere: Oid = "1234567890123456789012345678901234567890".parse().unwrap();
    made.commit(made.tree(&[("160000", b"lib", elsewhere)]), 100, &[]);
    let (_, notes) = made.chosen(Revision::Head);
    assert_eq!(notes, ["the submodule `lib` is not fetched"]);
}
