//! What is left on the engine: nothing after an end, an interrupt or a termination; after a kill,
//! what `grade clean` removes without touching anything else.

use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::lab::{Lab, end, finish, is_running, left_of, signal, start};
use crate::support::{alone_with_what_is_left, grade, root, text};

/// A submission whose build, or whose container, sleeps so long: the number tells it from others.
fn sleeper(seconds: u32, in_build: bool) -> Lab {
    let random: u32 = rand::random();
    let sleep = format!("sleep {seconds}");
    let step = if in_build { format!("RUN {sleep}") } else { format!("CMD {sleep}") };
    let lab = Lab::new(format!("FROM busybox\nRUN echo {random}\n{step}\n"));
    if !in_build {
        lab.ask_for_its_end(r#"time_limit = "50s""#, 1);
    }
    lab.change_rubric("\"6s\"", "\"90s\"");
    lab
}

/// Starts a grading and waits until the submission sleeps.
fn asleep(lab: &Lab, seconds: u32) -> Child {
    let child = start(lab.command());
    until(|| is_running(&format!("sleep {seconds}")), "it sleeps");
    child
}

fn until(holds: impl Fn() -> bool, what: &str) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("the docker CLI");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A container and an image with names like ours, and without our labels.
struct Stranger {
    container: String,
    image: String,
}

impl Stranger {
    fn new() -> Stranger {
        let mark = format!("{:08x}", rand::random::<u32>());
        let (container, image) = (format!("grade-{mark}"), format!("grade.local/{mark}/b0:latest"));
        docker(&["create", "--name", &container, "busybox", "true"]);
        docker(&["tag", "busybox", &image]);
        Stranger { container, image }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        for arguments in [["rm", &self.container], ["rmi", &self.image]] {
            // Also when the test failed; then there may be nothing to remove.
            let _ = Command::new("docker").args(arguments).output();
        }
    }
}

#[test]
fn an_interrupt_and_a_termination_leave_nothing() {
    for (seconds, in_build, name) in [
        (61_001, true, "INT"),
        (61_002, false, "INT"),
        (61_003, true, "TERM"),
        (61_004, false, "TERM"),
    ] {
        let lab = sleeper(seconds, in_build);
        let child = asleep(&lab, seconds);
        signal(child.id(), name);
        let (pid, ran) = finish(child);
        let ran = ran.exits(3);
        assert!(ran.stderr.contains("interrupted: nothing is graded"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert!(!lab.path().join("out/result.json").exists(), "no score of an interrupted grading");
        assert_eq!(left_of(pid), Vec::new(), "{name} {in_build}");
        until(|| !is_running(&format!("sleep {seconds}")), "it is stopped");
    }
}

#[test]
fn clean_removes_what_killed_gradings_left_and_nothing_else() {
    let _alone = alone_with_what_is_left();
    let stranger = Stranger::new();

    let alive = sleeper(61_007, false);
    let alive_child = asleep(&alive, 61_007);
    let mut killed = Vec::new();
    for (seconds, in_build) in [(61_005, true), (61_006, false)] {
        let lab = sleeper(seconds, in_build);
        let child = asleep(&lab, seconds);
        signal(child.id(), "KILL");
        killed.push(end(child).0);
    }
    assert_ne!(left_of(killed[1]), Vec::new(), "a killed grading leaves something");
    let before: BTreeSet<String> =
        left_of(alive_child.id()).into_iter().map(|one| one.id).collect();
    assert!(before.len() >= 2, "a live grading has an image and a container: {before:?}");

    let dry = grade(&["clean", "--dry-run"]).exits(0).stdout;
    assert!(dry.contains("would remove container grade-"), "{dry}");
    assert_ne!(left_of(killed[1]), Vec::new(), "--dry-run removes nothing");
    let said = grade(&["clean"]).exits(0).stdout;
    for pid in killed {
        assert_eq!(left_of(pid), Vec::new(), "{said}");
    }
    until(|| !is_running("sleep 61005") && !is_running("sleep 61006"), "nothing goes on");
    let after: BTreeSet<String> = left_of(alive_child.id()).into_iter().map(|one| one.id).collect();
    assert_eq!(after, before, "a live grading keeps what it has");
    assert!(is_running("sleep 61007"));
    signal(alive_child.id(), "INT");
    let (pid, _) = finish(alive_child);
    assert_eq!(left_of(pid), Vec::new());

    docker(&["inspect", &stranger.container]);
    docker(&["image", "inspect", &stranger.image]);
}

/// The result without what differs from run to run.
fn steady(mut result: Json) -> Json {
    for key in ["started_at", "duration_ms", "image"] {
        result[key] = Json::Null;
    }
    for probe in result["probes"].as_array_mut().expect("probes") {
        probe["duration_ms"] = Json::Null;
    }
    result
}

fn solution(slug: &str, out: &std::path::Path) -> Child {
    let folder = root().join("assignments").join(slug).join("solution");
    let mut command = crate::support::command(&[text(&folder), "--assignment", slug]);
    command.args(["--strict", "--json", text(out)]);
    start(command)
}

fn read(path: &std::path::Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a result")).expect("JSON")
}

#[test]
fn gradings_of_one_folder_at_once_do_not_disturb_each_other_and_clean_disturbs_none() {
    let _alone = alone_with_what_is_left();
    let folder = tempfile::tempdir().expect("a folder");
    let outs: Vec<_> = (0..3).map(|n| folder.path().join(format!("{n}.json"))).collect();
    let children: Vec<Child> = outs.iter().map(|out| solution("onbuild", out)).collect();
    for _ in 0..5 {
        grade(&["clean"]).exits(0);
    }
    for child in children {
        let (pid, ran) = finish(child);
        ran.exits(0);
        assert_eq!(left_of(pid), Vec::new());
    }
    assert_eq!(steady(read(&outs[0])), steady(read(&outs[1])));
    assert_eq!(steady(read(&outs[0])), steady(read(&outs[2])));
}

#[test]
fn the_same_work_scores_the_same_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut results = Vec::new();
    for round in 0..5 {
        let outs: Vec<_> =
            (0..4).map(|n| folder.path().join(format!("{round}.{n}.json"))).collect();
        let children: Vec<Child> = outs.iter().map(|out| solution("oci-labels", out)).collect();
        for child in children {
            let (_, ran) = finish(child);
            ran.exits(0);
        }
        results.extend(outs.iter().map(|out| steady(read(out))));
    }
    assert_eq!(results.len(), 20);
    assert_eq!(results[0]["score"]["earned"], results[0]["score"]["possible"]);
    for result in &results {
        assert_eq!(result, &results[0]);
    }
}

#[test]
fn standard_output_is_the_report_that_was_asked_for_and_nothing_else() {
    let folder = root().join("assignments/oci-labels/solution");
    let assignment = [text(&folder), "--assignment", "oci-labels"];
    let json = grade(&[&assignment[..], &["--json", "-"]].concat()).exits(0).json();
    assert_eq!(json["format"], "grade/result/v1");
    let xml = grade(&[&assignment[..], &["--junit", "-"]].concat()).exits(0).stdout;
    assert!(xml.starts_with("<?xml") && xml.trim_end().ends_with("</testsuites>"), "{xml}");
}

#[test]
fn lost_points_show_in_the_exit_code_where_that_is_asked_for() {
    let folder = root().join("assignments/oci-labels/starter");
    let assignment = [text(&folder), "--assignment", "oci-labels"];
    grade(&assignment).exits(0);
    grade(&[&assignment[..], &["--strict"]].concat()).exits(1);
    grade(&[&assignment[..], &["--min-score", "10"]].concat()).exits(1);
    grade(&[&assignment[..], &["--min-score", "0"]].concat()).exits(0);
}
