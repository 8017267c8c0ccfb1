//! What the command says of itself: help, version, kinds, completions, wrong arguments.

use std::process::Stdio;

use grade::expect::MATCHERS;
use grade::probe::KINDS;

use crate::support::{command, grade_without_engine};

#[test]
fn help_tells_the_subcommands_the_flags_and_the_exit_codes() {
    let help = grade_without_engine(&["--help"]).exits(0).stdout;
    // Its lines end where the terminal does.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in [
        "check",
        "explain",
        "doctor",
        "clean",
        "schema",
        "completions",
        "--assignment",
        "--rubric",
        "--json",
        "--junit",
        "--out",
        "--strict",
        "--min-score",
        "--host",
        "--course",
        "--color",
        "Exit codes:",
        "3 something stayed unjudged",
        "70 a bug",
    ] {
        assert!(help.contains(word), "{word} is not in the help: {help}");
    }
    for subcommand in ["check", "explain", "doctor", "clean", "schema", "completions"] {
        let help = grade_without_engine(&[subcommand, "--help"]).exits(0).stdout;
        assert!(help.contains(&format!("Usage: grade {subcommand}")), "{help}");
    }
}

#[test]
fn the_version_is_the_package_s() {
    let version = grade_without_engine(&["--version"]).exits(0).stdout;
    assert_eq!(version, format!("grade {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_at_all_is_a_usage_mistake() {
    let ran = grade_without_engine(&[]).exits(2);
    assert!(ran.stderr.contains("<SUBMISSION>") && ran.stdout.is_empty(), "{}", ran.stderr);
}

#[test]
fn every_kind_is_listed_and_explained_with_all_its_parameters_and_facts() {
    let list = grade_without_engine(&["explain"]).exits(0).stdout;
    for kind in KINDS {
        let line = list.lines().find(|line| line.starts_with(&format!("{} ", kind.name)));
        assert!(line.is_some(), "{} is not listed: {list}", kind.name);
        let page = grade_without_engine(&["explain", kind.name]).exits(0).stdout;
        let told = |name: &str| {
            page.lines().any(|line| {
                line.strip_prefix("  ")
                    .is_some_and(|line| line.split_whitespace().next() == Some(name))
            })
        };
        assert!(page.starts_with(kind.name), "{page}");
        assert!(!kind.facts.is_empty(), "{} has facts", kind.name);
        for name in kind.params.iter().map(|param| param.name) {
            assert!(told(name), "the parameter {name} is not explained: {page}");
        }
        for name in kind.facts.iter().map(|fact| fact.name) {
            assert!(told(name), "the fact {name} is not explained: {page}");
        }
    }
    for matcher in MATCHERS {
        assert!(list.contains(matcher), "{matcher} is not listed: {list}");
    }
}

#[test]
fn a_misspelt_kind_gets_a_suggestion() {
    let ran = grade_without_engine(&["explain", "helth"]).exits(2);
    assert!(ran.stderr.contains("did you mean `health`?"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn completions_are_scripts_that_know_the_subcommands() {
    for (shell, sign) in
        [("bash", "complete -F _grade"), ("zsh", "#compdef grade"), ("fish", "complete -c grade")]
    {
        let script = grade_without_engine(&["completions", shell]).exits(0).stdout;
        assert!(script.contains(sign), "{script}");
        assert!(script.contains("doctor") && script.contains("min-score"), "{script}");
    }
    let ran = grade_without_engine(&["completions", "tcsh"]).exits(2);
    assert!(ran.stderr.contains("possible values"), "{}", ran.stderr);
}

#[test]
fn bash_can_read_its_completions() {
    let script = grade_without_engine(&["completions", "bash"]).exits(0).stdout;
    let checked = std::process::Command::new("bash").args(["-n", "-c", &script]).output();
    let checked = checked.expect("bash");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.as_mut().expect("it starts");
    drop(child.stdout.take());
    let status = child.wait().expect("it ends");
    let mut said = String::new();
    let errors = child.stderr.as_mut().expect("its errors");
    std::io::Read::read_to_string(errors, &mut said).expect("UTF-8");
    assert!(!said.contains("panicked"), "{status}: {said}");
}
