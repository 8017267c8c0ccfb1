//! `grade roster`: who is in a class, or every mistake of its roster, without an engine.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Ran, grade_without_engine, redacted, text};

const ROSTER: &str = "identifier;github_username;github_id;name\r\n\
    s1;adal;17;\"Lovelace, Ada\"\r\ns2;bob;;=cmd|' /C calc'!A0\r\ns3;;;\u{17d}ofie\r\n";

/// A roster and a folder of clones beside it.
fn class() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let clones = folder.path().join("hw-submissions");
    for name in ["hw-adal", "hw-zed"] {
        std::fs::create_dir_all(clones.join(name)).expect("made");
    }
    std::fs::write(folder.path().join("roster.csv"), ROSTER).expect("written");
    folder
}

fn roster(class: &Path, arguments: &[&str]) -> Ran {
    let path = class.join("roster.csv");
    grade_without_engine(&[&["roster", text(&path)], arguments].concat())
}

#[test]
fn who_is_in_a_class_and_who_has_no_submission_is_shown() {
    let class = class();
    let clones = class.path().join("hw-submissions");
    let ran = roster(class.path(), &["--source", text(&clones)]).exits(0);
    assert_eq!(
        redacted(&ran.stdout, &[(class.path(), "[class]")]),
        "s1  Lovelace, Ada       [class]/hw-submissions/hw-adal\n\
         s2  =cmd|' /C calc'!A0  – nothing of theirs is in [class]/hw-submissions\n\
         s3  Žofie               – the roster has no username for them, and nothing is in \
         [class]/hw-submissions\n\
         3 students, 1 submission, 2 without one\n\
         note: `hw-zed` belongs to nobody on the roster\n"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn addresses_and_decisions_are_shown() {
    let class = class();
    let decisions = class.path().join("decisions.toml");
    let text_of = "format = \"grade/decisions/v1\"\n[[decision]]\nid = \"s2\"\ncounts = 9.5\n\
                   due = 2026-10-08T00:00:00Z\nreason = \"ill\"\n";
    std::fs::write(&decisions, text_of).expect("written");
    let arguments = [
        "--source",
        "https://github.com/org/{assignment}-{username}",
        "--assignment",
        "hw",
        "--at",
        "2026-10-01T23:59:00+02:00",
        "--decisions",
        text(&decisions),
    ];
    let ran = roster(class.path(), &arguments).exits(0);
    assert!(ran.stdout.starts_with("hw\n"), "{}", ran.stdout);
    for part in [
        "https://github.com/org/hw-adal at 2026-10-01T21:59:00Z\n",
        "https://github.com/org/hw-bob at 2026-10-08T00:00:00Z · counts 9.50, due \
         2026-10-08T00:00:00Z: ill\n",
        "– the roster has no username for them\n",
    ] {
        assert!(ran.stdout.contains(part), "{part}{}", ran.stdout);
    }
}

#[test]
fn all_mistakes_are_shown_with_their_lines() {
    let class = class();
    let bad = ROSTER.replace("s2;bob", "s1;@bob").replace("github_id", "github-id");
    std::fs::write(class.path().join("roster.csv"), bad).expect("written");
    let ran = roster(class.path(), &["--source", "https://x.y/{usrname}"]).exits(2);
    assert_eq!(ran.stdout, "");
    for part in [
        "error: `s1` is on line 2, too",
        "/roster.csv:3:1",
        "3 | s1;@bob;;=cmd",
        "error: this is no username",
        "help: did you mean `bob`?",
        "roster.csv: 2 problems",
        "source:1:1",
        "https://x.y/{usrname}",
        "help: did you mean `username`?",
        "source: 1 problem",
    ] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
}

#[test]
fn a_roster_that_is_not_there_and_a_time_without_an_offset_are_mistakes_of_the_command() {
    let ran = grade_without_engine(&["roster", "nowhere.csv"]).exits(2);
    assert!(ran.stderr.contains("error: failed to read it: No such file"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--> nowhere.csv"), "{}", ran.stderr);
    let ran = grade_without_engine(&["roster", "x", "--due", "2026-10-01T23:59:00"]).exits(2);
    assert!(ran.stderr.contains("is no time with an offset"), "{}", ran.stderr);
}
