//! What counts: lateness and decisions, beside what was earned.

use std::path::Path;
use std::time::Duration;

use grade::judge::{Decision, LatePolicy, Points};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::class::Class;
use crate::fake::Fake;

const DUE: i64 = 1_790_000_000;

/// Commits all there is in a folder, at that time.
fn commit(folder: &Path, seconds: i64) {
    let repository = git2::Repository::init(folder).expect("a repository");
    let mut index = repository.index().expect("an index");
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
    let tree = index.write_tree().expect("a tree");
    index.write().expect("written");
    let tree = repository.find_tree(tree).expect("a tree");
    let time = git2::Time::new(seconds, 0);
    let who = git2::Signature::new("Ada", "ada@example.org", &time).expect("a signature");
    repository.commit(Some("HEAD"), &who, &who, "all", &tree, &[]).expect("a commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_stands_beside_what_was_earned_and_says_why() {
    let good = Some(0);
    let students =
        [("in-time", good), ("late", good), ("nobody-knows", good), ("ill", good), ("oral", None)];
    let mut class = Class::new(&students);
    class.enroll("gone", Err("there is no folder for it".into()), None);
    let due = Timestamp::from_second(DUE).ok();
    let grace = Duration::from_secs(15 * 60);
    class.roster.due = due;
    class.roster.late = Some(LatePolicy { grace, per_day: 25, cap: 50 });
    for member in &mut class.roster.members {
        member.due = due;
        member.decision = match member.student.id.as_str() {
            "ill" => Some(Decision { excused: true, reason: "ill".into(), ..Decision::default() }),
            "oral" => Some(Decision {
                counts: Some(Points(250)),
                reason: "oral exam".into(),
                ..Decision::default()
            }),
            _ => None,
        };
    }
    for (id, late) in [("in-time", 600), ("late", 3600), ("ill", 3600), ("oral", -60)] {
        commit(&class.work(id), DUE + late);
    }
    class.run(Fake::new(class.plan())).await;

    let text = std::fs::read_to_string(class.path("out/gradebook.json")).expect("a gradebook");
    let book: Json = serde_json::from_str(&text).expect("JSON");
    let told = |entry: &Json| {
        let (late, decision) = (&entry["late"], &entry["decision"]);
        let earned = &entry["result"]["score"]["earned"];
        json!([earned, entry["counts"], late["lost"], entry["undated"], decision["reason"]])
    };
    let told: Vec<Json> = book["entries"].as_array().expect("entries").iter().map(told).collect();
    let expected = [
        json!([4, 4, 0, false, null]),
        json!([4, 3, 1, false, null]),
        json!([4, 4, null, true, null]),
        json!([4, 4, 0, false, "ill"]),
        json!([0, 2.5, null, false, "oral exam"]),
        json!([null, null, null, false, null]),
    ];
    assert_eq!(told, expected);
    let said = |id: &str, file: &str| {
        std::fs::read_to_string(class.path("out/students").join(id).join(file)).expect("a report")
    };
    assert!(said("late", "feedback.md").contains("Handed in 1 h late, which costs 1 point"));
    assert!(said("late", "result.json").contains("\"earned\": 4"), "what was earned is untouched");
    assert!(said("nobody-knows", "feedback.md").contains("is not known"));
    let page = std::fs::read_to_string(class.path("out/report.html")).expect("a page");
    assert!(page.contains("2.50 points count. Reason: oral exam"));
}
