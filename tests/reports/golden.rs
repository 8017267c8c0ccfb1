//! What each format makes of the fixture, and what it keeps to itself.

use grade::judge::{Gradebook, Verdict};
use grade::report::{FORMATS, Report, View, find, text::Text};

use crate::fixture::{HIDDEN, ben, class, entry, mark, missed, one, says, skipped};
use crate::xml;

fn rendered(format: &str, gradebook: &Gradebook, view: &View) -> String {
    let report = (find(format).unwrap().report)(view);
    String::from_utf8(report.render(gradebook).unwrap()).unwrap()
}

pub(crate) fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_student_reads_what_to_mend() {
    golden("report.txt", &rendered("text", &one(), &View::default()));
}

#[test]
fn a_narrow_terminal_gets_narrow_lines() {
    golden("report-narrow.txt", &rendered("text", &one(), &View { width: 44, ..View::default() }));
}

#[test]
fn a_teacher_reads_hidden_probes_and_the_class() {
    let view = View { show_hidden: true, ..View::default() };
    golden("report-class.txt", &rendered("text", &class(), &view));
}

#[test]
fn colour_says_nothing_that_the_words_do_not() {
    let plain = rendered("text", &one(), &View::default());
    let coloured = rendered("text", &one(), &View { color: true, ..View::default() });
    assert!(coloured.contains("\u{1b}[32m✔"), "{coloured:?}");
    assert!(coloured.contains("\u{1b}[31m✘"), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn the_last_line_says_how_to_go_on() {
    let last = |verdicts: Vec<Verdict>| {
        let marks = verdicts.into_iter().map(|verdict| mark("a", "A", 2, verdict, says("x")));
        let gradebook = Gradebook { entries: vec![entry("anna", marks.collect())] };
        rendered("text", &gradebook, &View::default()).lines().last().unwrap().to_owned()
    };
    let unjudged = || Verdict::Unjudged("x".into());
    let again = "Next: have it graded again; so far there is nothing for you to mend.";
    assert_eq!(last(vec![Verdict::Met, unjudged(), skipped(None)]), again);
    let mend = "Next: mend “A”, then have it graded again.";
    assert_eq!(last(vec![unjudged(), skipped(None), missed()]), mend);
    let see = "Next: see why “A” could not be asked.";
    assert_eq!(last(vec![Verdict::Met, skipped(None)]), see);
    assert_eq!(last(vec![Verdict::Met]), "Nothing is left to mend.");
}

#[test]
fn a_program_reads_one_result() {
    golden("result.json", &rendered("json", &one(), &View::default()));
}

#[test]
fn a_program_reads_the_results_of_a_class() {
    let gradebook = Gradebook { entries: vec![ben(), ben()] };
    golden("gradebook.json", &rendered("json", &gradebook, &View::default()));
}

#[test]
fn continuous_integration_reads_cases() {
    golden("junit.xml", &xml::indented(&rendered("junit", &one(), &View::default())));
}

#[test]
fn continuous_integration_reads_a_suite_for_each_submission() {
    let suites = xml::read(&rendered("junit", &class(), &View::default()));
    let names: Vec<&str> = suites.iter().map(|suite| suite.name()).collect();
    assert_eq!(names, ["healthcheck: healthcheck-anna", "healthcheck: healthcheck-ben"]);
}

#[test]
fn a_suite_takes_as_long_as_its_observations() {
    let suites = xml::read(&rendered("junit", &one(), &View::default()));
    let times: Vec<&str> = suites[0].cases.iter().map(|case| case.attribute("time")).collect();
    assert_eq!(times[..3], ["4.12", "0", "20.31"]);
    assert_eq!(suites[0].attributes["time"], "84.43");
}

#[test]
fn a_start_that_is_no_time_is_named() {
    let mut gradebook = one();
    gradebook.entries[0].started_at = "yesterday".into();
    let error = (find("junit").unwrap().report)(&View::default()).render(&gradebook).unwrap_err();
    assert!(error.to_string().starts_with("failed to write the junit report: "), "{error}");
    assert!(error.to_string().contains("yesterday"), "{error}");
}

#[test]
fn hidden_probes_keep_their_details_in_every_format() {
    for format in FORMATS.iter().filter(|format| !format.alone) {
        let name = format.name;
        let student = rendered(name, &one(), &View::default());
        assert!(!student.contains(HIDDEN), "{student}");
        if name == "autolab" {
            // One number, and not a word of any probe.
            continue;
        }
        assert!(student.contains("The image stays small"), "{student}");
        let teacher = rendered(name, &one(), &View { show_hidden: true, ..View::default() });
        assert!(teacher.contains(HIDDEN), "{teacher}");
    }
}

#[test]
fn words_of_a_submission_are_never_cut() {
    let long = "sha256:0123456789abcdef/with--two-hyphens/and/a/long/tail";
    let mut gradebook = one();
    gradebook.entries[0].grade.marks[2].feedback.log = Some(format!("    error in {long} here"));
    let text = Text { width: 40, ..Text::default() }.render(&gradebook).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("│     error in\n") && text.contains(long), "{text}");
}

#[test]
fn wide_scripts_keep_to_the_width() {
    let mut gradebook = one();
    gradebook.entries[0].grade.marks.truncate(1);
    gradebook.entries[0].grade.marks[0].title = "容器正常运行".repeat(12);
    gradebook.entries[0].submission.source = "x".into();
    let text = Text { width: 50, ..Text::default() }.render(&gradebook).unwrap();
    for line in String::from_utf8(text).unwrap().lines() {
        let width = textwrap::core::display_width(line);
        assert!(width <= 50, "{width}: {line}");
    }
}
