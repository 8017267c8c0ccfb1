//! The action as a runner has it: `action.yml` is read and its steps are run with a runner's
//! environment, on the real engine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod files;
mod program;
mod runner;

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quick_xml::events::Event;
use runner::{Ran, Workspace};
use serde_json::{Value as Json, json};

/// The result that the Classroom reporter would be given.
fn result(ran: &Ran) -> Json {
    let bytes = BASE64_STANDARD.decode(&ran.outputs["result"]).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn notices(earned: u32, possible: u32) -> [String; 2] {
    [
        format!("notice title=Autograding complete::Points {earned}/{possible}"),
        format!(
            "notice title=Autograding report::{{\"totalPoints\":{earned},\"maxPoints\":{possible}}}"
        ),
    ]
}

fn names(ran: &Ran) -> Vec<&str> {
    ran.outputs.keys().map(String::as_str).collect()
}

#[test]
fn good_work_has_all_points_in_every_place() {
    let work = Workspace::of("assignments/oci-labels/solution");
    let ran = work.grade(&[("assignment", "oci-labels"), ("strict", "true")], &[]).exits(0);
    assert_eq!(ran.commands, notices(10, 10));
    assert_eq!(names(&ran), ["json", "junit", "max-score", "result", "score"]);
    assert_eq!((ran.outputs["score"].as_str(), ran.outputs["max-score"].as_str()), ("10", "10"));
    let result = result(&ran);
    assert_eq!((&result["version"], &result["status"]), (&json!(1), &json!("pass")));
    assert_eq!(result["max_score"], 10);
    let tests = result["tests"].as_array().unwrap();
    assert_eq!(tests.iter().map(|test| test["score"].as_u64().unwrap()).sum::<u64>(), 10);
    let stored: Json =
        serde_json::from_str(&std::fs::read_to_string(&ran.outputs["json"]).unwrap()).unwrap();
    assert_eq!(stored["score"], json!({"earned": 10, "possible": 10}));
    assert!(std::fs::read_to_string(&ran.outputs["junit"]).unwrap().contains("<testsuite"));
    assert!(ran.summary.contains("**10 of 10 points**"), "{}", ran.summary);
}

#[test]
fn partial_work_has_annotations_where_it_can_be_mended() {
    let work = Workspace::of("tests/submissions/oci-labels/blank-title");
    let ran = work.grade(&[("assignment", "oci-labels")], &[]).exits(0);
    let (errors, rest) = ran.commands.split_at(1);
    assert!(errors[0].starts_with("error file=Dockerfile,line="), "{errors:?}");
    assert_eq!(rest, notices(9, 10));
    let result = result(&ran);
    assert_eq!((&result["status"], &result["max_score"]), (&json!("fail"), &json!(10)));
    let lost: Vec<&Json> = result["tests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|test| test["status"] != "pass")
        .collect();
    assert_eq!(lost.len(), 1);
    assert!(lost[0]["test_code"].as_str().unwrap().contains("hint: "), "{lost:?}");
    assert!(lost[0]["line_no"].as_u64().unwrap() > 0, "{lost:?}");
    assert!(ran.summary.contains("**9 of 10 points**"), "{}", ran.summary);
    work.grade(&[("assignment", "oci-labels"), ("strict", "true")], &[]).exits(1);
}

#[test]
fn failing_work_is_no_failed_job() {
    let work = Workspace::with(&[("Dockerfile", "FROM busybox\nRUN echo so far && exit 7\n")]);
    let ran = work.grade(&[("assignment", "oci-labels")], &[]).exits(0);
    assert_eq!(ran.commands.last(), notices(0, 10).last());
    assert_eq!(ran.outputs["score"], "0");
    assert!(ran.commands[0].starts_with("error file=Dockerfile,line=2,"), "{:?}", ran.commands);
    assert!(ran.summary.contains("<summary>The end of the log</summary>"), "{}", ran.summary);
}

/// What a build may print to take over its job. The runner of the tests obeys commands as a real one
/// does, so it shows whether any came through.
#[test]
fn hostile_work_changes_nothing_but_its_own_text() {
    let script = "#!/bin/sh\n\
        head -c 1000000 /dev/zero | tr '\\0' 'A'\necho\n\
        printf '::error::forged\\n::set-output name=score::99\\n::stop-commands::x\\n'\n\
        printf '\\033[31m::notice title=Autograding report::{\"totalPoints\":10}\\033[0m\\n'\n\
        printf '##[error]forged\\n]]></failure><testcase name=\"forged\"/>\\n\\377\\376\\n'\n\
        printf '</details>\\n<script>alert(1)</script>\\n```\\n@everyone %%0A::error::x\\n'\n\
        printf '\\n::add-mask::0\\nscore<<x\\n10\\nx\\n::error::last'\nexit 9\n";
    let work = Workspace::with(&[
        ("Dockerfile", "FROM busybox\nCOPY noise.sh /noise.sh\nRUN sh /noise.sh\n"),
        ("noise.sh", script),
    ]);
    let ran = work.grade(&[("assignment", "oci-labels")], &[]).exits(0);
    assert!(ran.log.contains("::error::last"), "it is in the log as text: {}", ran.log);
    let (own, rest): (Vec<&String>, Vec<&String>) = ran
        .commands
        .iter()
        .partition(|command| command.starts_with("error file=Dockerfile,line=3"));
    assert_eq!(own.len(), 1, "{:?}", ran.commands);
    assert_eq!(rest, notices(0, 10).iter().collect::<Vec<_>>());
    assert_eq!(names(&ran), ["json", "junit", "max-score", "result", "score"]);
    assert_eq!(ran.outputs["score"], "0");
    assert_eq!(result(&ran)["tests"][0]["score"], 0);
    assert!(ran.outputs["result"].len() < 90_000);
    assert!(ran.summary.len() < 1_000_000);
    let fences = ran.summary.lines().filter(|line| line.starts_with("````")).count();
    assert_eq!(fences, 2, "the log is fenced by more than it holds: {}", ran.summary);
    let junit = std::fs::read_to_string(&ran.outputs["junit"]).unwrap();
    let mut reader = quick_xml::Reader::from_str(&junit);
    let mut cases = 0;
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == "testcase" => {
                cases += 1
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(cases, result(&ran)["tests"].as_array().unwrap().len());
}

#[test]
fn what_cannot_be_judged_has_no_points_and_fails_the_job() {
    let work = Workspace::of("assignments/oci-labels/solution");
    let nowhere = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    let ran = work.grade(&[("assignment", "oci-labels")], &nowhere).exits(3);
    assert_eq!(ran.commands.len(), 1, "{:?}", ran.commands);
    assert!(ran.commands[0].starts_with("error title=Not graded::"), "{:?}", ran.commands);
    assert!(ran.commands[0].contains("not of the submission"), "{:?}", ran.commands);
    assert_eq!(names(&ran), ["json", "junit", "result"]);
    let result = result(&ran);
    assert_eq!(result["status"], "error");
    assert_eq!(result.get("max_score"), None);
    assert!(ran.summary.contains("No score"), "{}", ran.summary);
}

const FIFTY: [(&str, &str); 8] = [
    ("CLASSROOM", "docker-101"),
    ("ASSIGNMENT", "oci-labels"),
    ("ASSIGNMENT_TYPE", "individual"),
    ("OWNER", "ada"),
    ("SUBMISSION_TAG", "submit/1"),
    ("COMMIT_URL", "https://forge.example/ada/work/commit/1"),
    ("RELEASE_URL", "https://forge.example/ada/work/releases/1"),
    ("REVIEW_URL", "https://forge.example/ada/work/pull/1"),
];

#[test]
fn classroom_50_gets_its_file_with_whole_numbers() {
    let work = Workspace::of("tests/submissions/oci-labels/blank-title");
    commit(work.path());
    let ran = work.grade(&[("assignment", "oci-labels")], &FIFTY).exits(0);
    assert!(
        !ran.commands.iter().any(|command| command.starts_with("notice")),
        "{:?}",
        ran.commands
    );
    let text = std::fs::read_to_string(work.path().join("result.json")).unwrap();
    let file: Json = serde_json::from_str(&text).unwrap();
    let keys: Vec<&str> = file.as_object().unwrap().keys().map(String::as_str).collect();
    let all = [
        "assignment",
        "assignment_type",
        "classroom",
        "commit",
        "datetime",
        "max-score",
        "owner",
        "release",
        "review",
        "schema",
        "score",
        "submission",
        "tests",
    ];
    assert_eq!(keys, all);
    assert!(text.contains("\"score\": 9,") && text.contains("\"max-score\": 10,"), "{text}");
    assert_eq!(file["datetime"], "2026-10-01T20:00:00Z");
    for test in file["tests"].as_array().unwrap() {
        let (score, most) = (test["score"].as_u64().unwrap(), test["max-score"].as_u64().unwrap());
        assert!(score <= most && test["passed"].as_bool() == Some(score == most || most == 0));
    }
    let body = std::fs::read_to_string(work.path().join("release-body.md")).unwrap();
    assert!(body.contains("**9 of 10 points**"), "{body}");
}

#[test]
fn classroom_50_keeps_the_old_grade_where_there_is_none() {
    let work = Workspace::of("assignments/oci-labels/solution");
    commit(work.path());
    let nowhere = [&FIFTY[..], &[("DOCKER_HOST", "unix:///nowhere/docker.sock")]].concat();
    work.grade(&[("assignment", "oci-labels")], &nowhere).exits(3);
    assert!(!work.path().join("result.json").exists());
    let ran = work
        .grade(&[("assignment", "oci-labels"), ("classroom", "classroom50")], &FIFTY[..2])
        .exits(2);
    assert!(ran.log.contains("SUBMISSION_TAG is not set"), "{}", ran.log);
    assert!(ran.log.contains("REVIEW_URL is not set"), "{}", ran.log);
}

/// Makes the folder a repository with one commit.
fn commit(folder: &Path) {
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@x.example",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .env("GIT_COMMITTER_DATE", "2026-10-01T22:00:00+02:00")
            .current_dir(folder)
            .status()
            .expect("git");
        assert!(status.success(), "git {arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "Hand in"]);
}
