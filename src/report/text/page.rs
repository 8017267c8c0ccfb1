//! Lines on a terminal: cleaned, wrapped, indented, styled.

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

use crate::judge::plain;

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const WRONG: Style = AnsiColor::Red.on_default();
pub(super) const OPEN: Style = AnsiColor::Yellow.on_default();

/// The narrowest column that text is wrapped to.
const NARROWEST: usize = 24;
/// The columns of a label and the space after it.
const LABEL: usize = 10;
/// What a line of a student's log starts with, and what its continuation does.
const BAR: [&str; 2] = ["│ ", "│   "];

/// A report as it grows.
pub(super) struct Page {
    text: String,
    color: bool,
    width: usize,
    indent: usize,
}

impl Page {
    pub(super) fn new(color: bool, width: usize) -> Page {
        Page { text: String::new(), color, width, indent: 0 }
    }

    /// Where the next lines start, in columns.
    pub(super) fn indent(&mut self, columns: usize) {
        self.indent = columns;
    }

    /// An empty line, at most one at a time.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A paragraph after a head in a style of its own; later lines hang under the first.
    pub(super) fn item(&mut self, head: &str, head_style: Style, style: Style, text: &str) {
        let hang = self.indent + display_width(head);
        let lines = wrap(&joined(text), "", "", self.room(hang)).into_iter().map(disarmed);
        for (number, line) in lines.enumerate() {
            let before = if number == 0 { self.indent } else { hang };
            self.text.push_str(&" ".repeat(before));
            if number == 0 {
                self.styled(head_style, head);
            }
            self.styled(style, &line);
            self.end();
        }
    }

    /// A paragraph; nothing for an empty text.
    pub(super) fn put(&mut self, head: &str, style: Style, text: &str) {
        if !text.is_empty() {
            self.item(head, DIM, style, text);
        }
    }

    /// A text with a label before it.
    pub(super) fn field(&mut self, label: &str, text: Option<&String>) {
        self.put(&format!("{label:<LABEL$}"), PLAIN, text.map_or("", String::as_str));
    }

    /// A log, line by line as it was, behind a bar.
    pub(super) fn quote(&mut self, log: &str) {
        for line in plain(log).lines() {
            let room = self.room(self.indent);
            for line in wrap(&line.replace('\t', "    "), BAR[0], BAR[1], room) {
                self.text.push_str(&" ".repeat(self.indent));
                self.styled(DIM, disarmed(line).trim_end());
                self.end();
            }
        }
    }

    /// The whole, with one line end at its end.
    pub(super) fn finish(mut self) -> String {
        let end = self.text.trim_end().len();
        self.text.truncate(end);
        self.text.push('\n');
        self.text
    }

    fn room(&self, taken: usize) -> usize {
        self.width.saturating_sub(taken).max(NARROWEST)
    }

    fn styled(&mut self, style: Style, text: &str) {
        if self.color && style != PLAIN && !text.is_empty() {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
    }

    fn end(&mut self) {
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        self.text.push('\n');
    }
}

/// Only at spaces: a path, a flag or a digest that is cut is no longer what the student wrote.
/// Wide characters belong to scripts without spaces, which are cut where the line ends.
fn wrap(text: &str, first: &str, later: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(later)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(display_width(text) > text.chars().count());
    textwrap::wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
}

/// The line with no command in it for the runner of a workflow that shows this report: it obeys
/// `::name` at a line's start and `##[name]` anywhere. An invisible joiner keeps them words.
fn disarmed(line: String) -> String {
    let start = if line.starts_with("::") { "\u{2060}" } else { "" };
    format!("{start}{}", line.replace("##[", "##\u{2060}["))
}

/// The text as one clean line.
fn joined(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
