//! A table as text, with commas, semicolons or tabs, that remembers where each cell stands.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use crate::document::{Review, Span};

/// A cell and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Its text, without the quotes around it.
    pub text: String,
    /// Where it stands, with them.
    pub span: Span,
}

/// Reads a table record by record. Empty lines are none.
#[derive(Debug)]
pub(super) struct Table<'a> {
    text: &'a str,
    at: usize,
    reader: Reader,
}

impl<'a> Table<'a> {
    /// A table whose first record begins at this byte.
    pub(super) fn new(text: &'a str, at: usize, delimiter: u8) -> Table<'a> {
        Table { text, at, reader: ReaderBuilder::new().delimiter(delimiter).build() }
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self, review: &mut Review) -> Option<Vec<Cell>> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            self.at += 1;
        }
        let mut cells = Vec::new();
        loop {
            let start = self.at;
            let (text, ended) = self.field()?;
            // What ends a field was read with it, but for the end of the text.
            let has_end = self.at > start && ended != Ended::WithTheText;
            let span = start..self.at - usize::from(has_end);
            quotes(self.text.get(span.clone()).unwrap_or_default(), &span, review);
            cells.push(Cell { text, span });
            if ended != Ended::Field {
                return Some(cells);
            }
        }
    }

    fn field(&mut self) -> Option<(String, Ended)> {
        let mut field = vec![0; 256];
        let mut filled = 0;
        loop {
            let input = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let (result, read, written) =
                self.reader.read_field(input, field.get_mut(filled..).unwrap_or_default());
            self.at += read;
            filled += written;
            let ended = match result {
                ReadFieldResult::InputEmpty => continue,
                ReadFieldResult::OutputFull => {
                    field.resize(field.len() * 2, 0);
                    continue;
                }
                ReadFieldResult::Field { record_end: false } => Ended::Field,
                ReadFieldResult::Field { record_end: true } if input.is_empty() => {
                    Ended::WithTheText
                }
                ReadFieldResult::Field { record_end: true } => Ended::Record,
                ReadFieldResult::End => return None,
            };
            field.truncate(filled);
            return Some((String::from_utf8_lossy(&field).into_owned(), ended));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Field,
    Record,
    WithTheText,
}

/// Notes quotes that do not mean what was meant: one that is not closed takes all that follows.
fn quotes(raw: &str, span: &Span, review: &mut Review) {
    let shown = span.start..span.start + raw.find(['\r', '\n']).unwrap_or(raw.len());
    let inner = raw.trim_matches([' ', '\t']);
    if !inner.starts_with('"') {
        return;
    }
    if !raw.starts_with('"') {
        review.note(&shown, "a space stands before the quote, which is then no quote");
    } else if raw.matches('"').count() % 2 == 1 {
        review.advise(
            &shown,
            "this quote is not closed",
            "a quote within a quoted cell is written twice",
        );
    } else if !raw.ends_with('"') {
        review.note(&shown, "something stands behind the closing quote");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, delimiter: u8) -> (Vec<Vec<Cell>>, Vec<String>) {
        let mut review = Review::default();
        let mut table = Table::new(text, 0, delimiter);
        let mut rows = Vec::new();
        while let Some(row) = table.next(&mut review) {
            rows.push(row);
        }
        let problems = review.finish(Path::new("x"), text).err();
        let told = problems.iter().flat_map(|all| &all.problems).map(|one| one.message.clone());
        (rows, told.collect())
    }

    fn texts(rows: &[Vec<Cell>]) -> Vec<Vec<&str>> {
        rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()).collect()
    }

    #[test]
    fn cells_know_where_they_stand_whatever_ends_the_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "\"c, d\",\"e \"\"f\"\"\"", "g,"].join(end);
            let (rows, problems) = read(&text, b',');
            assert_eq!(texts(&rows), [vec!["a", "b"], vec!["c, d", "e \"f\""], vec!["g", ""]]);
            assert_eq!(problems, [""; 0]);
            let raw = |cell: &Cell| text[cell.span.clone()].to_owned();
            let raws: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(raw).collect()).collect();
            assert_eq!(raws, [vec!["a", "b"], vec!["\"c, d\"", "\"e \"\"f\"\"\""], vec!["g", ""]]);
        }
    }

    #[test]
    fn a_quoted_cell_may_have_lines() {
        let (rows, problems) = read("id;name\na;\"Ada\nLovelace\"\nb;Bob\n", b';');
        assert_eq!(texts(&rows)[1..], [vec!["a", "Ada\nLovelace"], vec!["b", "Bob"]]);
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn quotes_that_are_not_what_they_seem_are_told() {
        assert_eq!(read("a,\"b\nc,d\n", b',').1, ["this quote is not closed"]);
        assert_eq!(read("a,\"b\"\"", b',').1, ["this quote is not closed"]);
        assert_eq!(read("a,\"b\"c", b',').1, ["something stands behind the closing quote"]);
        assert_eq!(
            read("a, \"b, c\"", b',').1,
            ["a space stands before the quote, which is then no quote"]
        );
        assert_eq!(read("a,5\" disk\n", b',').1, [""; 0]);
    }

    #[test]
    fn a_long_cell_is_whole() {
        let long = "x".repeat(100_000);
        assert_eq!(read(&long, b',').0[0][0].text, long);
    }

    proptest! {
        #[test]
        fn what_a_writer_quotes_is_read_back(
            rows in prop::collection::vec(prop::collection::vec(".*", 2..4), 1..5),
            delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = |row: &Vec<String>| {
                row.iter().map(quoted).collect::<Vec<_>>().join(&char::from(delimiter).to_string())
            };
            let text: String = rows.iter().map(|row| line(row) + "\n").collect();
            let (read, problems) = read(&text, delimiter);
            prop_assert_eq!(texts(&read), rows);
            prop_assert!(problems.is_empty());
        }

        #[test]
        fn any_text_is_read_to_its_end_and_spans_lie_within(text in any::<String>()) {
            for row in read(&text, b',').0 {
                for cell in row {
                    prop_assert!(text.get(cell.span).is_some());
                }
            }
        }
    }
}
