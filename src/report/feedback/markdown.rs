//! Text that may stand in Markdown, of CommonMark's or GitHub's kind, and is nothing but text there.

use crate::judge::{line, plain};
use crate::report::words::pieces;

/// The most characters of one text.
const LONGEST: usize = 2_000;
/// The most backticks together around code: readers count up to 80 and take more for text.
const TICKS: usize = 40;
/// Invisible, no space and no letter: between two characters it keeps them from being a mention, a
/// reference or an address.
const JOINER: char = '\u{2060}';

/// A sentence: one line in which nothing is markup, a link, a mention or a reference.
pub(super) fn prose(text: &str) -> String {
    let text = line(text, LONGEST);
    let mut prose = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    let mut word = String::new();
    while let Some(c) = rest.next() {
        if is_markup(c, &word, prose.is_empty()) {
            prose.push('\\');
        }
        prose.push(c);
        word.push(c.to_ascii_lowercase());
        let begins = matches!(c, '@' | '#' | ':' | '!' | '~' | '$' | '%' | '&')
            || word.ends_with("www")
            || word.ends_with("gh-");
        // What sites make a mention, a reference or an address of when Markdown has been read.
        if begins && rest.peek().is_some_and(|next| !next.is_whitespace()) {
            prose.push(JOINER);
        }
        if c.is_whitespace() {
            word.clear();
        }
    }
    prose
}

/// A rubric's sentence: as [`prose`], with code where the rubric has backticks. In a line of a table,
/// which a bar would end, too.
pub(super) fn formatted(text: &str) -> String {
    let text = line(text, LONGEST);
    let mut whole = String::with_capacity(text.len() + 16);
    for piece in pieces(&text) {
        if piece.code {
            whole.push_str(&code(&piece.text).replace('|', "\\|"));
        } else {
            let edge = |c: Option<char>| if c.is_some_and(char::is_whitespace) { " " } else { "" };
            let inner = piece.text.trim();
            whole.push_str(edge(piece.text.chars().next()));
            whole.push_str(&prose(inner));
            if !inner.is_empty() {
                whole.push_str(edge(piece.text.chars().last()));
            }
        }
    }
    whole
}

/// Whether a character may be markup, after the beginning of its word. Others stay as they are, as a
/// page is also read where nobody makes it pretty.
fn is_markup(c: char, word: &str, is_first: bool) -> bool {
    let numbers = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    match c {
        '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '~' | '|' | '&' | '$' => true,
        // A list, a rule or the line under a heading.
        '-' | '+' | '=' => is_first,
        '.' | ')' => numbers,
        _ => false,
    }
}

/// A text as code, one line.
pub(super) fn code(text: &str) -> String {
    let text = line(text, LONGEST);
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    let run = longest_run(&text);
    if run >= TICKS {
        return prose(&text);
    }
    let ticks = "`".repeat(run + 1);
    // A tick at an end would join the others; the spaces are taken off again.
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// A text as a block of code; nothing where there is nothing to read.
pub(super) fn fence(text: &str) -> Option<String> {
    let text = plain(text);
    let ticks = "`".repeat(longest_run(&text).max(2) + 1);
    (!text.trim().is_empty())
        .then(|| format!("{ticks}text\n{}\n{ticks}\n", text.trim_end_matches('\n')))
}

/// The most backticks that stand together.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        assert_eq!(fence("a").unwrap(), "```text\na\n```\n");
        assert_eq!(fence("```\n````` x\n").unwrap(), "``````text\n```\n````` x\n``````\n");
        assert_eq!(fence("\u{0}\n"), None);
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(code(&"`".repeat(100)), "\\`".repeat(100));
    }

    #[test]
    fn backticks_of_a_rubric_make_code() {
        assert_eq!(formatted("Run `ls *` and <b>."), "Run `ls *` and \\<b\\>.");
        assert_eq!(formatted("a `b` `c|d`"), "a `b` `c\\|d`");
        assert_eq!(formatted("one ` alone"), "one \\` alone");
    }

    #[test]
    fn a_sentence_is_one_line_without_mentions() {
        assert_eq!(prose("a\n# b: c, d-e."), "a \\# b: c, d-e.");
        assert_eq!(prose("@ada <b>"), "@\u{2060}ada \\<b\\>");
        assert_eq!(prose("WWW.x"), "WWW\u{2060}.x");
        assert_eq!(prose("see http://x"), "see http:\u{2060}//x");
        assert_eq!(prose("- 12. x"), "\\- 12\\. x");
    }
}
