//! An instructor's file: its text, however it was saved, and what is wrong with it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::document::{Problem, Problems, Review, Span};

use super::place::Flaw;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;
/// Problems beyond this many are counted, not shown: the file is most likely another one.
const SHOWN: usize = 100;

/// A file that is read, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Paper {
    /// Where it is, for messages.
    pub path: PathBuf,
    /// Its text, without a byte order mark; empty for a folder.
    pub text: String,
    /// What is wrong with it.
    pub review: Review,
    /// Where its lines end.
    ends: Vec<usize>,
}

impl Paper {
    /// Reads a file. One that cannot be read is an empty one with a problem.
    pub(super) fn open(path: &Path) -> Paper {
        let mut review = Review::default();
        let read = bytes(path).map(|bytes| text(bytes, &mut review));
        let text = read.unwrap_or_else(|because| {
            review.note(&(0..0), because);
            String::new()
        });
        Paper { review, ..Paper::new(path, text) }
    }

    /// A text that is at hand.
    pub(super) fn new(path: &Path, text: String) -> Paper {
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Paper { path: path.to_owned(), text, review: Review::default(), ends }
    }

    /// Which line something stands on, from 1.
    pub(super) fn line(&self, span: &Span) -> usize {
        self.ends.partition_point(|end| *end < span.start) + 1
    }

    /// Notes a problem, and what to do about it where that is known.
    pub(super) fn flaw(&mut self, span: &Span, flaw: Flaw) {
        match flaw.help {
            Some(help) => self.review.advise(span, flaw.message, help),
            None => self.review.note(span, flaw.message),
        }
    }

    /// What is wrong with it, if anything is.
    pub(super) fn finish(self) -> Option<Problems> {
        let mut problems = self.review.finish(&self.path, &self.text).err()?;
        let more = problems.problems.len().saturating_sub(SHOWN);
        problems.problems.truncate(SHOWN);
        if let (1.., Some(last)) = (more, problems.problems.last()) {
            let message = format!("and {more} more below this line");
            problems.problems.push(Problem { span: last.span.clone(), message, help: None });
        }
        Some(problems)
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("failed to read it: {error}");
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it is larger than {}", crate::unit::show_bytes(LARGEST)));
    }
    Ok(bytes)
}

/// The text of a file that is UTF-8, or says by its first bytes that it is UTF-16, as what
/// spreadsheets call "Unicode text" is.
fn text(bytes: Vec<u8>, review: &mut Review) -> String {
    let wide = match bytes.get(..2) {
        Some([0xff, 0xfe]) => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
        Some([0xfe, 0xff]) => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
        _ => None,
    };
    if let Some(unit) = wide {
        let (pairs, rest) = bytes[2..].as_chunks();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        if !rest.is_empty() || String::from_utf16(&units).is_err() {
            advise_encoding(0..0, review);
        }
        return String::from_utf16_lossy(&units);
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => with_replacements(error.as_bytes(), review),
    };
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// A text with what is no UTF-8 replaced, and each line that has such noted.
fn with_replacements(bytes: &[u8], review: &mut Review) -> String {
    let mut text = String::new();
    let mut last_line = None;
    let mark = if bytes.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            let line = text.rfind('\n');
            if last_line != Some(line) {
                last_line = Some(line);
                let at = text.len() - mark;
                advise_encoding(at..at + char::REPLACEMENT_CHARACTER.len_utf8(), review);
            }
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

fn advise_encoding(span: Span, review: &mut Review) {
    let help = "save the file as UTF-8; a spreadsheet calls it \"CSV UTF-8\"";
    review.advise(&span, "this is not UTF-8", help);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (String, Vec<usize>) {
        let mut review = Review::default();
        let text = text(bytes.to_vec(), &mut review);
        let problems = review.finish(Path::new("x"), &text).err().map(|all| all.problems);
        let starts = problems.unwrap_or_default().iter().map(|one| one.span.start).collect();
        (text, starts)
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(read(b"\xef\xbb\xbfid\n"), ("id\n".into(), vec![]));
        assert_eq!(read(b"\xff\xfei\0d\0"), ("id".into(), vec![]));
        assert_eq!(read(b"\xfe\xff\0i\0d"), ("id".into(), vec![]));
    }

    #[test]
    fn each_line_that_is_not_utf_8_is_told_once() {
        let (text, starts) = read(b"id,name\na,Ren\xe9 \xe9\nb,Zo\xc3\xab\nc,\xfc\n");
        assert_eq!(text, "id,name\na,Ren\u{fffd} \u{fffd}\nb,Zoë\nc,\u{fffd}\n");
        assert_eq!(starts, [13, text.rfind('\u{fffd}').unwrap()]);
        assert_eq!(read(b"\xef\xbb\xbf\xe9"), ("\u{fffd}".into(), vec![0]));
        assert_eq!(read(b"\xff\xfei\0d").1, [0]);
    }

    #[test]
    fn a_file_that_is_not_there_is_a_problem() {
        let problems = Paper::open(Path::new("/nowhere/at/all.csv")).finish().unwrap();
        assert!(problems.to_string().starts_with("/nowhere/at/all.csv:1:1: failed to read it"));
    }

    #[test]
    fn lines_are_counted_from_one() {
        let paper = Paper::new(Path::new("x"), "a\nb\n\nc".into());
        let lines = [0, 1, 2, 4, 5].map(|at| paper.line(&(at..at)));
        assert_eq!(lines, [1, 1, 2, 3, 4]);
    }

    #[test]
    fn a_file_full_of_problems_shows_the_first_and_counts_the_rest() {
        let mut paper = Paper::new(Path::new("x"), "x".repeat(500));
        (0..500).for_each(|at| paper.review.note(&(at..at + 1), "no"));
        let problems = paper.finish().unwrap().problems;
        assert_eq!(problems.len(), 101);
        assert_eq!(problems[100].message, "and 400 more below this line");
    }
}
