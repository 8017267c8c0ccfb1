//! A TOML file as a tree that remembers where everything stands, and the list of what is wrong
//! with it: every problem at once, each with its place and, where one is near, a suggestion.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// Bytes of the source.
pub type Span = Range<usize>;

/// One value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value stands.
    pub span: Span,
    /// The value.
    pub item: Item,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Item {
    /// A string.
    Text(String),
    /// An integer that fits 64 bits.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// An array.
    List(Vec<Node>),
    /// A table, in the order written by key.
    Table(Vec<Entry>),
    /// A fraction, as it is written but for underscores.
    Fraction(String),
    /// A date, a time or both, as RFC 3339 writes them.
    Time(String),
    /// An integer that does not fit 64 bits.
    Other,
}

/// A key of a table and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What it holds.
    pub node: Node,
}

/// Something wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All that is wrong with one file.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Problems {
    /// The file.
    pub path: PathBuf,
    /// Its text, for showing the lines.
    pub source_text: String,
    /// In the order of the file.
    pub problems: Vec<Problem>,
}

/// Gathers problems while a document is read.
#[derive(Debug, Default)]
pub struct Review {
    problems: Vec<Problem>,
}

impl Review {
    /// Notes a problem.
    pub fn note(&mut self, span: &Span, message: impl Into<String>) {
        self.problems.push(Problem { span: span.clone(), message: message.into(), help: None });
    }

    /// Notes a problem and what to do about it.
    pub fn advise(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into());
        self.problems.push(Problem { span: span.clone(), message: message.into(), help });
    }

    /// Notes a name that is none of the known ones, with the nearest of them.
    pub fn unknown<'a>(
        &mut self,
        span: &Span,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => None,
            None => Some(format!("known: {}", known.join(", "))),
        };
        // "fact of `run`" is a kind of name and whose it is.
        let message = match what.split_once(' ') {
            Some((what, whose)) => format!("unknown {what} `{name}` {whose}"),
            None => format!("unknown {what} `{name}`"),
        };
        self.problems.push(Problem { span: span.clone(), message, help });
    }

    /// How many problems were noted.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Whether anything was noted.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The file's problems in order, if there are any.
    ///
    /// # Errors
    /// When something was noted.
    pub fn finish(mut self, path: &Path, source: &str) -> Result<(), Problems> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems.dedup();
        Err(Problems {
            path: path.to_owned(),
            source_text: source.to_owned(),
            problems: self.problems,
        })
    }
}

/// The known name nearest to a misspelt one, if any is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|one| (strsim::jaro_winkler(&name.to_lowercase(), &one.to_lowercase()), one))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, one)| one)
}

/// Reads a whole document; syntax errors are noted, and what could be read is returned.
pub fn read(source: &str, review: &mut Review) -> Node {
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let span = error.span().unwrap_or(0..source.len().min(1));
        review.note(&span, error.message());
    }
    let span = table.span();
    Node { span, item: table_item(table.into_inner(), review) }
}

fn table_item(table: DeTable<'_>, review: &mut Review) -> Item {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            node: Node { span: value.span(), item: item(value.into_inner(), review) },
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Item::Table(entries)
}

fn item(value: DeValue<'_>, review: &mut Review) -> Item {
    match value {
        DeValue::String(text) => Item::Text(text.into_owned()),
        DeValue::Boolean(value) => Item::Bool(value),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).map_or(Item::Other, Item::Int)
        }
        DeValue::Array(array) => Item::List(
            array
                .into_iter()
                .map(|value| Node { span: value.span(), item: item(value.into_inner(), review) })
                .collect(),
        ),
        DeValue::Table(table) => table_item(table, review),
        DeValue::Float(number) => Item::Fraction(number.as_str().replace('_', "")),
        DeValue::Datetime(time) => Item::Time(time.to_string()),
    }
}

impl Node {
    /// What kind of thing this is, for a message.
    pub fn what(&self) -> &'static str {
        match self.item {
            Item::Text(_) => "a text",
            Item::Int(_) => "a number",
            Item::Bool(_) => "true or false",
            Item::List(_) => "a list",
            Item::Table(_) => "a table",
            Item::Fraction(_) => "a fraction",
            Item::Time(_) => "a date or a time",
            Item::Other => "a number out of range",
        }
    }

    /// The text, or a noted problem.
    pub fn text(&self, review: &mut Review) -> Option<String> {
        match &self.item {
            Item::Text(text) => Some(text.clone()),
            _ => self.wrong("a text", review),
        }
    }

    /// The truth value, or a noted problem.
    pub fn bool(&self, review: &mut Review) -> Option<bool> {
        match self.item {
            Item::Bool(value) => Some(value),
            _ => self.wrong("true or false", review),
        }
    }

    /// The number, or a noted problem.
    pub fn int(&self, review: &mut Review) -> Option<i64> {
        match self.item {
            Item::Int(value) => Some(value),
            _ => self.wrong("a whole number", review),
        }
    }

    /// The texts of a list, or a noted problem for the list or for each item that is none.
    pub fn texts(&self, review: &mut Review) -> Option<Vec<String>> {
        match &self.item {
            Item::List(items) => items.iter().map(|item| item.text(review)).collect(),
            _ => self.wrong("a list of texts", review),
        }
    }

    /// The entries of a table, or a noted problem.
    pub fn entries(&self, review: &mut Review) -> Option<&[Entry]> {
        match &self.item {
            Item::Table(entries) => Some(entries),
            _ => self.wrong("a table", review),
        }
    }

    fn wrong<T>(&self, wanted: &str, review: &mut Review) -> Option<T> {
        review.note(&self.span, format!("expected {wanted}, found {}", self.what()));
        None
    }
}

/// The fields of a table as they are asked for, so that what nobody asked for can be told.
#[derive(Debug)]
pub struct Fields<'a> {
    entries: &'a [Entry],
    span: Span,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of a table; of anything else, none and a noted problem.
    pub fn of(node: &'a Node, review: &mut Review) -> Fields<'a> {
        let entries = node.entries(review).unwrap_or_default();
        Fields { entries, span: node.span.clone(), asked: Vec::new() }
    }

    /// A field that may be left out.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// A field that may not.
    pub fn require(&mut self, key: &'static str, review: &mut Review) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            review.note(&self.span, format!("`{key}` is missing"));
        }
        found
    }

    /// Notes every field that was not asked for, with the nearest one that was.
    pub fn finish(self, review: &mut Review) {
        for entry in self.entries {
            if !self.asked.contains(&entry.key.as_str()) {
                review.unknown(&entry.key_span, "key", &entry.key, self.asked.iter().copied());
            }
        }
    }
}

/// Line and column (both from 1, columns in characters) of a byte of the source.
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let (line, column) = line_column(&self.source_text, problem.span.start);
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{line}:{column}: {}", self.path.display(), problem.message)?;
            if let Some(help) = &problem.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_errors_are_all_told_with_their_place() {
        let mut review = Review::default();
        read("a = \nb = 1\nc = [1,\n", &mut review);
        let problems = review.finish(Path::new("x.toml"), "a = \nb = 1\nc = [1,\n").unwrap_err();
        assert!(problems.problems.len() >= 2, "{problems}");
        assert!(problems.to_string().starts_with("x.toml:1:"), "{problems}");
    }

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("succeded", ["succeeded", "log"]), Some("succeeded"));
        assert_eq!(nearest("zzz", ["succeeded", "log"]), None);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_column("ä = 1\nö = x", 12), (2, 5));
    }
}
