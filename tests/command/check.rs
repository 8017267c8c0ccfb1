//! `grade check`: every mistake of a rubric is told at once, with its place, and no engine is
//! asked. The rubrics in `tests/rubrics` have one mistake each and are named for it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::support::{golden, grade_without_engine, redacted, root, text};

/// The exercises of the course.
const COURSE: [&str; 4] = ["healthcheck", "oci-labels", "onbuild", "secret-mount"];

/// What only a reader of the whole rubric can tell: which names there are, and what they mean.
const BEYOND_A_SCHEMA: [&str; 31] = [
    "archive-in-a-downstream-build",
    "bad-duration",
    "bad-limits",
    "bounds-the-wrong-way-round",
    "build-starts-from-a-later-one",
    "duplicate-id",
    "finds-a-text-that-may-be-anywhere",
    "finds-everything",
    "finds-nothing",
    "finds-what-is-not-handed-out",
    "length-of-any-size",
    "like-a-later-build",
    "limits-of-nothing",
    "matcher-does-not-fit",
    "mode-of-no-file",
    "needs-a-later-probe",
    "needs-a-misspelt-probe",
    "needs-itself",
    "no-points-at-all",
    "not-toml",
    "pattern-cannot-be-read",
    "pattern-matches-everything",
    "restores-what-is-not-handed-out",
    "slug-of-another-file",
    "unknown-build",
    "unknown-build-to-compare-with",
    "unknown-fact-in-words",
    "unknown-value",
    "value-does-not-fit",
    "value-of-the-agent",
    "zeros-of-no-size",
];

/// The mistakes there is a rubric for, sorted.
fn mistakes() -> Vec<String> {
    let files = std::fs::read_dir(root().join("tests/rubrics")).expect("rubrics");
    let mut mistakes: Vec<String> = files
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .map(|name| {
            let mistake = name.strip_prefix("bad-").and_then(|name| name.strip_suffix(".toml"));
            mistake.unwrap_or_else(|| panic!("{name} is not bad-<mistake>.toml")).to_owned()
        })
        .collect();
    mistakes.sort();
    mistakes
}

fn path_of(mistake: &str) -> PathBuf {
    Path::new("tests/rubrics").join(format!("bad-{mistake}.toml"))
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mistakes = mistakes();
    assert!(mistakes.len() >= 40, "{mistakes:?}");
    for mistake in &mistakes {
        let path = path_of(mistake);
        let ran = grade_without_engine(&["check", text(&path)]).exits(2);
        assert_eq!(ran.stdout, "", "{mistake}");
        assert!(ran.stderr.contains(&format!("--> {}:", path.display())), "{}", ran.stderr);
        golden(mistake, &redacted(&ran.stderr, &[]));
    }
}

#[test]
fn no_golden_is_left_of_a_rubric_that_is_gone() {
    let files = std::fs::read_dir(root().join("tests/golden/check")).expect("goldens");
    let goldens: BTreeSet<String> =
        files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect();
    let expected: BTreeSet<String> =
        mistakes().into_iter().map(|mistake| format!("{mistake}.snap")).collect();
    assert_eq!(goldens, expected);
}

#[test]
fn a_misspelt_name_gets_a_suggestion() {
    for (mistake, meant) in [
        ("unknown-kind", "health"),
        ("unknown-fact", "exit_code"),
        ("unknown-matcher", "at_most"),
        ("unknown-parameter", "build"),
        ("unknown-build", "versioned"),
        ("unknown-value", "secret"),
        ("unknown-network", "none"),
        ("unknown-fact-in-words", "exit_code"),
        ("needs-a-misspelt-probe", "builds"),
        ("misspelt-key", "course"),
        ("misspelt-key", "hint"),
        ("wrong-parameter-word", "freeze"),
        ("case-on-an-unknown-fact", "timed_out"),
    ] {
        let ran = grade_without_engine(&["check", text(&path_of(mistake))]).exits(2);
        let suggestion = format!("did you mean `{meant}`?");
        assert!(ran.stderr.contains(&suggestion), "{mistake}: {}", ran.stderr);
    }
}

#[test]
fn several_mistakes_come_in_one_report_in_the_order_of_the_file() {
    let ran = grade_without_engine(&["check", text(&path_of("several-mistakes"))]).exits(2);
    let places = ran.stderr.lines().filter_map(|line| line.trim().strip_prefix("--> "));
    let lines: Vec<u32> = places
        .map(|place| place.split(':').nth(1).and_then(|line| line.parse().ok()).expect("a line"))
        .collect();
    assert!(lines.len() > 8 && lines.is_sorted(), "{lines:?}");
    assert!(ran.stderr.ends_with(&format!(": {} problems\n", lines.len())), "{}", ran.stderr);
}

#[test]
fn one_bad_rubric_among_several_does_not_hide_the_others() {
    let (kind, points) = (path_of("unknown-kind"), path_of("missing-points"));
    let files = ["check", text(&kind), "rubrics/onbuild.toml", text(&points)];
    let ran = grade_without_engine(&files).exits(2);
    assert!(ran.stdout.starts_with("rubrics/onbuild.toml: "), "{}", ran.stdout);
    assert!(ran.stderr.contains("unknown kind `helth` of probe"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`points` is missing"), "{}", ran.stderr);
}

#[test]
fn a_rubric_that_cannot_be_read_is_told_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let latin = folder.path().join("latin.toml");
    std::fs::write(&latin, b"title = \"caf\xe9\"\n").expect("written");
    for path in [latin, folder.path().join("missing.toml"), folder.path().to_owned()] {
        let ran = grade_without_engine(&["check", text(&path)]).exits(2);
        let start = format!("failed to read the rubric {}: ", path.display());
        assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
    }
}

#[test]
fn the_course_s_rubrics_have_no_problems() {
    let ran = grade_without_engine(&["check"]).exits(0);
    for slug in COURSE {
        assert!(ran.stdout.contains(&format!("/rubrics/{slug}.toml: ")), "{}", ran.stdout);
    }
    let clean = ran.stdout.lines().filter(|line| line.contains(": no problems; ")).count();
    assert_eq!((clean, ran.stderr.as_str()), (ran.stdout.lines().count(), ""));
}

fn schema(what: &[&str]) -> Json {
    grade_without_engine(&[&["schema"], what].concat()).exits(0).json()
}

#[test]
fn the_schemas_are_schemas() {
    for what in [&[][..], &["rubric"], &["result"]] {
        let schema = schema(what);
        assert!(schema["$schema"].as_str().is_some_and(|draft| draft.contains("2020-12")));
        if let Err(error) = jsonschema::meta::validate(&schema) {
            panic!("{what:?}: {error}");
        }
    }
}

#[test]
fn the_rubric_s_schema_takes_what_the_course_has_and_refuses_what_a_schema_can() {
    let schema = schema(&[]);
    let validator = jsonschema::draft202012::options().build(&schema).expect("a schema");
    let read = |path: &Path| -> Option<Json> {
        let source = std::fs::read_to_string(root().join(path)).expect("a rubric");
        let table: toml::Table = toml::from_str(&source).ok()?;
        Some(serde_json::to_value(table).expect("JSON"))
    };
    for slug in COURSE {
        let rubric = read(&Path::new("rubrics").join(format!("{slug}.toml"))).expect("TOML");
        let problems: Vec<String> = validator
            .iter_errors(&rubric)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{slug}: {problems:#?}");
    }
    let taken: Vec<String> = mistakes()
        .into_iter()
        .filter(|mistake| read(&path_of(mistake)).is_none_or(|rubric| validator.is_valid(&rubric)))
        .collect();
    assert_eq!(taken, BEYOND_A_SCHEMA);
}
