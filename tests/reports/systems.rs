//! Results for other systems, one submission each, as their readers take them.

use grade::judge::{Gradebook, Verdict};
use grade::report::{View, find};
use serde_json::Value;

use crate::class::full;
use crate::fixture::{anna, entry, mark, missed, one, says};
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
