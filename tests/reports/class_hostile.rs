//! Hostile texts in every field of a class, through every format and back.

use std::collections::BTreeSet;
use std::time::Duration;

use grade::judge::{
    Came, Decision, Entry, Gradebook, Late, Points, Row, Standing, Student, Verdict, plain,
};
use grade::report::class::{CLASS_FORMATS, Class};
use grade::report::{FORMATS, View, find};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::class::{class, written};
use crate::hostile::{entry, hostile, is_seen};
use crate::page::{Page, is_reference};
use crate::{feedback, schema, xml};

fn standing() -> impl Strategy<Value = Standing> {
    let points = || (0..200_000_u64).prop_map(Points);
    let late = (any::<u32>(), points())
        .prop_map(|(by, lost)| Late { by: Duration::from_secs(by.into()), lost });
    let due = any::<u32>().prop_map(|seconds| Timestamp::from_second(seconds.into()).unwrap());
    let decision = (of(points()), any::<bool>(), of(due), hostile())
        .prop_map(|(counts, excused, due, reason)| Decision { counts, excused, due, reason });
    (of(late), any::<bool>(), of(decision), of(points()))
        .prop_map(|(late, undated, decision, counts)| Standing { late, undated, decision, counts })
}

fn student() -> impl Strategy<Value = Student> {
    let texts = (of(hostile()), of(hostile()), of(hostile()), of(hostile()), of(hostile()));
    (hostile(), texts, of(hostile())).prop_map(
        |(id, (name, username, github_id, email, section), group)| Student {
            id,
            name,
            username,
            github_id,
            email,
            section,
            group,
        },
    )
}

fn row() -> impl Strategy<Value = Row> {
    let outcome = prop_oneof![
        4 => (entry(), standing())
            .prop_map(|(entry, standing)| Came::Graded { entry: Box::new(entry), standing }),
        1 => (hostile(), standing())
            .prop_map(|(because, standing)| Came::Missing { because, standing }),
        1 => (hostile(), standing())
            .prop_map(|(because, standing)| Came::Unreached { because, standing }),
    ];
    (student(), outcome).prop_map(|(student, outcome)| Row { student, outcome })
}

/// A class whose columns are those of its first grade, so that marks are found.
fn of_rows(title: Option<String>, exercise: String, rows: &[Row]) -> Class {
    let columns = entries(rows).next().map_or_else(Vec::new, |entry| {
        let marks = entry.grade.marks.iter();
        marks
            .map(|mark| grade::report::class::Column {
                id: mark.id.clone(),
                title: mark.title.clone(),
                points: mark.points,
                hidden: mark.hidden,
            })
            .collect()
    });
    Class { title, exercise, probes: columns, ..class() }
}

fn entries(rows: &[Row]) -> impl Iterator<Item = &Entry> {
    rows.iter().filter_map(|row| match &row.outcome {
        Came::Graded { entry, .. } => Some(&**entry),
        _ => None,
    })
}

/// No cell computes, however a spreadsheet splits the line.
fn check_sheet(text: &str, rows: usize) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows, "{text}");
    let mut semicolons = csv::ReaderBuilder::new();
    semicolons.delimiter(b';').has_headers(false).flexible(true);
    let split = semicolons.from_reader(text.as_bytes()).into_records().collect::<Vec<_>>();
    let split: Vec<csv::StringRecord> = split.into_iter().map(Result::unwrap).collect();
    for cell in records.iter().flatten() {
        assert!(!cell.contains(['\t', '\r', '\n']), "{cell:?} in {text}");
    }
    for cell in records.iter().chain(&split).flatten() {
        let first = cell.trim_start().chars().next();
        assert!(!first.is_some_and(|c| "=+-@＝＋－＠".contains(c)), "{cell:?} in {text}");
    }
}

/// Canvas takes any row for the points' whose first cell has the words.
fn check_canvas(text: &str) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let firsts = reader.records().map(|record| record.unwrap()[0].contains("Points Possible"));
    assert_eq!(firsts.filter(|holds| *holds).count(), 1, "{text}");
}

fn check_html(text: &str, rows: &[Row], columns: usize, show_hidden: bool) {
    let page = Page::read(text);
    page.is_closed();
    assert_eq!(page.count("details.student"), rows.len());
    assert_eq!(page.count("#grid tbody tr"), rows.len());
    assert_eq!(page.count("#grid tbody td"), rows.len() * (columns + 3));
    let marks = || {
        entries(rows).flat_map(|entry| {
            let marks = &entry.grade.marks;
            marks.iter().filter(|mark| !feedback::waits(mark, marks))
        })
    };
    assert_eq!(page.count("section.mark"), marks().count());
    let logs = marks().filter(|mark| show_hidden || !mark.hidden);
    let logs = logs.filter_map(|mark| mark.feedback.log.as_deref()).map(plain);
    let logs: Vec<String> = logs.filter(|log| !log.trim().is_empty()).collect();
    assert_eq!(page.texts("pre"), logs);
}

/// Readers of JSON that are not ours.
fn check_systems(entry: &Entry, show_hidden: bool) {
    let book = Gradebook { entries: vec![entry.clone()] };
    let view = View { show_hidden, ..View::default() };
    for format in FORMATS.iter().filter(|format| format.on_request && !format.alone) {
        let bytes = (format.report)(&view).render(&book).unwrap();
        assert!(bytes.len() <= 1_000_000 || format.name != "prairielearn");
        let _: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        is_seen(std::str::from_utf8(&bytes).unwrap());
        if format.name == "autolab" {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!((lines, bytes.last()), (1, Some(&b'\n')));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_report_of_a_class(
        rows in vec(row(), 0..5), title in of(hostile()), exercise in hostile(), show_hidden in any::<bool>(),
    ) {
        let class = of_rows(title, exercise, &rows);
        let view = View { show_hidden, ..View::default() };
        let written = |format: &str| written(format, &class, &rows, &view);
        for format in CLASS_FORMATS {
            is_seen(&written(format.name));
        }
        check_sheet(&written("csv"), rows.len() + 1);
        let canvas = written("canvas");
        check_sheet(&canvas, rows.len() + 2);
        check_canvas(&canvas);
        assert_eq!(xml::read(&written("junit")).len(), rows.len());
        let book = schema::valid(written("gradebook").as_bytes());
        assert_eq!(book["entries"].as_array().unwrap().len(), rows.len());
        check_html(&written("html"), &rows, class.probes.len(), show_hidden);
        for row in &rows {
            let report = (find("feedback").unwrap().report)(&view);
            let page = String::from_utf8(report.student(&class, row).unwrap().unwrap()).unwrap();
            is_seen(&page);
            match &row.outcome {
                Came::Graded { entry, .. } => feedback::check(&page, &entry.grade.marks, show_hidden),
                _ => assert_eq!(feedback::read(&page).headings, 1),
            }
        }
        for entry in entries(&rows) {
            check_systems(entry, show_hidden);
        }
    }
}

#[test]
fn every_format_is_fed() {
    let fed: BTreeSet<&str> = ["canvas", "csv", "gradebook", "html", "junit"].into();
    let all: BTreeSet<&str> = CLASS_FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(fed, all);
}

#[test]
fn a_reference_is_told_from_words() {
    assert!(is_reference("https://example.org") && is_reference("//example.org"));
    assert!(!is_reference("#student-1"));
    assert!(Verdict::Met == Verdict::Met);
}
