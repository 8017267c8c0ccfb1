//! Patterns, each compiled once: a class is judged by the same few, over and over, and to compile
//! one takes far longer than to look for it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

/// Patterns that are kept. Those with values of a run in them are new each time.
const KEPT: usize = 256;

static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);

/// Whether a pattern matches somewhere in a text; one that is no pattern matches nothing.
pub(super) fn is_match(pattern: &str, text: &str) -> bool {
    compiled(pattern).is_some_and(|regex| regex.is_match(text))
}

fn compiled(pattern: &str) -> Option<Regex> {
    let all = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = all().get(pattern) {
        return Some(regex.clone());
    }
    let regex = Regex::new(pattern).ok()?;
    let mut all = all();
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(pattern.to_owned(), regex.clone());
    Some(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_patterns_there_are_each_matches_what_it_says() {
        for number in 0..KEPT * 2 + 3 {
            let pattern = format!("^x{number}$");
            for _ in 0..2 {
                assert!(is_match(&pattern, &format!("x{number}")));
                assert!(!is_match(&pattern, &format!("x{number}0")));
            }
        }
        assert!(!is_match("(", "("));
    }
}
