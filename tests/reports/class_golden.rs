//! What each format makes of a class, and what it keeps to itself.

use grade::judge::{Came, Row};
use grade::report::class::CLASS_FORMATS;
use grade::report::{FORMATS, View};

use crate::class::{class, large, rows, stored, written};
use crate::fixture::HIDDEN;
use crate::golden::golden;
use crate::{schema, xml};

#[test]
fn a_class_for_programs() {
    let text = written("gradebook", &class(), &rows(), &View::default());
    let book = schema::valid(text.as_bytes());
    let told = |key: &str| -> Vec<String> {
        book["entries"].as_array().unwrap().iter().map(|entry| entry[key].to_string()).collect()
    };
    assert_eq!(
        told("status").join(" ").replace('"', ""),
        "provisional graded graded graded graded missing missing unreached"
    );
    assert_eq!(told("counts"), ["null", "19.2", "9.25", "24", "12", "0", "5", "null"]);
    assert_eq!(told("rubric_is_current").join(" "), "true true true true false null null null");
    // The results themselves are in another golden.
    let mut rows = rows();
    rows.retain(|row| !matches!(&row.outcome, Came::Graded { .. }) || row.student.id == "s005");
    golden("class-gradebook.json", &written("gradebook", &class(), &rows, &View::default()));
}

#[test]
fn a_class_for_spreadsheets() {
    golden("class-gradebook.csv", &written("csv", &class(), &rows(), &View::default()));
    golden("class-canvas.csv", &written("canvas", &class(), &rows(), &View::default()));
}

#[test]
fn a_class_for_continuous_integration() {
    let text = written("junit", &class(), &rows(), &View::default());
    let suites = xml::read(&text);
    let ids: Vec<&str> = suites.iter().map(|suite| suite.attributes["id"].as_str()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    let outcome = |place: usize| suites[place].cases[0].outcomes[0].0.as_str();
    assert_eq!([outcome(5), outcome(6), outcome(7)], ["failure", "failure", "error"]);
    golden("class-junit.xml", &xml::indented(&text));
}

#[test]
fn a_class_for_a_browser() {
    golden("class-report.html", &written("html", &class(), &rows(), &View::default()));
}

#[test]
fn a_class_of_nobody_is_a_class() {
    for format in CLASS_FORMATS {
        let text = written(format.name, &class(), &[], &View::default());
        assert!(!text.is_empty(), "{}", format.name);
    }
    schema::valid(written("gradebook", &class(), &[], &View::default()).as_bytes());
    assert_eq!(xml::read(&written("junit", &class(), &[], &View::default())).len(), 0);
}

#[test]
fn hidden_probes_keep_their_details_in_every_format_of_a_class() {
    let mut told = 0;
    for format in CLASS_FORMATS {
        let text = written(format.name, &class(), &rows(), &View::default());
        assert!(!text.contains(HIDDEN), "{}", format.name);
        let view = View { show_hidden: true, ..View::default() };
        told += usize::from(written(format.name, &class(), &rows(), &view).contains(HIDDEN));
    }
    assert_eq!(told, 3, "gradebook, junit and html show them to instructors");
}

#[test]
fn a_students_own_files_keep_hidden_probes_and_other_students_to_themselves() {
    let rows = rows();
    for format in FORMATS.iter().filter(|format| !format.alone) {
        let report = (format.report)(&View::default());
        for row in &rows {
            let Some(bytes) = report.student(&class(), row).unwrap() else {
                assert!(!matches!(row.outcome, Came::Graded { .. }), "{}", format.name);
                continue;
            };
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains(HIDDEN), "{}: {text}", format.name);
            for other in rows.iter().filter(|other| other.student.id != row.student.id) {
                let name = other.student.name.as_deref().unwrap_or("s007");
                assert!(!text.contains(name), "{}: {text}", format.name);
            }
        }
    }
}

#[test]
fn every_file_of_a_class_is_stored_for_readers_of_all_sorts() {
    let (class, rows) = large(100);
    let folder = stored("hundred", &class, &rows);
    let rows = |row: &Row| row.student.id.clone();
    let (_, all) = large(100);
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    for id in all.iter().map(rows) {
        assert!(page.contains(&id), "{id}");
    }
}
