//! New scores from old evidence: what they change is told, and nothing is written unasked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::class::{Class, steady};
use crate::fake::Fake;

fn evidence(class: &Class) -> BTreeMap<PathBuf, String> {
    let mut files = steady(&class.path("out"));
    files.retain(|path, _| path.ends_with("evidence.json"));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_rubric_gives_new_scores_and_tells_whose_changed_and_by_what() {
    let class = Class::of(6);
    class.run(Fake::new(class.plan())).await;
    let (before, observed) = (steady(&class.path("out")), evidence(&class));
    let rubric = ["--rubric", "lab.toml"];
    let regrade = |more: &[&str]| class.grade(&[&["regrade", "out"], &rubric[..], more].concat());

    let (code, said, told) = regrade(&[]);
    assert_eq!((code, told.as_str()), (0, ""), "{said}");
    assert!(said.contains("0 of 6 submissions change"), "{said}");

    class.change_rubric("exit_code = 0", "exit_code = { one_of = [0, 1] }");
    let (code, said, _) = regrade(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 of 6 submissions change"), "{said}");
    assert!(said.contains("6 of 6 were graded by another rubric"), "{said}");
    let line = said.lines().find(|line| line.starts_with("student-003")).expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["student-003", "1/4", "4/4", "ends", "failed", "→", "passed", "+3"]);
    assert_eq!(steady(&class.path("out")), before, "nothing is written unasked");

    let (_, said, _) = regrade(&["--json", "-"]);
    let json: Json = serde_json::from_str(&said).expect("JSON");
    assert_eq!(json["changed"][0]["probes"][0]["after"]["status"], "passed");

    let (code, said, _) = regrade(&["--write"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(class.gradebook("out")["student-003"], "graded 4/4");
    let digest = class.plan().rubric.digest.clone();
    let result = std::fs::read_to_string(class.path("out/students/student-003/result.json"));
    assert!(result.expect("a result").contains(&digest), "a grade carries its rubric's digest");
    assert_eq!(evidence(&class), observed, "evidence is never altered");
    let (_, said, _) = regrade(&[]);
    assert!(said.contains("0 of 6 submissions change") && !said.contains("another rubric"));

    // Who was regraded need not be observed again, but for what the evidence does not answer.
    let (ran, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!((ran.tally.graded, fake.observed().len()), (6, 0));
    class.change_rubric("points = 1", "points = 2");
    let (_, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_evidence_does_not_answer_is_unjudged_and_never_zero() {
    let class = Class::new(&[("ada", Some(0)), ("ben", None)]);
    class.run(Fake::new(class.plan())).await;
    // A new question, and one that was not asked of Ben as his image did not build.
    class.change_rubric("needs  = [\"builds\"]\n", "");
    class.change_rubric("points = 1", "points = 2");
    let more = r#"
[[probe]]
id     = "more"
title  = "It has a file"
kind   = "file"
with   = { path = "/x" }
expect = { exists = true }
points = 5
needs  = ["builds"]
"#;
    class.change_rubric("points = 3", &format!("points = 3\n{more}"));
    let (code, said, _) = class.grade(&["regrade", "out", "--rubric", "lab.toml", "--write"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("? ada: unjudged: the evidence holds no answer"), "{said}");
    let book = class.gradebook("out");
    assert_eq!(book["ada"], "provisional 5/5");
    // Nothing is asked of an image that was not built: that is no failure of ours.
    assert_eq!(book["ben"], "provisional 0/7");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_rubric_are_told_before_anything_is_written() {
    let class = Class::of(2);
    class.run(Fake::new(class.plan())).await;
    let before = steady(&class.path("out"));
    class.change_rubric("exit_code = 0", "exit_cod = 0");
    class.change_rubric("points = 1", "points = 1.5");
    let (code, said, told) = class.grade(&["regrade", "out", "--rubric", "lab.toml", "--write"]);
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(told.contains("exit_cod") && told.contains("2 problems"), "{told}");
    assert_eq!(steady(&class.path("out")), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_and_a_folder_of_files_are_regraded_as_well() {
    let class = Class::of(3);
    class.run(Fake::new(class.plan())).await;
    class.change_rubric("exit_code = 0", "exit_code = 1");
    let regrade = |path: &str| class.grade(&["regrade", path, "--rubric", "lab.toml"]);
    let (code, said, _) = regrade("out/students/student-000/evidence.json");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 of 1 submissions change"), "{said}");
    let (_, said, _) = regrade("out/students");
    assert!(said.contains("3 of 3 submissions change"), "{said}");
    let (code, _, told) = regrade("work");
    assert_eq!(code, 2);
    assert!(told.contains("no evidence"), "{told}");
    let other = std::fs::read_to_string(class.path("lab.toml")).expect("a rubric");
    std::fs::write(class.path("other.toml"), other.replace("\"lab\"", "\"other\""))
        .expect("written");
    let (code, _, told) = class.grade(&["regrade", "out", "--rubric", "other.toml"]);
    assert_eq!(code, 2);
    assert!(told.contains("the evidence is of lab"), "{told}");
}
