//! Which exercise a folder is graded as, and what is refused before an engine is touched.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Ran, grade_without_engine, redacted, text};

/// Exit code of a submission that was accepted, where there is no engine to grade it on.
const UNJUDGED: i32 = 3;

/// A folder with a Dockerfile, called `name`, and the folder that it lies in.
fn folder(name: &str) -> (TempDir, std::path::PathBuf) {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("Dockerfile"), "FROM busybox\n").expect("written");
    (above, folder)
}

fn note(folder: &Path, note: &str) {
    std::fs::write(folder.join(".grade.toml"), note).expect("written");
}

/// The exercise that a folder is graded as.
fn assignment(folder: &Path, more: &[&str]) -> String {
    let arguments = [&[text(folder), "--json", "-"], more].concat();
    let result = grade_without_engine(&arguments).exits(UNJUDGED).json();
    result["assignment"].as_str().expect("a name").to_owned()
}

fn refused(folder: &Path, more: &[&str]) -> Ran {
    let ran = grade_without_engine(&[&[text(folder)], more].concat()).exits(2);
    assert_eq!(ran.stdout, "");
    ran
}

#[test]
fn a_folder_is_graded_as_its_name_says() {
    for (name, slug) in [
        ("onbuild", "onbuild"),
        ("onbuild-ada", "onbuild"),
        ("docker-oci-labels-ada-lovelace", "oci-labels"),
        ("healthcheck/ada", "healthcheck"),
    ] {
        let (_above, folder) = folder(name);
        assert_eq!(assignment(&folder, &[]), slug, "{name}");
    }
}

#[test]
fn its_note_comes_before_its_name_and_the_flag_before_both() {
    let (_above, folder) = folder("onbuild");
    note(&folder, "assignment = \"oci-labels\"\n");
    assert_eq!(assignment(&folder, &[]), "oci-labels");
    assert_eq!(assignment(&folder, &["--assignment", "healthcheck"]), "healthcheck");
}

#[test]
fn an_unknown_assignment_gets_the_list_and_a_suggestion() {
    let (_above, folder) = folder("work");
    let said = refused(&folder, &["--assignment", "onbiuld"]).stderr;
    assert!(said.contains("there is no assignment `onbiuld` (from --assignment)"), "{said}");
    assert!(said.contains("did you mean `onbuild`?"), "{said}");
    assert!(said.contains("oci-labels, onbuild, "), "{said}");
    note(&folder, "assignment = \"oci-label\"\n");
    let said = refused(&folder, &[]).stderr;
    assert!(said.contains("did you mean `oci-labels`?") && said.contains(".grade.toml"), "{said}");
}

#[test]
fn a_folder_that_says_nothing_is_asked_about() {
    let (above, folder) = folder("work");
    let said = redacted(&refused(&folder, &[]).stderr, &[(above.path(), "[above]")]);
    assert!(said.contains("cannot tell which assignment [above]/work is"), "{said}");
    assert!(said.contains("--assignment SLUG") && said.contains("onbuild"), "{said}");
}

#[test]
fn a_note_with_mistakes_is_told_with_their_places() {
    let (_above, folder) = folder("onbuild");
    for (text, said) in [
        ("assignement = \"onbuild\"\n", ".grade.toml:1:1: unknown key `assignement`"),
        ("assignment = 3\n", ".grade.toml:1:14: expected a text, found a number"),
        ("assignment = \"onbuild\n", ".grade.toml:1:"),
    ] {
        note(&folder, text);
        let told = refused(&folder, &[]).stderr;
        assert!(told.contains(said), "{told}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let (_above, folder) = folder("onbuild");
    let points = "above the";
    for (arguments, said) in [
        (&["--assignment", "onbuild", "--rubric", "x.toml"][..], "cannot be used with"),
        (&["--min-score", "1000"], points),
        (&["--min-score=-1"], "invalid value"),
        (&["--min-score", "many"], "invalid value"),
        (&["--json", "/nowhere/result.json"], "there is no folder /nowhere"),
        (&["--junit", "/nowhere/result.xml"], "there is no folder /nowhere"),
        (&["--rubric", "/nowhere/onbuild.toml"], "failed to read the rubric"),
        (&["--rubric", "tests/rubrics/bad-unknown-kind.toml"], "did you mean `health`?"),
        (&["--course", "/nowhere"], "--course DIR"),
        (&["--jsn", "x"], "--json"),
        (&["--engine", "moon"], "possible values"),
        (&["check"], "cannot be used"),
    ] {
        let told = refused(&folder, arguments).stderr;
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}

#[test]
fn two_reports_cannot_share_standard_output() {
    let (_above, folder) = folder("onbuild");
    for arguments in [["--json", "-", "--junit", "-"], ["--json", "-", "--report", "feedback=-"]] {
        let told = refused(&folder, &arguments).stderr;
        assert!(told.contains("standard output"), "{told}");
    }
}

#[test]
fn a_report_is_asked_for_by_its_name_and_file() {
    let (_above, folder) = folder("onbuild");
    for (asked, said) in [
        ("gradescop=x.json", "did you mean `gradescope`?"),
        ("feedback", "NAME=FILE"),
        ("feedback=", "there is no file after `feedback=`"),
        ("autolab=no/such/folder/x", "there is no folder no/such/folder to write to"),
    ] {
        let told = refused(&folder, &["--report", asked]).stderr;
        assert!(told.contains(said), "{asked}: {told}");
    }
}

#[test]
fn a_submission_that_is_neither_folder_nor_archive_is_refused() {
    let (_above, folder) = folder("onbuild");
    let said = refused(&folder.join("missing"), &[]).stderr;
    assert!(said.starts_with("failed to read the submission "), "{said}");
    let said = refused(&folder.join("Dockerfile"), &[]).stderr;
    assert!(said.contains("zip, tar and tar.gz are unpacked"), "{said}");
}
