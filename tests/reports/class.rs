//! Classes to write reports of: a small one with a student of every sort, and one of any size.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grade::judge::{
    Came, Decision, Entry, Feedback, Late, LatePolicy, Mark, Points, Row, Standing, Student,
    Verdict,
};
use grade::report::View;
use grade::report::class::{CLASS_FORMATS, Class, Column, find};

use crate::fixture::{anna, entry, missed, says, skipped};

/// What a format makes of a class.
pub(crate) fn written(format: &str, class: &Class, rows: &[Row], view: &View) -> String {
    let bytes = Shared::default();
    let format = find(format).unwrap();
    let mut report = (format.open)(class, view, Box::new(bytes.clone())).unwrap();
    for row in rows {
        report.row(row).unwrap();
    }
    report.finish().unwrap();
    String::from_utf8(bytes.0.lock().unwrap().clone()).unwrap()
}

/// Writes every format of a class into a folder below the build's, for readers of all sorts.
pub(crate) fn stored(name: &str, class: &Class, rows: &[Row]) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for format in CLASS_FORMATS {
        let text = written(format.name, class, rows, &View::default());
        std::fs::write(folder.join(format.file), text).unwrap();
    }
    folder
}

/// Bytes that are still at hand when their writer has been given away.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The class of the fixture's exercise.
pub(crate) fn class() -> Class {
    let columns = anna().grade.marks.into_iter().map(|mark| Column {
        id: mark.id,
        title: mark.title,
        points: mark.points,
        hidden: mark.hidden,
    });
    Class {
        title: Some("Containers, spring 2026".into()),
        course: "docker".into(),
        slug: "healthcheck".into(),
        exercise: "Tell a working container from a running one".into(),
        probes: columns.collect(),
        rubric_digest: "5e".repeat(32),
        due: Some("2026-03-01T09:00:00Z".parse().unwrap()),
        late: Some(LatePolicy { grace: Duration::from_secs(3600), per_day: 10, cap: 50 }),
        generated_at: "2026-03-02T06:30:00Z".parse().unwrap(),
    }
}

pub(crate) fn student(id: &str, name: &str) -> Student {
    Student { id: id.into(), name: Some(name.into()), ..Student::default() }
}

pub(crate) fn graded(student: Student, entry: Entry, standing: Standing) -> Row {
    Row { student, outcome: Came::Graded { entry: Box::new(entry), standing } }
}

/// A mark that is met, with nothing to say.
fn met(mark: Mark) -> Mark {
    Mark { verdict: Verdict::Met, feedback: says(""), ..mark }
}

/// Everything met.
pub(crate) fn full(source: &str) -> Entry {
    entry(source, anna().grade.marks.into_iter().map(met).collect())
}

fn decision(counts: Option<Points>, excused: bool, reason: &str) -> Option<Decision> {
    let due = excused.then(|| "2026-03-08T09:00:00Z".parse().unwrap());
    Some(Decision { counts, excused, due, reason: reason.into() })
}

/// Provisional; late and full marks; decided; a name that is a formula; of an older rubric; nothing
/// handed in; nothing handed in and yet points; not reached.
pub(crate) fn rows() -> Vec<Row> {
    let counts = |points| Standing { counts: Some(Points(points)), ..Standing::default() };
    let late = Late { by: Duration::from_secs(93_900), lost: Points(480) };
    let mut older = full("https://example.org/eli.git");
    older.grade.rubric_digest = "0d".repeat(32);
    older.grade.marks.truncate(2);
    let ben = Student {
        username: Some("ben-g".into()),
        github_id: Some("1234567".into()),
        email: Some("ben@example.org".into()),
        section: Some("Mo 10".into()),
        group: Some("red".into()),
        ..student("s002", "Ben Grün")
    };
    vec![
        graded(student("s001", "Anna Żak"), anna(), Standing::default()),
        graded(ben, full("ben"), Standing { late: Some(late), ..counts(1920) }),
        graded(
            student("s003", "Cem"),
            full("cem"),
            Standing {
                decision: decision(Some(Points(925)), false, "Oral exam; see the minutes"),
                ..counts(925)
            },
        ),
        graded(
            student("s004", "=HYPERLINK(\"http://example.org\";\"me\")"),
            full("dan"),
            Standing {
                late: Some(Late { lost: Points(0), ..late }),
                decision: decision(None, true, "-ill"),
                ..counts(2400)
            },
        ),
        graded(student("s005", "Eli"), older, Standing { undated: true, ..counts(1200) }),
        Row {
            student: student("s006", "Fay"),
            outcome: Came::Missing {
                because: "There is no repository.".into(),
                standing: counts(0),
            },
        },
        Row {
            student: Student { id: "s007".into(), ..Student::default() },
            outcome: Came::Missing {
                because: "The repository is empty.".into(),
                standing: Standing {
                    decision: decision(Some(Points(500)), false, "Shown in class"),
                    ..counts(500)
                },
            },
        },
        Row {
            student: student("s008", "Hal"),
            outcome: Came::Unreached {
                because: "The host did not answer.".into(),
                standing: Standing::default(),
            },
        },
    ]
}

const GIVEN: [&str; 12] = [
    "Ada", "Björn", "Chiara", "Đorđe", "Elif", "Fatima", "Grace", "Hiro", "Ivana", "José", "Kofi",
    "Łucja",
];
const FAMILY: [&str; 10] = [
    "Adeyemi",
    "Brandt",
    "Castillo",
    "Dvořák",
    "Eriksen",
    "Fontaine",
    "García-Ibáñez",
    "Hughes",
    "Ito",
    "Jovanović",
];
/// How many in a hundred miss each probe, the hidden one among them.
const MISSED: [u64; 10] = [6, 3, 35, 22, 41, 9, 28, 12, 0, 18];

/// A class of this size as there are many: most do well, some stumble early.
pub(crate) fn large(size: usize) -> (Class, Vec<Row>) {
    let rows = (0..size).map(|number| {
        let seed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let name = format!("{} {}", GIVEN[number % 12], FAMILY[number / 12 % 10]);
        let student = Student {
            username: Some(format!("gh-{number}")),
            email: Some(format!("s{number:04}@example.org")),
            section: Some(["Mo 10", "Tu 14"][number % 2].into()),
            ..student(&format!("s{number:04}"), &name)
        };
        let standing = |points| Standing { counts: Some(points), ..Standing::default() };
        match number % 50 {
            17 => Row {
                student,
                outcome: Came::Missing {
                    because: "There is no repository.".into(),
                    standing: standing(Points(0)),
                },
            },
            33 => Row {
                student,
                outcome: Came::Unreached {
                    because: "The host did not answer within 60 s.".into(),
                    standing: Standing::default(),
                },
            },
            41 => graded(student, anna(), Standing::default()),
            _ => {
                let entry = some(&format!("class/healthcheck-s{number:04}"), seed);
                let earned = Points::whole(entry.grade.score().earned);
                let late = (number % 9 == 4).then(|| Late {
                    by: Duration::from_secs(5_000 + seed % 200_000),
                    lost: Points(earned.0 / 10),
                });
                let lost = late.map_or(0, |late| late.lost.0);
                graded(student, entry, Standing { late, ..standing(Points(earned.0 - lost)) })
            }
        }
    });
    (class(), rows.collect())
}

/// A submission that misses what its seed says.
fn some(source: &str, seed: u64) -> Entry {
    let mut failed: Option<String> = None;
    let marks = anna().grade.marks.into_iter().zip(MISSED).enumerate();
    let marks = marks.map(|(place, (mark, share))| {
        let blocked = failed
            .as_deref()
            .filter(|_| (3..6).contains(&place) || failed.as_deref() == Some("builds"));
        if let Some(by) = blocked {
            let feedback = says("Not asked yet.");
            return Mark { verdict: skipped(Some(by)), feedback, ..mark };
        }
        if seed.rotate_left(place as u32 * 7) % 100 >= share {
            return met(mark);
        }
        if [0, 2].contains(&place) {
            failed.get_or_insert_with(|| mark.id.clone());
        }
        let feedback = Feedback {
            message: format!("“{}” does not hold here.", mark.title),
            expected: Some("holds: true".into()),
            found: Some("holds: false".into()),
            hint: Some("Run it yourself with `docker run` and read what it says.".into()),
            lesson: Some("HEALTHCHECK".into()),
            log: Some((0..12).map(|n| format!("{n:>2} 127.0.0.1 - GET /health 500\n")).collect()),
            ..Feedback::default()
        };
        let feedback = if mark.hidden { mark.feedback } else { feedback };
        Mark { verdict: missed(), feedback, ..mark }
    });
    let marks = marks.collect();
    entry(source, marks)
}
