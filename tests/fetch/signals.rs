//! Signals: whenever one comes, the program ends at once and leaves nothing.

use std::io::{Read, Write, pipe};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use crate::lab::Lab;
use crate::web::start;

const SIGNALS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];
/// A loaded machine takes its time; a signal that is not heeded takes for ever.
const AT_ONCE: Duration = Duration::from_secs(10);

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("sent");
}

#[track_caller]
fn ends(child: &mut Child, what: &str) -> ExitStatus {
    let until = Instant::now() + AT_ONCE;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("waited for") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("{what}: it still runs");
}

/// Whether a process has come to listen.
fn has_handler(child: &Child, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("there");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("hex");
    caught >> (signal.as_raw() - 1) & 1 == 1
}

/// Processes that have this in their environment, and are no more zombies.
fn processes_of(lab: &Lab) -> usize {
    let mark = format!("TMPDIR={}", lab.path("into"));
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let environments = processes.filter_map(|one| std::fs::read(one.path().join("environ")).ok());
    environments.filter(|text| text.split(|b| *b == 0).any(|line| line == mark.as_bytes())).count()
}

/// An engine that takes connections and never answers.
fn silent_engine(lab: &Lab) -> (UnixListener, String) {
    let path = lab.path("silent.sock");
    (UnixListener::bind(&path).expect("a socket"), format!("unix://{path}"))
}

#[test]
fn no_moment_of_a_repository_s_grading_is_deaf() {
    let (lab, server) = start(Lab::new());
    lab.repository("onbuild.git");
    let (_engine, host) = silent_engine(&lab);
    let url = server.url("open/onbuild.git");
    let mut heeded = 0;
    for (index, step) in (0..45_u64).enumerate() {
        // Fine steps in the beginning, where the most begins.
        let delay = Duration::from_millis(if step < 30 { step * 12 } else { step * 25 - 390 });
        let signal = SIGNALS[index % SIGNALS.len()];
        let what = format!("{signal:?} after {delay:?}");
        let mut command = lab.command(&[&url]);
        command.env("DOCKER_HOST", &host).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut grade = command.spawn().expect("it starts");
        std::thread::sleep(delay);
        send(&grade, signal);
        let status = ends(&mut grade, &what);
        let mut said = String::new();
        let mut errors = grade.stderr.take().expect("a pipe");
        errors.read_to_string(&mut said).expect("text");
        if status.code() == Some(3) {
            assert!(said.contains("interrupted"), "{what}: {said}");
            heeded += 1;
        } else {
            // Before it could listen, which is before there is anything to clean up.
            assert_eq!(status.signal(), Some(signal.as_raw()), "{what}: {said}");
            assert_eq!(said, "", "{what}");
        }
        lab.is_clean();
        assert_eq!(processes_of(&lab), 0, "{what}");
    }
    assert!(heeded > 20, "{heeded}");
}

#[test]
fn every_command_ends_that_waits_for_something() {
    let lab = Lab::new();
    let pipe = lab.path("home/pipe");
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let evidence = "tests/evidence/v1-onbuild/evidence.json";
    let out = lab.path("home/out");
    let commands: [&[&str]; 6] = [
        &["tests/submissions/onbuild/ok-alpine", "--rubric", &pipe],
        &["batch", "tests/submissions/onbuild", "--rubric", &pipe, "--out", &out],
        &["roster", &pipe],
        &["check", &pipe],
        &["regrade", evidence, "--rubric", &pipe],
        &["fetch"],
    ];
    for arguments in commands {
        for signal in SIGNALS {
            let mut command = lab.command(arguments);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut grade = command.spawn().expect("it starts");
            let what = format!("{arguments:?} {signal:?}");
            // The process that fetches dies as any other.
            let listens = arguments != ["fetch"];
            while listens && !has_handler(&grade, signal) {
                assert!(grade.try_wait().expect("waited for").is_none(), "{what}: it is gone");
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(50));
            assert!(grade.try_wait().expect("waited for").is_none(), "{what}: nothing to wait for");
            send(&grade, signal);
            let status = ends(&mut grade, &what);
            let code = if listens { Some(3) } else { None };
            assert_eq!(status.code(), code, "{what}: {status:?}");
        }
    }
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_second_signal_ends_what_cannot_clean_up() {
    let lab = Lab::new();
    lab.repository("onbuild.git");
    // Nobody reads what it says, so that it waits for ever.
    let (_reader, mut writer) = pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("set");
    while writer.write(&[b'x'; 4096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    fcntl_setfl(&writer, flags).expect("set");
    let mut command = lab.command(&[&lab.path("repositories/onbuild.git")]);
    let mut grade = command.stderr(writer).stdout(Stdio::null()).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(500));
    send(&grade, Signal::INT);
    std::thread::sleep(Duration::from_millis(500));
    assert!(grade.try_wait().expect("waited for").is_none(), "it was to wait");
    send(&grade, Signal::TERM);
    assert_eq!(ends(&mut grade, "the second").code(), Some(3));
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let (lab, server) = start(Lab::new());
    let mut command = lab.command(&[&server.url("silent/a.git"), "--assignment", "onbuild"]);
    let mut grade = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("starts");
    while server.asked().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    send(&grade, Signal::TERM);
    std::thread::sleep(Duration::from_millis(5));
    send(&grade, Signal::TERM);
    assert_eq!(ends(&mut grade, "TERM, twice").code(), Some(3));
    lab.is_clean();
}

#[test]
fn a_hangup_is_not_heeded_under_nohup() {
    let lab = Lab::new();
    let (_engine, host) = silent_engine(&lab);
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_grade");
    let arguments = "tests/submissions/onbuild/ok-alpine --assignment onbuild";
    let script = format!("trap '' HUP; exec '{program}' {arguments}");
    command.args(["-c", &script]).env("DOCKER_HOST", host).stderr(Stdio::null());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null());
    let mut grade = command.spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(500));
    send(&grade, Signal::HUP);
    std::thread::sleep(Duration::from_millis(500));
    assert!(grade.try_wait().expect("waited for").is_none(), "it went on");
    send(&grade, Signal::TERM);
    assert_eq!(ends(&mut grade, "TERM").code(), Some(3));
}
