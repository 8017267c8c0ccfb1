//! The grammar of expectations, read from a document with every problem noted.

use crate::document::{Entry, Item, Node, Review};

use super::{Expect, Literal};

/// The matchers' names, as written in a table.
pub const MATCHERS: &[&str] = &[
    "equals",
    "one_of",
    "contains",
    "matches",
    "starts_with",
    "ends_with",
    "at_most",
    "at_least",
    "between",
    "semver",
    "spdx",
    "url",
    "mailboxes",
    "absent",
    "present",
    "not",
    "all",
    "any",
    "any_item",
    "every_item",
    "length",
];

/// Reads an expectation; what is wrong with it is noted and gives `None`.
pub fn parse(node: &Node, review: &mut Review) -> Option<Expect> {
    match &node.item {
        Item::List(_) => contains(node, review),
        Item::Table(entries) => match entries.as_slice() {
            [entry] => matcher(entry, review),
            [] => {
                review.note(&node.span, "an empty expectation would expect nothing");
                None
            }
            [_, second, ..] => {
                review.advise(
                    &second.key_span,
                    "an expectation has exactly one matcher",
                    "join several with `all = [{ … }, { … }]`",
                );
                None
            }
        },
        _ => literal(node, review).map(Expect::Equals),
    }
}

fn matcher(entry: &Entry, review: &mut Review) -> Option<Expect> {
    let node = &entry.node;
    match entry.key.as_str() {
        "equals" => literal(node, review).map(Expect::Equals),
        "one_of" => some(node, review, literal).map(Expect::OneOf),
        "contains" => match &node.item {
            Item::Text(_) => part(node, review).map(|text| Expect::Contains(vec![text])),
            _ => contains(node, review),
        },
        "matches" => pattern(node, review),
        "starts_with" => part(node, review).map(Expect::StartsWith),
        "ends_with" => part(node, review).map(Expect::EndsWith),
        "at_most" => literal(node, review).map(Expect::AtMost),
        "at_least" => literal(node, review).map(Expect::AtLeast),
        "between" => between(node, review),
        "semver" => flag(entry, Expect::Semver, review),
        "spdx" => flag(entry, Expect::Spdx, review),
        "url" => flag(entry, Expect::Url, review),
        "mailboxes" => flag(entry, Expect::Mailboxes, review),
        "absent" => flag(entry, Expect::Absent, review),
        "present" => flag(entry, Expect::Present, review),
        "not" => parse(node, review).map(Box::new).map(Expect::Not),
        "all" => some(node, review, parse).map(Expect::All),
        "any" => some(node, review, parse).map(Expect::Any),
        "any_item" => parse(node, review).map(Box::new).map(Expect::AnyItem),
        "every_item" => parse(node, review).map(Box::new).map(Expect::EveryItem),
        "length" => parse(node, review).map(Box::new).map(Expect::Length),
        other => {
            review.unknown(&entry.key_span, "matcher", other, MATCHERS.iter().copied());
            None
        }
    }
}

fn literal(node: &Node, review: &mut Review) -> Option<Literal> {
    match &node.item {
        Item::Bool(value) => Some(Literal::Bool(*value)),
        Item::Int(value) => Some(Literal::Int(*value)),
        Item::Text(text) => Some(Literal::Text(text.clone())),
        Item::List(_) => node.texts(review).map(Literal::List),
        Item::Table(_) | Item::Fraction(_) | Item::Time(_) | Item::Other => {
            review.note(&node.span, format!("expected a plain value, found {}", node.what()));
            None
        }
    }
}

fn contains(node: &Node, review: &mut Review) -> Option<Expect> {
    some(node, review, part).map(Expect::Contains)
}

/// A text that is not empty: every text contains, starts and ends with the empty one.
fn part(node: &Node, review: &mut Review) -> Option<String> {
    let text = node.text(review)?;
    if text.is_empty() {
        review.note(&node.span, "an empty text is part of every text, so this could not fail");
        return None;
    }
    Some(text)
}

fn pattern(node: &Node, review: &mut Review) -> Option<Expect> {
    let text = part(node, review)?;
    // Values made for a run are letters and digits: one stands in while the pattern is tried.
    let tried = crate::nonce::names(&text)
        .iter()
        .fold(text.clone(), |tried, name| tried.replace(&format!("${{{name}}}"), "x"));
    match regex::Regex::new(&tried) {
        Ok(regex) if regex.is_match("") && regex.is_match("\u{1}no text anybody means\u{1}") => {
            review.note(&node.span, "this pattern matches every text, so it could not fail");
            None
        }
        Ok(_) => Some(Expect::Matches(text)),
        Err(error) => {
            let cause = error.to_string();
            let last = cause.lines().last().unwrap_or_default().trim();
            review.note(&node.span, format!("not a regular expression: {last}"));
            None
        }
    }
}

fn between(node: &Node, review: &mut Review) -> Option<Expect> {
    let mut bounds = some(node, review, literal)?;
    match (bounds.pop(), bounds.pop(), bounds.pop()) {
        (Some(high), Some(low), None) => Some(Expect::Between(low, high)),
        _ => {
            review.note(&node.span, "expected two bounds: [least, most]");
            None
        }
    }
}

fn flag(entry: &Entry, expect: Expect, review: &mut Review) -> Option<Expect> {
    if entry.node.bool(review)? {
        return Some(expect);
    }
    let key = &entry.key;
    review.advise(
        &entry.node.span,
        format!("`{key}` can only be true"),
        format!("for the opposite write `not = {{ {key} = true }}`"),
    );
    None
}

/// The items of a list that has some.
fn some<T>(
    node: &Node,
    review: &mut Review,
    read: impl Fn(&Node, &mut Review) -> Option<T>,
) -> Option<Vec<T>> {
    match &node.item {
        Item::List(items) if items.is_empty() => {
            review.note(&node.span, "an empty list would expect nothing");
            None
        }
        Item::List(items) => {
            // Every item is read, so that every problem is noted, before one is missed.
            let read: Vec<Option<T>> = items.iter().map(|item| read(item, review)).collect();
            read.into_iter().collect()
        }
        _ => {
            review.note(&node.span, format!("expected a list, found {}", node.what()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use std::path::Path;

    fn read(source: &str) -> Result<Expect, String> {
        let source = format!("e = {source}");
        let mut review = Review::default();
        let root = document::read(&source, &mut review);
        let entries = root.entries(&mut review).unwrap();
        let expect = parse(&entries[0].node, &mut review);
        review.finish(Path::new("t"), &source).map_err(|problems| problems.to_string())?;
        Ok(expect.unwrap())
    }

    #[test]
    fn scalar_list_and_table_have_one_meaning_each() {
        assert_eq!(read("true"), Ok(Expect::Equals(Literal::Bool(true))));
        assert_eq!(read(r#"["a", "b"]"#), Ok(Expect::Contains(vec!["a".into(), "b".into()])));
        assert_eq!(
            read(r#"{ not = { equals = "root" } }"#),
            Ok(Expect::Not(Box::new(Expect::Equals(Literal::Text("root".into())))))
        );
    }

    #[test]
    fn what_could_not_fail_is_refused() {
        for source in [
            "{}",
            "[]",
            r#"{ contains = "" }"#,
            r#"{ matches = ".*" }"#,
            r#"{ matches = "x?" }"#,
            "{ any = [] }",
            "{ semver = false }",
            r#"{ starts_with = "" }"#,
        ] {
            assert!(read(source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_misspelt_matcher_gets_a_suggestion() {
        let error = read(r#"{ start_with = "a" }"#).unwrap_err();
        assert!(error.contains("did you mean `starts_with`?"), "{error}");
    }

    #[test]
    fn several_wrong_items_are_all_told() {
        let error = read(r#"{ all = [{ nott = 1 }, { matches = "(" }] }"#).unwrap_err();
        assert_eq!(error.lines().count(), 2, "{error}");
    }
}
