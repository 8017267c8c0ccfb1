//! A gradebook with one mark of every sort.

use grade::evidence::{EngineStamp, Provenance};
use grade::expect::Check;
use grade::judge::{Entry, Feedback, Grade, Gradebook, Mark, Place, Verdict};

/// A text that only hidden probes hold.
pub(crate) const HIDDEN: &str = "only-teachers-read-this";

pub(crate) fn mark(
    id: &str,
    title: &str,
    points: u32,
    verdict: Verdict,
    feedback: Feedback,
) -> Mark {
    Mark {
        id: id.into(),
        title: title.into(),
        points,
        hidden: false,
        verdict,
        excused: false,
        feedback,
        took_ms: None,
        observation: None,
    }
}

pub(crate) fn missed() -> Verdict {
    let check = Check { met: false, expected: "true".into(), found: "false".into() };
    Verdict::Missed(vec![("became_healthy".into(), check)])
}

pub(crate) fn skipped(by: Option<&str>) -> Verdict {
    Verdict::Skipped { by: by.map(str::to_owned) }
}

pub(crate) fn says(message: &str) -> Feedback {
    Feedback { message: message.into(), ..Feedback::default() }
}

fn took(mark: Mark, observation: usize, took_ms: u64) -> Mark {
    Mark { observation: Some(observation), took_ms: Some(took_ms), ..mark }
}

fn healthy() -> Mark {
    let feedback = Feedback {
        message: "The container never became healthy: its last check ended with code 127.".into(),
        expected: Some("became_healthy: true".into()),
        found: Some("became_healthy: false".into()),
        hint: Some("Run the check's command yourself with `docker exec` and read what it says.".into()),
        lesson: Some("HEALTHCHECK".into()),
        place: Some(Place { file: "Dockerfile".into(), line: 7 }),
        log: Some("/bin/sh: curl: not found\n  at http://localhost:8000/a/long/path/that/stays/in/one/piece?query=1&more=2 after 3 tries".into()),
    };
    let mark = mark("becomes-healthy", "The container becomes healthy", 3, missed(), feedback);
    took(mark, 1, 20_310)
}

fn hidden() -> Mark {
    let feedback = Feedback {
        message: format!("The image is too big: {HIDDEN}."),
        expected: Some(HIDDEN.into()),
        found: Some(HIDDEN.into()),
        hint: Some(HIDDEN.into()),
        lesson: Some(HIDDEN.into()),
        place: Some(Place { file: HIDDEN.into(), line: 1 }),
        log: Some(HIDDEN.into()),
    };
    Mark { hidden: true, ..mark("small", "The image stays small", 1, missed(), feedback) }
}

fn grade(marks: Vec<Mark>) -> Grade {
    Grade {
        slug: "healthcheck".into(),
        title: "Tell a working container from a running one".into(),
        course: "docker".into(),
        rubric_digest: "5e".repeat(32),
        marks,
    }
}

pub(crate) fn entry(source: &str, marks: Vec<Mark>) -> Entry {
    Entry {
        grade: grade(marks),
        submission: Provenance {
            source: source.into(),
            commit: Some("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".into()),
            committed_at: Some("2026-02-28T22:41:07Z".into()),
            dirty: Some(true),
            digest: "d1".repeat(32),
        },
        engine: Some(EngineStamp { version: "26.1.5".into(), mode: "sandbox".into() }),
        image: Some(format!("sha256:{}", "ab".repeat(32))),
        grader: "0.1.0".into(),
        started_at: "2026-03-01T10:00:00.25Z".into(),
        duration_ms: 24_700,
    }
}

/// Met twice of one observation, missed with a log and a place, a chain of skipped ones, not
/// reached, unjudged with and without advice, missed without words, hidden.
pub(crate) fn anna() -> Entry {
    let blocked = "Not asked yet: first mend “The container becomes healthy”.";
    let fault = "Not judged; this is not your fault: the engine did not answer within 60 s";
    let bare = Feedback {
        expected: Some("user: not \"root\"".into()),
        found: Some("user: \"root\"".into()),
        ..says("Expected user: not \"root\", found user: \"root\".")
    };
    entry(
        "class/healthcheck-anna",
        vec![
            took(mark("builds", "The image builds", 2, Verdict::Met, says("")), 0, 4_120),
            took(
                mark(
                    "builds-fast",
                    "A second build comes from the cache",
                    10,
                    Verdict::Met,
                    says("This does not apply to your submission."),
                ),
                0,
                4_120,
            ),
            healthy(),
            mark(
                "turns-unhealthy",
                "A frozen server is noticed",
                2,
                skipped(Some("becomes-healthy")),
                says(blocked),
            ),
            mark(
                "recovers",
                "It becomes healthy again once the server goes on, without a restart of the container",
                1,
                skipped(Some("becomes-healthy")),
                says(blocked),
            ),
            mark(
                "serves",
                "It serves the page",
                1,
                skipped(None),
                says("Not asked: the container stopped before it could be."),
            ),
            mark("user", "It does not run as root", 1, missed(), bare),
            took(
                mark(
                    "labels",
                    "The image says where it comes from",
                    2,
                    Verdict::Unjudged("x".into()),
                    Feedback {
                        hint: Some("Free some space on the machine's disk.".into()),
                        ..says(fault)
                    },
                ),
                2,
                60_000,
            ),
            mark(
                "licence",
                "Its licence is known",
                1,
                Verdict::Unjudged("x".into()),
                says(
                    "Not judged, because a check before it could not be: the engine did not answer within 60 s",
                ),
            ),
            hidden(),
        ],
    )
}

/// Everything met.
pub(crate) fn ben() -> Entry {
    let done = |id, title| mark(id, title, 2, Verdict::Met, says(""));
    entry(
        "class/healthcheck-ben",
        vec![
            done("builds", "The image builds"),
            done("becomes-healthy", "The container becomes healthy"),
        ],
    )
}

pub(crate) fn one() -> Gradebook {
    Gradebook { entries: vec![anna()] }
}

pub(crate) fn class() -> Gradebook {
    Gradebook { entries: vec![anna(), ben()] }
}
