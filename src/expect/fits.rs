//! Whether an expectation can be asked of a fact's shape at all; found out when a rubric is
//! loaded, so that a matcher which could never hold, or never fail, does not reach a student.

use crate::fact::Shape;
use crate::unit::{parse_bytes, parse_duration};

use super::{Expect, Literal};

/// Tells whether `expect` makes sense of a fact of this shape.
///
/// # Errors
/// A sentence for the rubric's author.
pub fn fits(expect: &Expect, shape: Shape) -> Result<(), String> {
    match expect {
        Expect::Absent | Expect::Present => Ok(()),
        Expect::Equals(literal) => value_fits(literal, shape),
        Expect::OneOf(literals) => literals.iter().try_for_each(|one| value_fits(one, shape)),
        Expect::Contains(_) => only(expect, shape, &[Shape::Text, Shape::List, Shape::Map]),
        Expect::Matches(_)
        | Expect::StartsWith(_)
        | Expect::EndsWith(_)
        | Expect::Semver
        | Expect::Spdx
        | Expect::Url
        | Expect::Mailboxes => only(expect, shape, &[Shape::Text]),
        Expect::AtMost(bound) => quantity_fits(expect, bound, shape),
        Expect::AtLeast(bound) => {
            quantity_fits(expect, bound, shape)?;
            if shape != Shape::Int && number(bound, shape) == Some(0) {
                return Err(format!("every {shape} is at least 0, so this could not fail"));
            }
            Ok(())
        }
        Expect::Between(low, high) => {
            quantity_fits(expect, low, shape)?;
            quantity_fits(expect, high, shape)?;
            if number(low, shape) > number(high, shape) {
                return Err("the first bound is above the second, so nothing lies between".into());
            }
            Ok(())
        }
        Expect::Not(inner) => fits(inner, shape),
        Expect::All(many) | Expect::Any(many) => many.iter().try_for_each(|one| fits(one, shape)),
        Expect::AnyItem(inner) | Expect::EveryItem(inner) => {
            only(expect, shape, &[Shape::List])?;
            fits(inner, Shape::Text)
        }
        Expect::Length(inner) => {
            only(expect, shape, &[Shape::Text, Shape::List, Shape::Map])?;
            if matches!(**inner, Expect::AtLeast(Literal::Int(..=0))) {
                return Err("every length is at least 0, so this could not fail".into());
            }
            fits(inner, Shape::Int)
        }
    }
}

fn only(expect: &Expect, shape: Shape, possible: &[Shape]) -> Result<(), String> {
    if possible.contains(&shape) {
        return Ok(());
    }
    let names: Vec<String> = possible.iter().map(ToString::to_string).collect();
    Err(format!("`{}` needs a {}, and this fact is a {shape}", expect.name(), names.join(" or ")))
}

fn value_fits(literal: &Literal, shape: Shape) -> Result<(), String> {
    match (literal, shape) {
        (Literal::Bool(_), Shape::Bool)
        | (Literal::Int(_), Shape::Int)
        | (Literal::Text(_), Shape::Text)
        | (Literal::List(_), Shape::List) => Ok(()),
        (Literal::Text(text), Shape::Bytes) => parse_bytes(text).map(drop),
        (Literal::Text(text), Shape::Millis) => parse_duration(text).map(drop),
        _ => {
            Err(format!("this fact is a {shape}, and {} is a {}", literal.shown(), literal.what()))
        }
    }
}

fn quantity_fits(expect: &Expect, literal: &Literal, shape: Shape) -> Result<(), String> {
    only(expect, shape, &[Shape::Int, Shape::Bytes, Shape::Millis])?;
    value_fits(literal, shape)
}

/// The number that a bound means for a fact of this shape.
pub(super) fn number(literal: &Literal, shape: Shape) -> Option<i128> {
    match (literal, shape) {
        (Literal::Int(number), Shape::Int) => Some(i128::from(*number)),
        (Literal::Text(text), Shape::Bytes) => parse_bytes(text).ok().map(i128::from),
        (Literal::Text(text), Shape::Millis) => {
            parse_duration(text).ok().map(|long| i128::from(crate::unit::millis(long)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Literal {
        Literal::Text(text.into())
    }

    #[test]
    fn sizes_and_durations_are_read_by_the_facts_shape() {
        assert_eq!(fits(&Expect::AtMost(text("80MB")), Shape::Bytes), Ok(()));
        assert!(fits(&Expect::AtMost(text("80MB")), Shape::Millis).is_err());
        assert!(fits(&Expect::AtMost(text("80MB")), Shape::Text).is_err());
        assert!(fits(&Expect::AtMost(Literal::Int(3)), Shape::Bytes).is_err());
    }

    #[test]
    fn what_could_not_fail_or_not_hold_is_refused() {
        assert!(fits(&Expect::AtLeast(text("0B")), Shape::Bytes).is_err());
        assert!(fits(&Expect::Between(Literal::Int(3), Literal::Int(1)), Shape::Int).is_err());
        assert!(fits(&Expect::Equals(Literal::Bool(true)), Shape::Text).is_err());
        let length = Expect::Length(Box::new(Expect::AtLeast(Literal::Int(0))));
        assert!(fits(&length, Shape::List).is_err());
    }

    #[test]
    fn items_and_lengths_are_judged_by_their_own_shape() {
        let positive = Expect::AtLeast(Literal::Int(1));
        assert_eq!(fits(&Expect::Length(Box::new(positive.clone())), Shape::List), Ok(()));
        assert!(fits(&Expect::Length(Box::new(positive)), Shape::Bool).is_err());
        assert_eq!(fits(&Expect::AnyItem(Box::new(Expect::Semver)), Shape::List), Ok(()));
        assert!(fits(&Expect::Semver, Shape::List).is_err());
    }
}
