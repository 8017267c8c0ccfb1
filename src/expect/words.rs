//! The one place that words "expected … found …".

use crate::fact::Value;
use crate::unit::{show_bytes, show_millis};

use super::{Expect, Literal};

/// The most characters of a found text that feedback quotes.
const QUOTED: usize = 200;
/// The most items of a found list that feedback quotes.
const LISTED: usize = 12;

impl Expect {
    /// The matcher's name, as a rubric writes it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Expect::Equals(_) => "equals",
            Expect::OneOf(_) => "one_of",
            Expect::Contains(_) => "contains",
            Expect::Matches(_) => "matches",
            Expect::StartsWith(_) => "starts_with",
            Expect::EndsWith(_) => "ends_with",
            Expect::AtMost(_) => "at_most",
            Expect::AtLeast(_) => "at_least",
            Expect::Between(..) => "between",
            Expect::Semver => "semver",
            Expect::Spdx => "spdx",
            Expect::Url => "url",
            Expect::Mailboxes => "mailboxes",
            Expect::Absent => "absent",
            Expect::Present => "present",
            Expect::Not(_) => "not",
            Expect::All(_) => "all",
            Expect::Any(_) => "any",
            Expect::AnyItem(_) => "any_item",
            Expect::EveryItem(_) => "every_item",
            Expect::Length(_) => "length",
        }
    }

    /// What is expected, to stand after "expected: <fact> …".
    pub fn wording(&self) -> String {
        match self {
            Expect::Equals(literal) => literal.shown(),
            Expect::OneOf(many) => {
                format!("one of {}", join(many.iter().map(Literal::shown), ", "))
            }
            Expect::Contains(parts) => {
                format!("containing {}", join(parts.iter().map(|part| quote(part)), " and "))
            }
            // The pattern is the rubric's: it tells a student little, or too much.
            Expect::Matches(_) => "of the right form".into(),
            Expect::StartsWith(text) => format!("starting with {}", quote(text)),
            Expect::EndsWith(text) => format!("ending with {}", quote(text)),
            Expect::AtMost(bound) => format!("at most {}", bound.bare()),
            Expect::AtLeast(bound) => format!("at least {}", bound.bare()),
            Expect::Between(low, high) => format!("between {} and {}", low.bare(), high.bare()),
            Expect::Semver => "a semantic version such as 1.4.2".into(),
            Expect::Spdx => "an SPDX licence expression such as MIT or Apache-2.0".into(),
            Expect::Url => "an http or https URL with a host and a path".into(),
            Expect::Mailboxes => "Name <mail@host>, several with commas".into(),
            Expect::Absent => "nothing".into(),
            Expect::Present => "something".into(),
            Expect::Not(inner) => format!("not {}", inner.wording()),
            Expect::All(many) => join(many.iter().map(Expect::wording), " and "),
            Expect::Any(many) => join(many.iter().map(Expect::wording), " or "),
            Expect::AnyItem(inner) => format!("an item {}", inner.wording()),
            Expect::EveryItem(inner) => format!("every item {}", inner.wording()),
            Expect::Length(inner) => format!("of a length {}", inner.wording()),
        }
    }
}

impl Literal {
    /// The literal as a message shows it, texts in quotation marks.
    pub(super) fn shown(&self) -> String {
        match self {
            Literal::Text(text) => quote(text),
            Literal::List(items) => list(items),
            _ => self.bare(),
        }
    }

    fn bare(&self) -> String {
        match self {
            Literal::Bool(value) => yes_no(*value).into(),
            Literal::Int(number) => number.to_string(),
            Literal::Text(text) => text.clone(),
            Literal::List(items) => list(items),
        }
    }

    /// What kind of value this is, for a message.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Literal::Bool(_) => "truth value",
            Literal::Int(_) => "number",
            Literal::Text(_) => "text",
            Literal::List(_) => "list",
        }
    }
}

/// A found value as feedback shows it; an absent one is "nothing".
pub fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".into(),
        Some(Value::Bool(value)) => yes_no(*value).into(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Bytes(bytes)) => show_bytes(*bytes),
        Some(Value::Millis(millis)) => show_millis(*millis),
        Some(Value::Text(text)) => quote(text),
        Some(Value::List(items)) => list(items),
        Some(Value::Map(map)) if map.is_empty() => "an empty map".into(),
        Some(Value::Map(map)) => {
            let entries =
                map.iter().take(LISTED).map(|(key, value)| format!("{key}={}", quote(value)));
            with_rest(join(entries, ", "), map.len())
        }
    }
}

fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "an empty list".into();
    }
    let shown = join(items.iter().take(LISTED).map(|item| quote(item)), ", ");
    with_rest(shown, items.len())
}

fn with_rest(shown: String, all: usize) -> String {
    match all.checked_sub(LISTED) {
        Some(rest) if rest > 0 => format!("{shown} and {rest} more"),
        _ => shown,
    }
}

/// The text in quotation marks, on one line and of bounded length.
fn quote(text: &str) -> String {
    if text.is_empty() {
        return "an empty text".into();
    }
    let line = text.trim_end_matches('\n').replace('\r', "␍").replace('\n', "⏎");
    match line.char_indices().nth(QUOTED) {
        Some((cut, _)) => format!("\"{}…\"", &line[..cut]),
        None => format!("\"{line}\""),
    }
}

fn join(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}
