//! Expectations: predicates on one fact, as a rubric writes them.
//!
//! A scalar means equals, a list means contains each, a table has exactly one matcher. An absent
//! fact meets nothing but `absent`, and nothing that could not fail is accepted as an expectation.

mod check;
mod fits;
mod forms;
mod parse;
mod pattern;
mod words;

pub use check::{Check, check};
pub use fits::fits;
pub use parse::{MATCHERS, parse};
pub use words::{is_invisible, shown};

/// A predicate on one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The fact is exactly this.
    Equals(Literal),
    /// The fact is one of these.
    OneOf(Vec<Literal>),
    /// A text holds each as a part; a list holds each as an item; a map holds each as a key.
    Contains(Vec<String>),
    /// A text matches a regular expression, anywhere in it.
    Matches(String),
    /// A text starts so.
    StartsWith(String),
    /// A text ends so.
    EndsWith(String),
    /// A number, size or duration is no more than this.
    AtMost(Literal),
    /// A number, size or duration is no less than this.
    AtLeast(Literal),
    /// A number, size or duration lies between these, both included.
    Between(Literal, Literal),
    /// A text is a semantic version 2.0.0, without a leading v.
    Semver,
    /// A text is an SPDX licence expression of known identifiers.
    Spdx,
    /// A text is an http or https URL with a host and a path.
    Url,
    /// A text is one or several `Name <mail>`, with commas between them.
    Mailboxes,
    /// The fact is not there.
    Absent,
    /// The fact is there, whatever it is.
    Present,
    /// The fact is there and does not meet the other.
    Not(Box<Expect>),
    /// All of them hold.
    All(Vec<Expect>),
    /// At least one of them holds.
    Any(Vec<Expect>),
    /// At least one item of a list meets it.
    AnyItem(Box<Expect>),
    /// The list is not empty and every item meets it.
    EveryItem(Box<Expect>),
    /// The characters of a text, or the items of a list or map, number so.
    Length(Box<Expect>),
}

/// A value as written in a rubric; sizes and durations are texts until a fact's shape is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text, a size or a duration; may hold `${name}`.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl Expect {
    /// Every text in it that may hold `${name}`.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Expect::Equals(one) | Expect::AtMost(one) | Expect::AtLeast(one) => one.texts(),
            Expect::Between(low, high) => [low.texts(), high.texts()].concat(),
            Expect::OneOf(many) => many.iter().flat_map(Literal::texts).collect(),
            Expect::Contains(parts) => parts.iter().map(String::as_str).collect(),
            Expect::Matches(text) | Expect::StartsWith(text) | Expect::EndsWith(text) => vec![text],
            Expect::Not(inner)
            | Expect::AnyItem(inner)
            | Expect::EveryItem(inner)
            | Expect::Length(inner) => inner.texts(),
            Expect::All(many) | Expect::Any(many) => many.iter().flat_map(Expect::texts).collect(),
            Expect::Semver
            | Expect::Spdx
            | Expect::Url
            | Expect::Mailboxes
            | Expect::Absent
            | Expect::Present => Vec::new(),
        }
    }
}

impl Literal {
    fn texts(&self) -> Vec<&str> {
        match self {
            Literal::Text(text) => vec![text],
            Literal::List(items) => items.iter().map(String::as_str).collect(),
            Literal::Bool(_) | Literal::Int(_) => Vec::new(),
        }
    }
}
