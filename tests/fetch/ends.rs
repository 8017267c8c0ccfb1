//! What becomes of the process that fetches when nobody waits for it any more.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use grade::submission::Revision;

use crate::lab::{Lab, block, git};
use crate::web::start;

/// Processes of this machine with a text in their arguments.
pub(crate) fn processes_with(text: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

#[track_caller]
fn comes_to(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_empty(lab: &Lab) -> bool {
    std::fs::read_dir(lab.path("into")).expect("a folder").next().is_none()
}

#[test]
fn a_future_that_is_dropped_leaves_nothing() {
    let (lab, server) = start(Lab::new());
    let fetcher = lab.fetcher();
    block(async {
        let source = git(&server.url("silent/a.git"), Revision::Head);
        let fetching = fetcher.fetch(&source);
        let asked = async {
            while server.asked().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            done = fetching => panic!("{done:?}"),
            () = asked => {}
        }
    });
    lab.is_clean();
}

#[test]
fn a_grade_that_is_killed_leaves_nothing_of_a_fetch() {
    let (lab, server) = start(Lab::new());
    let mut command = lab.command(&[&server.url("silent/a.git"), "--assignment", "onbuild"]);
    let mut grade =
        command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(grade.stderr.take().expect("a pipe")).lines();
    let line = lines.next().expect("a line").expect("text");
    assert!(line.starts_with("… fetching https://localhost:"), "{line}");
    comes_to("it asks", || !server.asked().is_empty());
    assert!(!is_empty(&lab));
    grade.kill().expect("killed");
    grade.wait().expect("it ends");
    comes_to("its folder is gone", || is_empty(&lab));
}

#[test]
fn what_kill_9_leaves_is_private_and_found_by_clean() {
    let (lab, server) = start(Lab::new());
    lab.repository("onbuild.git");
    let socket = lab.path("silent.sock");
    // An engine that never answers: the submission is here, and waits.
    let engine = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let waiting = || {
        let mut command = lab.command(&[&server.url("open/onbuild.git")]);
        command.env("DOCKER_HOST", format!("unix://{socket}"));
        let grade = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("starts");
        // It connects when it has fetched.
        engine.accept().map(|connection| (grade, connection)).expect("it connects")
    };
    let (mut living, _first) = waiting();
    let (mut killed, _second) = waiting();
    let folders = || -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(lab.path("into")).expect("a folder").flatten();
        entries.map(|entry| entry.path()).collect()
    };
    killed.kill().expect("killed");
    killed.wait().expect("it ends");
    assert_eq!(folders().len(), 2);
    for folder in folders() {
        let mode = std::fs::metadata(&folder).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
    }
    let clean = |arguments: &[&str]| {
        let output = lab.command(&[&["clean"], arguments].concat()).output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = clean(&["--dry-run"]);
    assert_eq!((said.matches("would remove folder").count(), folders().len()), (1, 2), "{said}");
    clean(&[]);
    let [left] = &folders()[..] else { panic!("{:?}", folders()) };
    assert!(left.to_string_lossy().contains(&format!("_{}_", living.id())), "{}", left.display());
    assert!(living.try_wait().expect("waited for").is_none());
    living.kill().expect("killed");
    living.wait().expect("it ends");
    clean(&[]);
    lab.is_clean();
}

#[test]
fn an_interrupt_ends_a_fetch() {
    let (lab, server) = start(Lab::new());
    let mut command = lab.command(&[&server.url("silent/a.git"), "--assignment", "onbuild"]);
    let grade = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    comes_to("it asks", || !server.asked().is_empty());
    let sent = Command::new("kill").args(["-s", "INT", &grade.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let output = grade.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted: nothing is graded"), "{said}");
    lab.is_clean();
}

#[test]
fn a_program_that_is_no_grade_is_our_fault() {
    let lab = Lab::new();
    lab.repository("a.git");
    let mut fetcher = lab.fetcher();
    let url = lab.path("repositories/a.git");
    for program in ["/nowhere/grade", "/bin/false", "/bin/cat"] {
        fetcher.program = program.into();
        let error = block(fetcher.fetch(&git(&url, Revision::Head))).expect_err("no grade");
        assert!(error.is_worth_retrying(), "{error:?}");
    }
    lab.is_clean();
}

#[test]
fn memory_has_a_limit_and_going_beyond_is_nobodys_zero() {
    let lab = Lab::new();
    lab.repository("a.git");
    let mut fetcher = lab.fetcher();
    fetcher.limits.memory = 1 << 20;
    // A process without memory may not even manage to end.
    fetcher.limits.silence = Duration::from_secs(5);
    let url = lab.path("repositories/a.git");
    let error = block(fetcher.fetch(&git(&url, Revision::Head))).expect_err("too little");
    assert!(error.is_worth_retrying(), "{error:?}");
    lab.is_clean();
}

#[test]
fn a_disk_that_is_full_is_our_fault() {
    let lab = Lab::new();
    lab.repository("a.git");
    let mut fetcher = lab.fetcher();
    // Nobody, root included, makes a folder there.
    fetcher.into = "/proc".into();
    let url = lab.path("repositories/a.git");
    let error = block(fetcher.fetch(&git(&url, Revision::Head))).expect_err("no room");
    assert!(error.is_worth_retrying(), "{error:?}");
}
