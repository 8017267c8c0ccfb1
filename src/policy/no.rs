//! What a request gets instead of the engine's answer.

use http::StatusCode;

/// The most characters of a student's text that a sentence quotes.
const QUOTED: usize = 100;

/// Why a request does not reach the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// The course does not allow it: 403, and a fact for the grade.
    Refused(String),
    /// There is nothing of that name, as far as the student can see: 404 in the engine's words.
    Absent(String),
    /// The request makes no sense to us, or would make another to the engine: 400.
    Bad(String),
    /// More was asked than we do for one play, and that was told before: 429.
    Busy(String),
}

impl No {
    /// A refusal of what a command asked for, in the words of the command line.
    pub(super) fn asked(what: impl std::fmt::Display) -> Self {
        Self::Refused(format!("your command asked for {what}, which this course does not allow"))
    }

    pub(super) fn bad(what: impl Into<String>) -> Self {
        Self::Bad(what.into())
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(super) fn sentence(&self) -> &str {
        let (Self::Refused(sentence)
        | Self::Absent(sentence)
        | Self::Bad(sentence)
        | Self::Busy(sentence)) = self;
        sentence
    }
}

/// A student's text inside a sentence of ours: one line of harmless letters, and not too long.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| if c.is_control() || is_invisible(c) { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(QUOTED).map(plain).collect();
    if text.chars().nth(QUOTED).is_some() {
        short.push('…');
    }
    short
}

/// Marks that turn the direction of a text or take no room: they make it look like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_one_short_harmless_line() {
        assert_eq!(quoted("/etc"), "/etc");
        assert_eq!(quoted("a\u{1b}[31m\nb\u{202e}"), "a\u{fffd}[31m\u{fffd}b\u{fffd}");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), QUOTED + 1);
    }
}
