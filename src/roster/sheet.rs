//! Rosters as tables: GitHub Classroom's two exports, Classroom 50's, and the project's own CSV.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Review, Span, nearest};

use super::class::STUDENT;
use super::line::{Field, Line, Record};
use super::table::{Cell, Table};
use super::{Format, MOST, name};

/// Which columns a format has.
struct Layout {
    format: Format,
    columns: &'static [(&'static str, Field)],
    /// What is needed, each with what may stand for it.
    required: &'static [&'static [&'static str]],
}

/// The project's own comes first: what is as much one as another is read as that.
const LAYOUTS: [Layout; 4] = [
    Layout { format: Format::Csv, columns: &STUDENT, required: &[&["id", "username"]] },
    Layout {
        format: Format::GithubRoster,
        columns: &[
            ("identifier", Field::Id),
            ("github_username", Field::Username),
            ("github_id", Field::GithubId),
            ("name", Field::Name),
        ],
        required: &[&["identifier"], &["github_username"]],
    },
    Layout {
        format: Format::GithubGrades,
        columns: &[
            ("assignment_name", Field::Assignment),
            ("assignment_url", Field::AssignmentUrl),
            ("starter_code_url", Field::Unused),
            ("github_username", Field::Username),
            ("roster_identifier", Field::Id),
            ("student_repository_name", Field::Unused),
            ("student_repository_url", Field::Repository),
            ("submission_timestamp", Field::Unused),
            ("points_awarded", Field::Unused),
            ("points_available", Field::Unused),
            ("group_name", Field::Group),
        ],
        required: &[&["github_username"], &["student_repository_url"]],
    },
    Layout {
        format: Format::Classroom50,
        columns: &[
            ("username", Field::Username),
            ("first_name", Field::FirstName),
            ("last_name", Field::LastName),
            ("email", Field::Email),
            ("section", Field::Section),
            ("github_id", Field::GithubId),
            ("role", Field::Role),
        ],
        required: &[&["username"]],
    },
];

/// The roles of Classroom 50 that hand nothing in.
const STAFF: [&str; 3] = ["teacher", "hta", "ta"];

/// What a table tells.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub lines: Vec<Line>,
    pub notes: Vec<String>,
}

/// Reads a roster's table; the format is seen from its columns where it is not given.
pub(super) fn read(
    text: &str,
    format: Option<Format>,
    assignment: Option<&str>,
    review: &mut Review,
) -> Sheet {
    let mut sheet = Sheet::default();
    let Some((mut table, layout, header)) = open(text, format, review) else { return sheet };
    let columns = columns(&header, layout, &mut sheet.notes, review);
    let mut records = Vec::new();
    while let Some(cells) = table.next(review) {
        if cells.iter().all(|cell| cell.text.trim().is_empty()) {
            continue;
        }
        if records.len() == MOST {
            let span = line_of(&cells);
            review.note(&span, format!("a roster has {MOST} lines at most"));
            break;
        }
        records.extend(record(&cells, &columns, review));
    }
    if layout.format == Format::GithubGrades {
        only(assignment, &mut records, review);
    }
    let before = records.len();
    records.retain(|record| is_student(record, review));
    if before > records.len() {
        sheet.notes.push(format!("lines of teachers and assistants: {}", before - records.len()));
    }
    sheet.lines = records.iter().filter_map(|record| record.line(review)).collect();
    sheet
}

/// Finds out what stands between the cells and which format it is, by the names of the columns.
fn open<'a>(
    text: &'a str,
    format: Option<Format>,
    review: &mut Review,
) -> Option<(Table<'a>, &'static Layout, Vec<Cell>)> {
    // A spreadsheet's own line that says what stands between the cells.
    let first = text.lines().next().unwrap_or_default();
    let said = first.strip_prefix("sep=").and_then(|rest| rest.bytes().next());
    let start = if said.is_some() { first.len() } else { 0 };
    let mut best: Option<(usize, u8, &Layout)> = None;
    for delimiter in said.map_or(vec![b',', b';', b'\t'], |said| vec![said]) {
        let mut table = Table::new(text, start, delimiter);
        let Some(header) = table.next(&mut Review::default()) else { continue };
        let wanted = |layout: &&Layout| format.is_none_or(|format| layout.format == format);
        for layout in LAYOUTS.iter().filter(wanted) {
            let known = header.iter().filter(|cell| field(layout, cell).is_some()).count();
            if best.as_ref().is_none_or(|(most, ..)| known > *most) {
                best = Some((known, delimiter, layout));
            }
        }
    }
    match best {
        Some((1.., delimiter, layout)) => {
            let mut table = Table::new(text, start, delimiter);
            let header = table.next(review)?;
            Some((table, layout, header))
        }
        _ => {
            let names = LAYOUTS[0].columns.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            let message = "the first line of a roster names its columns, and here is none known";
            let help = format!(
                "write a line such as {}; or hand in what GitHub Classroom or Classroom 50 exports",
                names.join(",")
            );
            review.advise(&(start..start + first.len().min(text.len() - start)), message, help);
            None
        }
    }
}

/// A column's name as it is compared.
fn plain(cell: &Cell) -> String {
    cell.text.trim().to_lowercase().replace([' ', '-'], "_")
}

fn field(layout: &Layout, cell: &Cell) -> Option<Field> {
    let name = plain(cell);
    layout.columns.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

/// What each column tells; `None` for those without a name.
fn columns(
    header: &[Cell],
    layout: &Layout,
    notes: &mut Vec<String>,
    review: &mut Review,
) -> Vec<Option<Field>> {
    let names: Vec<String> = header.iter().map(plain).collect();
    let absent = |known: &str| !names.iter().any(|name| name == known);
    let mut seen = BTreeSet::new();
    let mut columns = Vec::new();
    for (cell, name) in header.iter().zip(&names) {
        let found = field(layout, cell);
        columns.push(if name.is_empty() { None } else { Some(found.unwrap_or(Field::Unused)) });
        if found.is_some() && !seen.insert(name) {
            review.note(&cell.span, format!("there are two columns `{name}`"));
        }
        if found.is_some() || name.is_empty() {
            continue;
        }
        // The tools may come to tell more; the project's own columns are these and no others.
        let known = layout.columns.iter().map(|(known, _)| *known);
        let is_own = layout.format == Format::Csv;
        if is_own || nearest(name, known.clone().filter(|known| absent(known))).is_some() {
            review.unknown(&cell.span, "column", name, known);
        } else {
            notes.push(format!("the column `{name}` is not used"));
        }
    }
    for needed in layout.required {
        if needed.iter().all(|known| absent(known)) {
            let names = needed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            let message = format!("the column {} is missing", names.join(" or "));
            review.note(&line_of(header), message);
        }
    }
    columns
}

/// Where a record stands.
fn line_of(cells: &[Cell]) -> Span {
    let start = cells.first().map_or(0, |cell| cell.span.start);
    start..cells.last().map_or(start, |cell| cell.span.end)
}

fn record(cells: &[Cell], columns: &[Option<Field>], review: &mut Review) -> Option<Record> {
    let span = line_of(cells);
    if cells.len() < columns.len() {
        let message = format!("this line has {} cells, the first {}", cells.len(), columns.len());
        review.note(&span, message);
        return None;
    }
    let mut record = Record::new(span);
    for (index, cell) in cells.iter().enumerate() {
        match columns.get(index) {
            Some(Some(Field::Unused)) => {}
            Some(Some(field)) => record.put(*field, &cell.text, cell.span.clone(), review),
            Some(None) if cell.text.trim().is_empty() => {}
            // Also an empty one: a text before it was cut in two.
            Some(None) | None => {
                let help = "a text that holds what stands between cells needs quotes around it";
                review.advise(&cell.span, "this cell is in no column that has a name", help);
                return None;
            }
        }
    }
    Some(record)
}

/// Whether a line of Classroom 50's roster is of somebody who hands in.
fn is_student(record: &Record, review: &mut Review) -> bool {
    let Some(role) = record.get(Field::Role) else { return true };
    let is_staff = STAFF.contains(&role.text.to_lowercase().as_str());
    if !is_staff && !role.text.eq_ignore_ascii_case("student") {
        let known = STAFF.into_iter().chain(["student"]);
        review.unknown(&role.span, "role", &role.text, known);
    }
    !is_staff
}

/// Keeps the lines of one exercise of a grades file, which may have those of a whole course.
fn only(assignment: Option<&str>, records: &mut Vec<Record>, review: &mut Review) {
    let key = |record: &Record| {
        let url = record.get(Field::AssignmentUrl).map(|told| told.text.trim_end_matches('/'));
        let page = url.and_then(|url| url.rsplit('/').next()).map(name::slug);
        let title = record.get(Field::Assignment).map(|told| name::slug(&told.text));
        (page.unwrap_or_default(), title.unwrap_or_default())
    };
    let mut known: BTreeMap<(String, String), Span> = BTreeMap::new();
    for record in records.iter() {
        let place = record.get(Field::Assignment).or(record.get(Field::AssignmentUrl));
        known.entry(key(record)).or_insert_with(|| place.map_or(0..0, |told| told.span.clone()));
    }
    if known.len() < 2 {
        return;
    }
    let is_meant = |(page, title): &(String, String)| {
        assignment.is_some_and(|slug| {
            [page, title].iter().any(|name| {
                *name == slug || name.strip_suffix(slug).is_some_and(|rest| rest.ends_with('-'))
            })
        })
    };
    let meant: Vec<_> = known.keys().filter(|key| is_meant(key)).cloned().collect();
    if let [one] = meant.as_slice() {
        records.retain(|record| key(record) == *one);
        return;
    }
    let last = known.values().cloned().max_by_key(|span| span.start);
    let names = known.into_keys().map(|(page, title)| if page.is_empty() { title } else { page });
    let names = names.collect::<Vec<_>>().join(", ");
    let message = match assignment {
        Some(slug) => {
            format!("these are grades of several assignments, and `{slug}` does not tell which")
        }
        None => "these are grades of several assignments".to_owned(),
    };
    review.advise(&last.unwrap_or_default(), message, format!("name one of them: {names}"));
    records.clear();
}
