//! Checking one fact against one expectation.

use crate::fact::{Shape, Value};
use crate::nonce::{Values, fill, hide};

use super::fits::number;
use super::forms::{are_mailboxes, is_semver, is_spdx, is_url};
use super::pattern::is_match;
use super::words;
use super::{Expect, Literal, shown};

/// The outcome of one expectation, worded for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Whether it holds.
    pub met: bool,
    /// What was expected; values made for the run are named, not shown.
    pub expected: String,
    /// What was found, likewise.
    pub found: String,
}

/// Checks a fact, absent when `None`, against an expectation. `values` are those of the run.
pub fn check(expect: &Expect, found: Option<&Value>, values: &Values) -> Check {
    let met = met(expect, found, values);
    let mut expected = hide(&fill(&wording(expect, found, values), values), values);
    let mut told = hide(&shown(found), values);
    // Two texts that look the same differ in what is not seen.
    if let (false, Expect::Equals(Literal::Text(text)), Some(Value::Text(found))) =
        (met, expect, found)
        && plain_words(&expected) == plain_words(&told)
    {
        expected = format!("{:?}", hide(&fill(text, values), values));
        told = format!("{:?}", hide(found, values));
    }
    Check { met, expected, found: told }
}

fn plain_words(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

/// What is expected; of an `all` that is missed only what is not met, as the rest is no news.
fn wording(expect: &Expect, found: Option<&Value>, values: &Values) -> String {
    match expect {
        Expect::All(many) if !met(expect, found, values) => {
            let missed = many.iter().filter(|one| !met(one, found, values));
            words::together(missed.map(|one| wording(one, found, values)))
        }
        _ => expect.wording(),
    }
}

fn met(expect: &Expect, found: Option<&Value>, values: &Values) -> bool {
    let Some(found) = found else {
        return match expect {
            Expect::Absent => true,
            Expect::All(many) => many.iter().all(|one| met(one, None, values)),
            Expect::Any(many) => many.iter().any(|one| met(one, None, values)),
            _ => false,
        };
    };
    match expect {
        Expect::Absent => false,
        Expect::Present => true,
        Expect::Equals(literal) => equals(literal, found, values),
        Expect::OneOf(many) => many.iter().any(|one| equals(one, found, values)),
        Expect::Contains(parts) => {
            parts.iter().map(|part| fill(part, values)).all(|part| contains(found, &part))
        }
        Expect::Matches(pattern) => text(found, |text| is_match(&fill(pattern, values), text)),
        Expect::StartsWith(start) => text(found, |text| text.starts_with(&fill(start, values))),
        Expect::EndsWith(end) => text(found, |text| text.ends_with(&fill(end, values))),
        Expect::AtMost(bound) => compare(found, bound, |found, bound| found <= bound),
        Expect::AtLeast(bound) => compare(found, bound, |found, bound| found >= bound),
        Expect::Between(low, high) => {
            compare(found, low, |found, low| found >= low)
                && compare(found, high, |found, high| found <= high)
        }
        Expect::Semver => text(found, is_semver),
        Expect::Spdx => text(found, is_spdx),
        Expect::Url => text(found, is_url),
        Expect::Mailboxes => text(found, are_mailboxes),
        Expect::Not(inner) => !met(inner, Some(found), values),
        Expect::All(many) => many.iter().all(|one| met(one, Some(found), values)),
        Expect::Any(many) => many.iter().any(|one| met(one, Some(found), values)),
        Expect::AnyItem(inner) => items(found)
            .is_some_and(|items| items.iter().any(|item| met(inner, Some(item), values))),
        Expect::EveryItem(inner) => items(found).is_some_and(|items| {
            !items.is_empty() && items.iter().all(|item| met(inner, Some(item), values))
        }),
        Expect::Length(inner) => {
            length(found).is_some_and(|length| met(inner, Some(&Value::Int(length)), values))
        }
    }
}

fn text(found: &Value, holds: impl Fn(&str) -> bool) -> bool {
    matches!(found, Value::Text(text) if holds(text))
}

fn equals(literal: &Literal, found: &Value, values: &Values) -> bool {
    match (literal, found) {
        (Literal::Bool(literal), Value::Bool(found)) => literal == found,
        (Literal::Int(literal), Value::Int(found)) => literal == found,
        (Literal::Text(literal), Value::Text(found)) => fill(literal, values) == *found,
        (Literal::List(literal), Value::List(found)) => {
            literal.iter().map(|item| fill(item, values)).eq(found.iter().cloned())
        }
        (Literal::Text(_), Value::Bytes(_) | Value::Millis(_)) => {
            compare(found, literal, |found, literal| found == literal)
        }
        _ => false,
    }
}

fn contains(found: &Value, part: &str) -> bool {
    match found {
        Value::Text(text) => text.contains(part),
        Value::List(items) => items.iter().any(|item| item == part),
        Value::Map(map) => map.contains_key(part),
        _ => false,
    }
}

fn compare(found: &Value, bound: &Literal, holds: impl Fn(i128, i128) -> bool) -> bool {
    let (found, shape) = match found {
        Value::Int(number) => (i128::from(*number), Shape::Int),
        Value::Bytes(bytes) => (i128::from(*bytes), Shape::Bytes),
        Value::Millis(millis) => (i128::from(*millis), Shape::Millis),
        _ => return false,
    };
    number(bound, shape).is_some_and(|bound| holds(found, bound))
}

fn items(found: &Value) -> Option<Vec<Value>> {
    match found {
        Value::List(items) => Some(items.iter().cloned().map(Value::Text).collect()),
        _ => None,
    }
}

fn length(found: &Value) -> Option<i64> {
    let length = match found {
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => return None,
    };
    i64::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(expect: Expect, found: impl Into<Value>) -> bool {
        check(&expect, Some(&found.into()), &Values::new()).met
    }

    #[test]
    fn an_absent_fact_meets_nothing_but_absent() {
        let root = Expect::Equals(Literal::Text("root".into()));
        for expect in [
            root.clone(),
            Expect::Not(Box::new(root)),
            Expect::Present,
            Expect::Semver,
            Expect::Not(Box::new(Expect::Absent)),
            Expect::EveryItem(Box::new(Expect::Semver)),
        ] {
            assert!(!check(&expect, None, &Values::new()).met, "{expect:?}");
        }
        assert!(check(&Expect::Absent, None, &Values::new()).met);
    }

    #[test]
    fn a_form_is_asked_for_by_its_own_name() {
        for (form, good, bad) in [
            (Expect::Semver, "1.2.3", "MIT"),
            (Expect::Spdx, "MIT", "1.2.3"),
            (Expect::Url, "https://a.org/b", "A <a@b.org>"),
            (Expect::Mailboxes, "A <a@b.org>", "https://a.org/b"),
        ] {
            assert!(holds(form.clone(), good), "{good}");
            assert!(!holds(form.clone(), bad), "{bad}");
            assert!(!holds(form, 1), "a number");
        }
    }

    #[test]
    fn an_all_that_is_missed_says_what_is_missing_of_it() {
        let ends = |end: &str| Expect::EndsWith(end.into());
        let inner = Expect::All(vec![ends("c"), ends("b")]);
        let expect = Expect::All(vec![Expect::StartsWith("a".into()), inner, ends("d")]);
        let expected = |found: &str| check(&expect, Some(&found.into()), &Values::new()).expected;
        assert_eq!(expected("ab"), "ending with \"c\" and ending with \"d\"");
        assert_eq!(
            expected("d"),
            "starting with \"a\" and ending with \"c\" and ending with \"b\""
        );
        let expect = Expect::All(vec![ends("b"), Expect::Present]);
        let check = check(&expect, Some(&"ab".into()), &Values::new());
        assert_eq!(check.expected, "ending with \"b\" and something");
    }

    #[test]
    fn a_value_of_the_run_is_compared_and_never_shown() {
        let made = crate::nonce::Made { value: "abc123".into(), says: "‹token›".into() };
        let values = Values::from([("token".to_owned(), made)]);
        let expect = Expect::Equals(Literal::Text("${token}".into()));
        let check = check(&expect, Some(&"x abc123".into()), &values);
        assert_eq!(
            (check.met, check.expected.as_str(), check.found.as_str()),
            (false, "\"‹token›\"", "\"x ‹token›\"")
        );
    }
}
