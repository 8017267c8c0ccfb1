//! The one place that words "expected … found …".

use crate::fact::Value;
use crate::unit::{show_bytes, show_millis};

use super::{Expect, Literal};

/// The most characters of a found text that feedback quotes.
const QUOTED: usize = 200;
/// The most items of a found list that feedback quotes.
const LISTED: usize = 12;

/// What stands for an expectation that is a pattern.
const UNTOLD: &str = "what the exercise asks for";

/// What stands for an expectation that something is none.
const OTHER: &str = "something else";

/// Several expectations in one sentence: those without words of their own are said only where no other is.
pub(super) fn together(wordings: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for wording in wordings.filter(|wording| !wording.is_empty()) {
        if !all.contains(&wording) {
            all.push(wording);
        }
    }
    let says = |wording: &String| wording != UNTOLD && wording != OTHER;
    if all.iter().any(says) {
        all.retain(says);
    } else {
        all.truncate(1);
    }
    all.join(" and ")
}

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
        match (self.told(), self) {
            (Some(told), _) => told,
            (None, Expect::Not(_)) => OTHER.into(),
            (None, _) => UNTOLD.into(),
        }
    }

    /// The same; `None` where there are no words for it. A pattern is the rubric's: it tells a
    /// student little, or too much.
    fn told(&self) -> Option<String> {
        let each = |many: &[Expect]| many.iter().map(Expect::told).collect::<Vec<_>>();
        Some(match self {
            Expect::Matches(_) => return None,
            Expect::Not(inner) => format!("not {}", inner.told()?),
            Expect::All(many) => {
                let told = each(many);
                let some: Vec<String> = told.iter().flatten().cloned().collect();
                match some.len() {
                    0 => return None,
                    count if count == told.len() => some.join(" and "),
                    _ => format!("{}, and else {UNTOLD}", some.join(" and ")),
                }
            }
            Expect::Any(many) => each(many).into_iter().collect::<Option<Vec<_>>>()?.join(" or "),
            Expect::AnyItem(inner) => format!("an item {}", inner.told()?),
            Expect::EveryItem(inner) => format!("every item {}", inner.told()?),
            Expect::Length(inner) => match &**inner {
                Expect::Equals(literal) => format!("of length {}", literal.shown()),
                inner => format!("of a length of {}", inner.told()?),
            },
            simple => simple.simple(),
        })
    }

    fn simple(&self) -> String {
        match self {
            Expect::Equals(literal) => literal.shown(),
            Expect::OneOf(many) => {
                format!("one of {}", join(many.iter().map(Literal::shown), ", "))
            }
            Expect::Contains(parts) => {
                format!("containing {}", join(parts.iter().map(|part| quote(part)), " and "))
            }
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
            Expect::Matches(_)
            | Expect::Not(_)
            | Expect::All(_)
            | Expect::Any(_)
            | Expect::AnyItem(_)
            | Expect::EveryItem(_)
            | Expect::Length(_) => UNTOLD.into(),
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
    let line = visible(text);
    match line.char_indices().nth(QUOTED) {
        Some((cut, _)) => format!("\"{}…\"", &line[..cut]),
        None => format!("\"{line}\""),
    }
}

/// The text with signs for what is not seen, so that two texts that differ look different: ends of
/// lines, spaces at an end or side by side, and characters that nobody sees.
fn visible(text: &str) -> String {
    let trimmed = text.trim_matches(' ');
    let begins = text.len() - text.trim_start_matches(' ').len();
    let ends = begins + trimmed.len();
    let mut visible = String::with_capacity(text.len());
    let mut after_space = false;
    for (at, c) in text.char_indices() {
        match c {
            '\n' => visible.push('⏎'),
            '\r' => visible.push('␍'),
            '\t' => visible.push('⇥'),
            ' ' if at < begins || at >= ends || after_space => visible.push('␣'),
            ' ' => visible.push(' '),
            c if c.is_whitespace() || c.is_control() || is_invisible(c) => {
                visible.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
            }
            c => visible.push(c),
        }
        after_space = c == ' ';
    }
    visible
}

/// Whether a character is not seen by itself: what Unicode calls `Default_Ignorable_Code_Point`,
/// those that are not assigned yet included, and the marks of annotations.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

fn join(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_that_differ_look_different() {
        assert_eq!(quote("a b"), "\"a b\"");
        assert_eq!(quote("a\n"), "\"a⏎\"");
        assert_eq!(quote("a\r\nb"), "\"a␍⏎b\"");
        assert_eq!(quote(" a  b "), "\"␣a ␣b␣\"");
        assert_eq!(quote("a\tb\u{a0}\u{200b}"), "\"a⇥b⟨U+00A0⟩⟨U+200B⟩\"");
    }
}
