//! Submissions that attack the grader: each comes to a clear result in bounded time, reports stay
//! well-formed, and nothing is left on the engine.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::lab::Lab;

/// What the builder or a look at the files decides without building anything.
const QUICK: Duration = Duration::from_secs(30);

fn special(arguments: &[&str], path: &Path) {
    let made = Command::new(arguments[0]).arg(path).args(&arguments[1..]).status();
    assert!(made.expect("coreutils").success(), "{arguments:?}");
}

fn pipe(path: &Path) {
    special(&["mkfifo"], path);
}

#[track_caller]
fn quickly<T>(what: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = what();
    assert!(began.elapsed() < QUICK, "it took {:?}", began.elapsed());
    done
}

#[test]
fn what_cannot_be_copied_is_left_out_and_links_lead_nowhere() {
    let lab = Lab::new(
        "FROM busybox\nCOPY . /ctx\nRUN cd /ctx && test -L inside && test -L outside && \
         test \"$(cat dangling 2>/dev/null)\" = '' && test ! -e pipe && test ! -e socket && \
         test ! -e zero && ! grep -r 'not-your[s]' . && grep mine inside\n",
    );
    let outside = lab.path().join("outside");
    std::fs::write(&outside, "not-yours\n").expect("written");
    lab.write("file", "mine\n");
    symlink("file", lab.work("inside")).expect("a link");
    symlink(&outside, lab.work("outside")).expect("a link");
    symlink("nowhere", lab.work("dangling")).expect("a link");
    symlink("loop", lab.work("loop")).expect("a link");
    symlink("/etc", lab.work("etc")).expect("a link");
    pipe(&lab.work("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(lab.work("socket")).expect("a socket");
    // Only root can make a device; nobody else can hand one in.
    if std::fs::metadata(lab.path()).expect("a folder").uid() == 0 {
        special(&["mknod", "c", "1", "5"], &lab.work("zero"));
    }
    lab.rubric(
        r#"
[[probe]]
id     = "link"
title  = "A link out of the folder is only a link"
kind   = "submission"
with   = { path = "outside" }
expect = { kind = "symlink", text = { absent = true }, sha256 = { absent = true } }
points = 1

[[probe]]
id     = "through"
title  = "Nothing is seen through a folder that is a link"
kind   = "submission"
with   = { path = "etc/passwd" }
expect = { exists = false }
points = 1

[[probe]]
id     = "pipe"
title  = "A pipe is not read"
kind   = "submission"
with   = { path = "pipe" }
expect = { kind = "other", text = { absent = true } }
points = 1
"#,
    );
    let graded = lab.grade();
    assert_eq!(graded.score(), (4, 4), "{}", graded.report);
}

#[test]
fn a_dockerfile_that_is_no_file_of_the_submission_is_none() {
    let made: [fn(&Lab); 5] = [
        |lab| symlink(lab.path().join("outside"), lab.work("Dockerfile")).expect("a link"),
        |lab| symlink("Dockerfile", lab.work("Dockerfile")).expect("a link"),
        |lab| pipe(&lab.work("Dockerfile")),
        |lab| std::fs::create_dir(lab.work("Dockerfile")).expect("a folder"),
        |_| {},
    ];
    for make in made {
        let lab = Lab::new("");
        std::fs::remove_file(lab.work("Dockerfile")).expect("removed");
        std::fs::write(lab.path().join("outside"), "FROM busybox\n").expect("written");
        make(&lab);
        let graded = quickly(|| lab.grade());
        assert_eq!(graded.score(), (0, 1), "{}", graded.report);
        assert!(graded.message("builds").contains("no Dockerfile"), "{}", graded.report);
    }
}

#[test]
fn a_dockerfile_may_be_a_link_inside_the_folder() {
    let lab = Lab::new("");
    std::fs::rename(lab.work("Dockerfile"), lab.work("real")).expect("moved");
    lab.write("real", "FROM busybox\nRUN true\n");
    symlink("real", lab.work("Dockerfile")).expect("a link");
    assert_eq!(lab.grade().score(), (1, 1));
}

#[test]
fn names_need_not_be_utf_8() {
    // What is no UTF-8 is replaced: the builder's protocol has texts for names.
    let lab = Lab::new("FROM busybox\nCOPY . /ctx\nRUN cat /ctx/caf*/na*ve | grep -q found\n");
    std::fs::create_dir(lab.work(OsStr::from_bytes(b"caf\xe9"))).expect("a folder");
    lab.write(OsStr::from_bytes(b"caf\xe9/na\xefve"), "found\n");
    lab.write(OsStr::from_bytes(b"\x1b[2J]]>\n::error::x"), "");
    let graded = lab.grade();
    assert_eq!(graded.score(), (1, 1), "{}", graded.report);
}

#[test]
fn too_much_is_told_quickly_and_is_the_student_s() {
    let lab = Lab::new("FROM busybox\nCOPY Dockerfile /\n");
    let sparse = std::fs::File::create(lab.work("sparse")).expect("a file");
    sparse.set_len(1 << 30).expect("room");
    // What the build does not ask for is not sent.
    let graded = quickly(|| lab.grade());
    assert_eq!(graded.score(), (1, 1), "{}", graded.report);
    lab.write("Dockerfile", "FROM busybox\nCOPY . /context\n");
    let graded = quickly(|| lab.grade());
    assert_eq!(graded.score(), (0, 1));
    assert!(graded.message("builds").contains("larger than 20.0 MB"), "{}", graded.report);
}

#[test]
fn so_many_files_are_told_quickly_and_are_the_student_s() {
    let lab = Lab::new("FROM busybox\nCOPY . /context\n");
    for folder in 0..50 {
        lab.write(format!("d{folder}/0"), "");
        // Links: a file system may take its time for so many new inodes.
        for file in 1..1_000 {
            let (from, to) =
                (lab.work(format!("d{folder}/0")), lab.work(format!("d{folder}/{file}")));
            std::fs::hard_link(from, to).expect("a link");
        }
    }
    let graded = quickly(|| lab.grade());
    assert_eq!(graded.score(), (0, 1));
    assert!(graded.message("builds").contains("1000 files"), "{}", graded.report);
    // Out of the context, they cost no point.
    lab.write(".dockerignore", "d*\n");
    let graded = quickly(|| lab.grade());
    assert_eq!(graded.score(), (1, 1), "{}", graded.report);
}

#[test]
fn a_huge_dockerfile_is_built_or_refused_but_not_hung_on() {
    let comment = format!("# {}\n", "x".repeat(100)).repeat(100_000);
    let graded = Lab::new(format!("FROM busybox\n{comment}RUN true\n")).grade();
    assert_eq!(graded.score(), (1, 1), "{}", graded.report);
    let line = format!("FROM busybox\nRUN echo {}\n", "x".repeat(10_000_000));
    let graded = Lab::new(line).grade();
    assert_eq!(graded.score(), (0, 1), "{}", graded.report);
}

#[test]
fn what_a_build_prints_breaks_no_report() {
    let forged = "</failure></testcase><testcase name=\"forged\"/>";
    let script = format!(
        "printf '\\033[2J\\033]0;title\\007\\000]]>\\r\\n::error::forged\\n##[error]forged\\n'; \
         echo '{forged}'; for i in 1 2 3 4 5 6 7 8 9; do echo ::error::forged ::error::forged; \
         done; exit 3"
    );
    let mut dockerfile = b"FROM busybox\n# \x00 \x1b[31m \xff ]]>\nCOPY script /script\n".to_vec();
    dockerfile.extend(b"RUN sh /script\n");
    let lab = Lab::new(dockerfile);
    lab.write("script", script);
    let graded = lab.grade();
    assert_eq!(graded.score(), (0, 1), "{}", graded.report);
    assert!(graded.message("builds").contains("forged"), "{}", graded.report);
    let lab = Lab::new("FROM busybox\nRUN echo \x00\x1b[31m]]>::error::forged; exit 3\n");
    assert_eq!(lab.grade().score(), (0, 1));
}

#[test]
fn monstrous_ignore_files_cost_no_time() {
    let many: String = (0..200_000).map(|n| format!("**/a{n}*/**/x?[0-9]\n")).collect();
    let monsters = [
        many,
        "**/".repeat(100_000),
        "*a".repeat(500_000),
        "[".repeat(100_000),
        format!("!{}", "\\".repeat(99_999)),
        "x".repeat(20_000_000),
    ];
    for monster in monsters {
        let lab = Lab::new("FROM busybox\nCOPY . /ctx\n");
        for file in 0..900 {
            lab.write(format!("a/b/c/d/{file}"), "");
        }
        lab.write(".dockerignore", &monster);
        let graded = quickly(|| lab.grade());
        assert_eq!(graded.result["status"], "graded", "{}", graded.report);
    }
}

#[test]
fn an_ignore_file_that_is_a_pipe_or_a_link_is_not_waited_for() {
    let lab = Lab::new("FROM busybox\nCOPY . /ctx\n");
    pipe(&lab.work(".dockerignore"));
    assert_eq!(quickly(|| lab.grade()).score(), (1, 1));
    let lab = Lab::new("FROM busybox\nCOPY . /ctx\n");
    symlink("/dev/zero", lab.work(".dockerignore")).expect("a link");
    assert_eq!(quickly(|| lab.grade()).score(), (1, 1));
}

#[test]
fn a_note_that_is_no_small_file_is_refused() {
    let made: [fn(&Path); 4] = [
        pipe,
        |path| symlink("/dev/zero", path).expect("a link"),
        |path| std::fs::create_dir(path).expect("a folder"),
        |path| std::fs::File::create(path).expect("a file").set_len(1 << 40).expect("room"),
    ];
    for make in made {
        let lab = Lab::new("FROM busybox\n");
        make(&lab.work(".grade.toml"));
        let work = lab.path().join("work");
        let ran = quickly(|| crate::support::grade_without_engine(&[crate::support::text(&work)]));
        let ran = ran.exits(2);
        assert!(ran.stderr.contains("is not a small plain file"), "{}", ran.stderr);
    }
}

/// Makes a repository evil, given a command that leaves a trace: more of its configuration.
type Evil = fn(&Lab, &str) -> String;

#[test]
fn a_repository_runs_nothing_and_is_not_waited_for() {
    let config = |more: &str| format!("[core]\n\trepositoryformatversion = 0\n{more}");
    let touch = |lab: &Lab| format!("touch {}", lab.path().join("touched").display());
    let made: [(&str, Evil); 4] = [
        ("commands", |lab, touch| {
            lab.write(".gitattributes", "* filter=evil\n");
            lab.write(".git/info/attributes", "* filter=evil\n");
            format!(
                "\tfsmonitor = {touch}\n\tsshCommand = {touch}\n\thooksPath = hooks\n\tpager = {touch}\n\
                 [filter \"evil\"]\n\tclean = {touch}\n\tsmudge = {touch}\n\tprocess = {touch}\n\trequired\n"
            )
        }),
        ("a work tree elsewhere", |_, _| "\tworktree = /\n".to_owned()),
        ("a pipe as head", |lab, _| {
            std::fs::remove_file(lab.work(".git/HEAD")).expect("removed");
            pipe(&lab.work(".git/HEAD"));
            String::new()
        }),
        ("a pipe that is included", |lab, _| {
            pipe(&lab.work("pipe"));
            format!("[include]\n\tpath = {}\n", lab.work("pipe").display())
        }),
    ];
    for (name, make) in made {
        let lab = Lab::new("FROM busybox\n");
        git2::Repository::init(lab.work("")).expect("a repository");
        lab.write("file", "x");
        let repository = git2::Repository::open(lab.work("")).expect("a repository");
        let mut index = repository.index().expect("an index");
        index.add_path(Path::new("file")).expect("added");
        index.write().expect("written");
        let tree = repository.find_tree(index.write_tree().expect("a tree")).expect("a tree");
        let who = git2::Signature::now("A", "a@example.org").expect("a name");
        repository.commit(Some("HEAD"), &who, &who, "one", &tree, &[]).expect("a commit");
        lab.write("file", "changed");
        for hook in ["pre-commit", "post-checkout", "post-index-change", "fsmonitor-watchman"] {
            lab.write(format!(".git/hooks/{hook}"), format!("#!/bin/sh\n{}\n", touch(&lab)));
            let runs = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(lab.work(format!(".git/hooks/{hook}")), runs).expect("set");
        }
        let more = make(&lab, &touch(&lab));
        lab.write(".git/config", config(&more));
        let graded = quickly(|| lab.grade());
        assert_eq!(graded.score(), (1, 1), "{name}: {}", graded.report);
        assert!(!lab.path().join("touched").exists(), "{name}: something ran");
    }
}

#[test]
fn a_build_that_never_ends_or_never_falls_silent_is_stopped() {
    for step in ["yes", "sh -c 'sleep 600 & sleep 600 & wait'"] {
        let lab = Lab::new(format!("FROM busybox\nRUN {step}\n"));
        lab.change_rubric("\"6s\"", "\"2s\"");
        let graded = quickly(|| lab.grade());
        assert_eq!(graded.score(), (0, 1), "{step}");
        assert!(graded.message("builds").contains("longer than it may"), "{}", graded.report);
    }
}

#[test]
fn a_container_that_never_falls_silent_is_stopped() {
    let lab = Lab::new("FROM busybox\nCMD [\"yes\", \"\\u001b[31m]]>::error::\"]\n");
    lab.rubric(
        r#"
[[probe]]
id     = "ends"
title  = "It ends"
kind   = "run"
with   = { time_limit = "1s" }
expect = { timed_out = false }
points = 1
missed = "{stdout}"

[[probe]]
id     = "prints"
title  = "What it printed is kept in part"
kind   = "run"
with   = { time_limit = "1s" }
expect = { timed_out = true, stdout = { contains = "error" } }
points = 1
"#,
    );
    let graded = quickly(|| lab.grade());
    assert_eq!(graded.score(), (2, 3), "{}", graded.report);
}

/// A builder may take too long over it, which is the student's, or build it. Its time for it grows with the square of the length, and
/// nothing stops it before it is through: a longer one would slow down what comes after this.
#[test]
fn a_label_of_a_hundred_kilobytes_is_no_fault_of_ours() {
    let piece = "x".repeat(60_000);
    let label = format!("LABEL big=\"{piece}\\\n{piece}\"\n");
    let lab = Lab::new(format!("FROM busybox\n{label}"));
    lab.rubric(
        r#"
[[probe]]
id     = "label"
title  = "It is quoted in part"
kind   = "image"
expect = { labels.big = "small" }
points = 1
needs  = ["builds"]
"#,
    );
    lab.change_rubric("\"6s\"", "\"2s\"");
    let graded = lab.grade();
    assert_eq!(graded.result["status"], "graded", "{}", graded.report);
    assert!(graded.report.len() < 20_000, "the report is {} long", graded.report.len());
}

#[test]
fn monstrous_metadata_is_read_and_bounded() {
    let many: String = (0..100)
        .map(|line| {
            let pairs = (0..100).map(|n| format!(" l{line}.{n}=v"));
            format!("LABEL{}\n", pairs.collect::<String>())
        })
        .collect();
    let lab = Lab::new(format!("FROM busybox\nARG LINES\nENV LINES=$LINES\n{many}"));
    let args = "[builds.submission]\nargs = { LINES = \"a\\n::error::b\\u001b[31m\" }\n";
    let probes = r#"
[[probe]]
id     = "labels"
title  = "There are many"
kind   = "image"
expect = { labels = { contains = "l99.99" } }
points = 1
missed = "{labels}"

[[probe]]
id     = "wrong"
title  = "A big one is quoted in part"
kind   = "image"
expect = { labels = { contains = "nothing-of-that" }, env.LINES = "x" }
points = 1
missed = "{labels} {env}"
"#;
    lab.rubric(probes);
    lab.change_rubric("[builds.submission]\n", args);
    let graded = lab.grade();
    assert_eq!(graded.probe("builds")["status"], "passed", "{}", graded.report);
    assert_eq!(graded.probe("wrong")["status"], "failed", "{}", graded.report);
    assert!(graded.report.len() < 20_000, "the report is {} long", graded.report.len());
}
