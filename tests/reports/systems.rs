//! Results for other systems, one submission each, as their readers take them.

use std::sync::LazyLock;

use grade::judge::{Gradebook, Verdict};
use grade::report::{Classroom, View, find};
use serde_json::{Value, json};

use crate::class::full;
use crate::fixture::{HIDDEN, anna, entry, mark, missed, one, says};
use crate::golden::golden;

fn rendered(format: &str, gradebook: &Gradebook) -> String {
    let report = (find(format).unwrap().report)(&View::default());
    String::from_utf8(report.render(gradebook).unwrap()).unwrap()
}

fn read(format: &str, gradebook: &Gradebook) -> Value {
    serde_json::from_str(&rendered(format, gradebook)).unwrap()
}

fn done() -> Gradebook {
    let mut entry = full("x");
    entry.grade.marks[1].verdict = missed();
    Gradebook { entries: vec![entry] }
}

#[test]
fn each_system_gets_its_own_words() {
    golden("gradescope.json", &rendered("gradescope", &one()));
    golden("prairielearn.json", &rendered("prairielearn", &one()));
}

#[test]
fn a_provisional_result_is_no_score_anywhere() {
    let gradescope = read("gradescope", &one());
    assert_eq!(gradescope.get("score"), None);
    for test in gradescope["tests"].as_array().unwrap() {
        assert_eq!(test.get("score"), None, "{test}");
    }
    let prairielearn = read("prairielearn", &one());
    assert_eq!(prairielearn["gradable"], false);
    assert_eq!(prairielearn.get("score"), None);
    assert_eq!(rendered("autolab", &one()), "{\"scores\":{}}\n");
}

#[test]
fn a_final_result_is_the_points_that_were_earned() {
    let gradescope = read("gradescope", &done());
    assert_eq!(
        (&gradescope["score"], &gradescope["tests"][1]["status"]),
        (&14.into(), &"failed".into())
    );
    let sum: u64 = gradescope["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| test["score"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 14);
    let prairielearn = read("prairielearn", &done());
    assert_eq!(prairielearn["gradable"], true);
    let score = prairielearn["score"].as_f64().unwrap();
    assert!((score - 14.0 / 24.0).abs() < 1e-9, "{score}");
    assert_eq!(rendered("autolab", &done()), "{\"scores\":{\"healthcheck\":14}}\n");
}

#[test]
fn they_hold_one_submission() {
    for format in ["autolab", "gradescope", "prairielearn"] {
        for entries in [vec![], vec![anna(), anna()]] {
            let report = (find(format).unwrap().report)(&View::default());
            let error = report.render(&Gradebook { entries }).unwrap_err().to_string();
            assert!(error.contains("it holds one submission"), "{error}");
        }
    }
}

#[test]
fn a_flood_stays_below_what_prairielearn_reads() {
    let flood = |n: usize| {
        let mut mark = mark(&format!("p{n}"), "A probe", 1, missed(), says(&"ä\"".repeat(12_000)));
        mark.feedback.log = Some(format!("{}the end", "\u{1F600}\n".repeat(12_000)));
        mark
    };
    let entry = entry("x", (0..40).map(flood).collect());
    let text = rendered("prairielearn", &Gradebook { entries: vec![entry] });
    assert!(text.len() <= 1_000_000, "{}", text.len());
    assert!(text.len() > 100_000, "no more is cut than has to be: {}", text.len());
    assert!(text.contains("the end"));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["tests"].as_array().unwrap().len(), 40);
}

#[test]
fn a_submission_without_points_is_whole() {
    let entry = entry("x", vec![mark("a", "A", 0, Verdict::Met, says(""))]);
    let value = read("prairielearn", &Gradebook { entries: vec![entry] });
    assert_eq!(value["score"], 1.0);
}

/// What Classroom 50's runner sets.
fn variable(name: &str) -> Option<String> {
    let value = match name {
        "CLASSROOM" => "docker-101",
        "ASSIGNMENT" => "healthcheck",
        "ASSIGNMENT_TYPE" => "individual",
        "OWNER" => "ada",
        "SUBMISSION_TAG" => "submit/2026-10-01",
        "COMMIT_URL" => "https://example.org/commit",
        "RELEASE_URL" => "https://example.org/release",
        "REVIEW_URL" => "https://example.org/review",
        _ => return None,
    };
    Some(value.to_owned())
}

static CLASSROOM: LazyLock<Classroom> = LazyLock::new(|| Classroom::read(variable).unwrap());

fn classroom50(gradebook: &Gradebook) -> Result<Value, String> {
    let view = View { classroom: Some(&CLASSROOM), ..View::default() };
    let bytes = (find("classroom50").unwrap().report)(&view).render(gradebook);
    Ok(serde_json::from_slice(&bytes.map_err(|error| error.to_string())?).unwrap())
}

/// Points, commit and all: what Classroom 50 takes.
fn committed() -> Gradebook {
    let mut gradebook = done();
    gradebook.entries[0].submission.committed_at = Some("2026-10-01T12:00:00.5+02:00".into());
    gradebook
}

#[test]
fn classroom_50_gets_whole_numbers_and_nothing_that_it_does_not_know() {
    let mut value = classroom50(&committed()).unwrap();
    let tests = value["tests"].take();
    assert_eq!(
        value,
        json!({
            "schema": "classroom50/result/v1", "classroom": "docker-101",
            "assignment": "healthcheck", "assignment_type": "individual", "owner": "ada",
            "submission": "submit/2026-10-01", "commit": "https://example.org/commit",
            "release": "https://example.org/release", "review": "https://example.org/review",
            "datetime": "2026-10-01T10:00:00Z", "score": 14, "max-score": 24, "tests": null,
        })
    );
    let sum = |key: &str| -> u64 {
        tests.as_array().unwrap().iter().map(|test| test[key].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("score"), sum("max-score")), (14, 24));
    assert_eq!((&tests[0]["passed"], &tests[1]["passed"]), (&json!(true), &json!(false)));
}

#[test]
fn classroom_50_gets_nothing_where_something_is_open_or_nobody_knows_of_a_commit() {
    let error = classroom50(&one()).unwrap_err();
    assert!(error.contains("could not be judged"), "{error}");
    let mut bare = done();
    bare.entries[0].submission.committed_at = None;
    let error = classroom50(&bare).unwrap_err();
    assert!(error.contains("no commit"), "{error}");
    let report = (find("classroom50").unwrap().report)(&View::default());
    assert!(report.render(&committed()).is_err());
    let mut hidden = committed();
    hidden.entries[0].grade.marks = anna().grade.marks;
    hidden.entries[0].grade.marks.retain(|mark| !mark.is_unjudged());
    let value = classroom50(&hidden).unwrap().to_string();
    assert!(!value.contains(HIDDEN), "{value}");
}

#[test]
fn what_its_runner_does_not_say_is_told_all_at_once() {
    let wrong = Classroom::read(|name| match name {
        "OWNER" => None,
        "SUBMISSION_TAG" => Some("v1".into()),
        "ASSIGNMENT_TYPE" => Some("team".into()),
        _ => variable(name),
    });
    assert_eq!(
        wrong.unwrap_err(),
        [
            "ASSIGNMENT_TYPE is neither individual nor group",
            "OWNER is not set",
            "SUBMISSION_TAG does not start with submit/",
        ]
    );
}
