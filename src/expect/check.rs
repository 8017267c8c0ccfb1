//! Checking one fact against one expectation.

use crate::fact::{Shape, Value};
use crate::nonce::{Values, fill, hide};

use super::fits::number;
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
    Check {
        met: met(expect, found, values),
        expected: hide(&fill(&expect.wording(), values), values),
        found: hide(&shown(found), values),
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
        Expect::Matches(pattern) => text(found, |text| {
            regex::Regex::new(&fill(pattern, values)).is_ok_and(|regex| regex.is_match(text))
        }),
        Expect::StartsWith(start) => text(found, |text| text.starts_with(&fill(start, values))),
        Expect::EndsWith(end) => text(found, |text| text.ends_with(&fill(end, values))),
        Expect::AtMost(bound) => compare(found, bound, |found, bound| found <= bound),
        Expect::AtLeast(bound) => compare(found, bound, |found, bound| found >= bound),
        Expect::Between(low, high) => {
            compare(found, low, |found, low| found >= low)
                && compare(found, high, |found, high| found <= high)
        }
        Expect::Semver => text(found, |text| semver::Version::parse(text).is_ok()),
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

/// SPDX identifiers are matched without regard to case, as the specification's annex D says.
fn is_spdx(text: &str) -> bool {
    let mode = spdx::ParseMode { allow_deprecated: true, ..spdx::ParseMode::STRICT };
    spdx::Expression::parse_mode(text, mode).is_ok()
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.path().trim_matches('/').len() > 1
    }) && !text.contains(char::is_whitespace)
}

fn are_mailboxes(text: &str) -> bool {
    let Ok(list) = mailparse::addrparse(text) else { return false };
    !list.is_empty()
        && list.iter().all(|one| match one {
            mailparse::MailAddr::Single(one) => {
                one.display_name.as_ref().is_some_and(|name| !name.trim().is_empty())
                    && is_mail(&one.addr)
            }
            mailparse::MailAddr::Group(_) => false,
        })
}

fn is_mail(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !address.contains(char::is_whitespace)
    })
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
    fn a_semantic_version_has_three_numbers_and_no_v() {
        for good in ["1.2.3", "0.0.1", "1.2.3-rc.1+build.5"] {
            assert!(holds(Expect::Semver, good), "{good}");
        }
        for bad in ["v1.2.3", "1.2", "1.2.3.4", "", "01.2.3", " 1.2.3", "latest"] {
            assert!(!holds(Expect::Semver, bad), "{bad}");
        }
    }

    #[test]
    fn a_licence_is_an_expression_of_known_identifiers() {
        for good in [
            "MIT",
            "Apache-2.0",
            "MIT OR Apache-2.0",
            "GPL-2.0-or-later WITH Classpath-exception-2.0",
            "GPL-3.0",
            "(MIT AND BSD-3-Clause)",
        ] {
            assert!(holds(Expect::Spdx, good), "{good}");
        }
        for bad in ["MIT License", "Apache 2.0", "", "mine", "MIT,BSD-3-Clause", "MIT OR"] {
            assert!(!holds(Expect::Spdx, bad), "{bad}");
        }
    }

    #[test]
    fn a_source_is_a_web_address_of_something() {
        for good in ["https://github.com/ada/engine", "http://git.example.org/x.git"] {
            assert!(holds(Expect::Url, good), "{good}");
        }
        for bad in [
            "git@github.com:ada/engine.git",
            "github.com/ada/engine",
            "https://",
            "https://github.com/",
            "ftp://a/b",
            "https://a b/c",
        ] {
            assert!(!holds(Expect::Url, bad), "{bad}");
        }
    }

    #[test]
    fn authors_are_names_with_addresses() {
        for good in [
            "Ada Lovelace <ada@maths.org>",
            "Ada L <a@b.org>, Charles Babbage <c@d.org>",
            "Zoë Müller <zoe@uni.example>",
        ] {
            assert!(holds(Expect::Mailboxes, good), "{good}");
        }
        for bad in [
            "Ada",
            "ada@maths.org",
            "<ada@maths.org>",
            "",
            "Ada <ada>",
            "Ada <ada@maths.org>, Charles",
        ] {
            assert!(!holds(Expect::Mailboxes, bad), "{bad}");
        }
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
