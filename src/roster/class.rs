//! The project's own TOML: what holds for the whole class, and its students, or the table that has
//! them.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::document::{self, Fields, Item, Node, Review};
use crate::judge::LatePolicy;
use crate::unit;

use super::line::{Field, Line, Record, Told};
use super::{FORMAT, MOST};

/// The keys of a student, and the columns of the project's own table.
pub(super) const STUDENT: [(&str, Field); 8] = [
    ("id", Field::Id),
    ("name", Field::Name),
    ("username", Field::Username),
    ("github_id", Field::GithubId),
    ("email", Field::Email),
    ("section", Field::Section),
    ("group", Field::Group),
    ("source", Field::Source),
];

/// What a class's file says.
#[derive(Debug, Default)]
pub(super) struct Class {
    pub title: Option<String>,
    pub assignment: Option<Told>,
    /// Where submissions are: a pattern or a folder.
    pub source: Option<Told>,
    pub due: Option<Timestamp>,
    pub late: Option<LatePolicy>,
    /// The table that has the students.
    pub table: Option<PathBuf>,
    pub lines: Vec<Line>,
}

/// Reads a class's file.
pub(super) fn read(text: &str, review: &mut Review) -> Class {
    let root = document::read(text, review);
    // What else seems wrong in a file that is no TOML mostly follows from that.
    if !review.is_clean() {
        return Class::default();
    }
    let mut fields = Fields::of(&root, review);
    format(&mut fields, FORMAT, review);
    let table = fields.get("students");
    let students = fields.get("student");
    let class = Class {
        title: fields.get("title").and_then(|node| node.text(review)),
        assignment: fields.get("assignment").and_then(|node| told(node, review)),
        source: fields.get("source").and_then(|node| told(node, review)),
        due: fields.get("due").and_then(|node| time(node, review)),
        late: fields.get("late").and_then(|node| late(node, review)),
        table: table.and_then(|node| node.text(review)).map(PathBuf::from),
        lines: students.map(|node| lines(node, review)).unwrap_or_default(),
    };
    match (table, students) {
        (Some(_), Some(node)) => {
            review.note(&node.span, "the students are in `students` or here, not in both");
        }
        (None, None) => {
            let help = "write each under [[student]], or students = \"roster.csv\"";
            review.advise(&(0..0), "this roster has no students", help);
        }
        _ => {}
    }
    fields.finish(review);
    class
}

/// Notes a file that says it is something else.
pub(super) fn format(fields: &mut Fields<'_>, format: &str, review: &mut Review) {
    if let Some(node) = fields.require("format", review)
        && node.text(review).is_some_and(|text| text != format)
    {
        let message = "this version reads no such format";
        review.advise(&node.span, message, format!("write \"{format}\""));
    }
}

/// A text and where it stands.
pub(super) fn told(node: &Node, review: &mut Review) -> Option<Told> {
    Some(Told { text: node.text(review)?, span: node.span.clone() })
}

/// A time with an offset, as TOML writes it or as a text.
pub(super) fn time(node: &Node, review: &mut Review) -> Option<Timestamp> {
    let (Item::Time(text) | Item::Text(text)) = &node.item else {
        let help = "write one such as 2026-10-01T23:59:00+02:00";
        review.advise(&node.span, format!("expected a time, found {}", node.what()), help);
        return None;
    };
    unit::parse_time(text).map_err(|message| review.note(&node.span, message)).ok()
}

fn late(node: &Node, review: &mut Review) -> Option<LatePolicy> {
    let mut fields = Fields::of(node, review);
    let grace = fields.get("grace").and_then(|node| {
        let text = node.text(review)?;
        unit::parse_duration(&text).map_err(|message| review.note(&node.span, message)).ok()
    });
    let per_day = fields.require("per_day", review).and_then(|node| percent(node, review));
    let cap = fields.get("cap").and_then(|node| percent(node, review));
    fields.finish(review);
    let grace = grace.unwrap_or(Duration::ZERO);
    Some(LatePolicy { grace, per_day: per_day?, cap: cap.unwrap_or(100) })
}

fn percent(node: &Node, review: &mut Review) -> Option<u32> {
    match u32::try_from(node.int(review)?) {
        Ok(percent @ 0..=100) => Some(percent),
        _ => {
            review.note(&node.span, "this is a percentage, from 0 to 100");
            None
        }
    }
}

fn lines(node: &Node, review: &mut Review) -> Vec<Line> {
    let Item::List(nodes) = &node.item else {
        review.advise(&node.span, "expected a list of students", "write each under [[student]]");
        return Vec::new();
    };
    if nodes.len() > MOST {
        review.note(&node.span, format!("a roster has {MOST} students at most"));
        return Vec::new();
    }
    nodes.iter().filter_map(|node| line(node, review)).collect()
}

fn line(node: &Node, review: &mut Review) -> Option<Line> {
    let mut fields = Fields::of(node, review);
    let mut record = Record::new(node.span.clone());
    let mut is_text = true;
    for (key, field) in STUDENT {
        let Some(node) = fields.get(key) else { continue };
        match node.text(review) {
            Some(text) => record.put(field, &text, node.span.clone(), review),
            None => is_text = false,
        }
    }
    fields.finish(review);
    if is_text { record.line(review) } else { None }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn class(text: &str) -> (Class, String) {
        let mut review = Review::default();
        let class = read(text, &mut review);
        let problems = review.finish(Path::new("class.toml"), text).err();
        (class, problems.map(|all| all.to_string()).unwrap_or_default())
    }

    #[test]
    fn a_class_is_read() {
        let (class, problems) = class(
            r#"
            format     = "grade/roster/v1"
            title      = "Docker, autumn 2026"
            assignment = "healthcheck"
            source     = "https://github.com/org/{assignment}-{username}"
            due        = 2026-10-01T23:59:00+02:00
            late       = { grace = "15min", per_day = 10, cap = 50 }

            [[student]]
            id       = "s1"
            name     = "Ada Lovelace"
            username = "ada"
            "#,
        );
        assert_eq!(problems, "");
        assert_eq!(class.title.as_deref(), Some("Docker, autumn 2026"));
        assert_eq!(class.due.map(|due| due.to_string()).as_deref(), Some("2026-10-01T21:59:00Z"));
        let late = LatePolicy { grace: Duration::from_secs(900), per_day: 10, cap: 50 };
        assert_eq!(class.late, Some(late));
        assert_eq!(class.lines[0].student.username.as_deref(), Some("ada"));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let (_, problems) = class(
            "format = \"grade/roster/v2\"\ndue = 2026-10-01T23:59:00\nlate = { per_day = 110, \
             capp = 5 }\ntitel = \"x\"\n[[student]]\nid = 7\n[[student]]\nnam = \"x\"\n",
        );
        for line in [
            "class.toml:1:10: this version reads no such format (write \"grade/roster/v1\")",
            "class.toml:2:7: `2026-10-01T23:59:00` is no time with an offset",
            "class.toml:3:20: this is a percentage, from 0 to 100",
            "class.toml:3:25: unknown key `capp` (did you mean `cap`?)",
            "class.toml:4:1: unknown key `titel` (did you mean `title`?)",
            "class.toml:6:6: expected a text, found a number",
            "class.toml:8:1: unknown key `nam` (did you mean `name`?)",
            "class.toml:7:1: the id of this student is empty",
        ] {
            assert!(problems.contains(line), "{line}\n{problems}");
        }
        assert_eq!(problems.lines().count(), 8, "{problems}");
    }

    #[test]
    fn the_students_are_in_one_place() {
        let head = "format = \"grade/roster/v1\"\n";
        let both = format!("{head}students = \"x.csv\"\n[[student]]\nid = \"a\"\n");
        assert!(class(&both).1.contains("not in both"));
        assert!(class(head).1.contains("no students"));
        let (table, problems) = class(&format!("{head}students = \"x.csv\"\n"));
        assert_eq!((table.table, problems), (Some("x.csv".into()), String::new()));
        let late = "late = { per_day = 5 }\nstudents = \"x\"\n";
        let free = LatePolicy { grace: Duration::ZERO, per_day: 5, cap: 100 };
        assert_eq!(class(&format!("{head}{late}")).0.late, Some(free));
    }
}
