//! Failures of our side: never a zero, never a score, always a cause and what to do about it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::lab::{Graded, Lab, finish, is_running, left_of, start};
use crate::proxy::{Proxy, fake};
use crate::support::{Ran, alone_with_what_is_left, grade};

/// The user that is nobody, on every Linux.
const NOBODY: u32 = 65_534;

/// Grades where the engine is at `host`.
fn at(lab: &Lab, host: &str) -> Command {
    let mut command = lab.command();
    command.env("DOCKER_HOST", host);
    command
}

#[track_caller]
fn unjudged(lab: &Lab, ran: Ran, causes: &[&str]) -> Graded {
    let ran = ran.exits(3);
    let graded = lab.graded(&ran);
    assert_eq!(graded.score(), (0, 0), "{}", graded.report);
    assert_eq!(graded.result["status"], "provisional");
    assert_eq!(graded.probe("builds")["status"], "unjudged");
    let said = format!("{} {}", graded.report, graded.result);
    for cause in causes {
        assert!(said.contains(cause), "{cause:?} is not said: {said}");
    }
    let xml = std::fs::read_to_string(lab.path().join("out/junit.xml")).expect("a report");
    assert!(xml.contains("<error") && !xml.contains("<failure"), "{xml}");
    graded
}

#[test]
fn no_engine_is_no_zero() {
    let refused = "tcp://127.0.0.1:1";
    for (host, cause, advice) in [
        ("unix:///nowhere/docker.sock", "/nowhere/docker.sock", "systemctl start docker"),
        (refused, "127.0.0.1:1", "DOCKER_HOST names it"),
        ("carrier-pigeon://x", "carrier-pigeon", ""),
    ] {
        let lab = Lab::new("FROM busybox\n");
        let (_, ran) = finish(start(at(&lab, host)));
        unjudged(&lab, ran, &[cause, advice]);
    }
}

#[test]
fn an_engine_that_may_not_be_asked_is_no_zero() {
    let lab = Lab::new("FROM busybox\n");
    let socket = lab.path().join("docker.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    for (path, mode) in [(lab.path(), 0o777), (&socket, 0o600), (&lab.work(""), 0o755)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("permissions");
    }
    let mut command = as_nobody(&lab);
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    let (_, ran) = finish(start(command));
    unjudged(&lab, ran, &["ermission denied", "usermod -aG docker"]);
}

#[test]
fn a_file_that_may_not_be_read_is_told_by_name() {
    let lab = Lab::new("FROM busybox\n");
    lab.write("private", "x");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(lab.work("private"), mode(0o600)).expect("permissions");
    std::fs::set_permissions(lab.path(), mode(0o777)).expect("permissions");
    let (_, ran) = finish(start(as_nobody(&lab)));
    let said = ran.exits(2).stderr;
    assert!(said.contains("work/private: Permission denied"), "{said}");
}

/// The command as a user who owns nothing of the submission; these tests run as root, who may read
/// everything, or as a user for whom `sudo` is not needed to read what that user owns.
fn as_nobody(lab: &Lab) -> Command {
    let program = lab.path().join("grade");
    // By another process: a file that this one has open for writing would be open in what other tests start,
    // too, for a moment, and cannot be executed then.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_grade")).arg(&program).status();
    assert!(copied.expect("cp").success());
    let mine = lab.command();
    let mut command = Command::new(program);
    command.args(mine.get_args()).current_dir(lab.path());
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for() {
    let lab = Lab::new("FROM busybox\n");
    let began = Instant::now();
    let (_, ran) = finish(start(at(&lab, &fake(None))));
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}", began.elapsed());
    unjudged(&lab, ran, &["no answer within", "docker info"]);
}

#[test]
fn what_is_no_engine_is_no_zero() {
    let lab = Lab::new("FROM busybox\n");
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "220 mail.example.org ESMTP\r\n",
    ] {
        let (_, ran) = finish(start(at(&lab, &fake(Some(answer)))));
        unjudged(&lab, ran, &["127.0.0.1"]);
    }
}

/// Grades through a proxy that is cut as soon as the submission runs this.
fn cut_in_the_middle(lab: &Lab, arguments: &str) -> (u32, Ran) {
    let proxy = Proxy::start();
    let child = start(at(lab, &proxy.address()));
    let began = Instant::now();
    while !is_running(arguments) {
        assert!(began.elapsed() < Duration::from_secs(30), "it never began");
        std::thread::sleep(Duration::from_millis(50));
    }
    proxy.cut();
    finish(child)
}

#[test]
fn an_engine_that_stops_during_a_build_is_no_zero() {
    let name = format!("{:08x}", rand::random::<u32>());
    let lab = Lab::new(format!("FROM busybox\nRUN echo {name} && sleep 54321\n"));
    lab.change_rubric("\"6s\"", "\"60s\"");
    let (_, ran) = cut_in_the_middle(&lab, "sleep 54321");
    let graded = unjudged(&lab, ran, &["docker info"]);
    assert!(graded.message("builds").contains("cannot be reached"), "{}", graded.report);
}

#[test]
fn an_engine_that_stops_during_a_run_keeps_what_was_judged_apart() {
    let _alone = alone_with_what_is_left();
    let lab = Lab::new("FROM busybox\nCMD [\"sleep\", \"54322\"]\n");
    lab.ask_for_its_end(r#"time_limit = "60s""#, 4);
    let (pid, ran) = cut_in_the_middle(&lab, "sleep 54322");
    let graded = lab.graded(&ran.exits(3));
    assert_eq!(graded.score(), (1, 1), "{}", graded.report);
    assert_eq!(graded.result["status"], "provisional");
    assert_eq!(graded.probe("ends")["status"], "unjudged");
    // What could not be removed without an engine is removed once there is one.
    assert_ne!(left_of(pid), Vec::new());
    grade(&["clean"]).exits(0);
    assert_eq!(left_of(pid), Vec::new());
}

#[test]
fn a_base_image_that_docker_hub_does_not_give_is_no_zero() {
    let lab = Lab::new("FROM grade-nobody/no-such-image:1\nRUN true\n");
    lab.change_rubric("network = \"none\"", "network = \"default\"");
    let body = r#"{"message":"toomanyrequests: You have reached your pull rate limit"}"#;
    let proxy = Proxy::answering("/distribution/", refusal(body));
    let (_, ran) = finish(start(at(&lab, &proxy.address())));
    unjudged(&lab, ran, &["grade-nobody/no-such-image", "docker pull"]);
}

#[test]
fn a_registry_of_the_submission_s_choice_that_does_not_answer_is_its_own() {
    let lab = Lab::new("FROM registry.invalid/toomanyrequests/x509:1\nRUN true\n");
    let (_, ran) = finish(start(lab.command()));
    let graded = lab.graded(&ran.exits(0));
    assert_eq!(graded.probe("builds")["status"], "failed", "{}", graded.report);
}

#[test]
fn a_full_disk_is_no_zero() {
    let lab = Lab::new("FROM busybox\n");
    lab.ask_for_its_end(r#"command = ["true"]"#, 4);
    let body = r#"{"message":"mkdir /var/lib/docker/overlay2/x: no space left on device"}"#;
    let proxy = Proxy::answering("/containers/create", refusal(body));
    let (pid, ran) = finish(start(at(&lab, &proxy.address())));
    let graded = lab.graded(&ran.exits(3));
    assert_eq!(graded.score(), (1, 1), "{}", graded.report);
    assert_eq!(graded.probe("ends")["status"], "unjudged");
    assert!(graded.message("ends").contains("disk is full"), "{}", graded.report);
    assert!(graded.report.contains("docker system df"), "{}", graded.report);
    assert_eq!(left_of(pid), Vec::new());
}

/// What an engine says that fails.
fn refusal(body: &str) -> String {
    format!(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
