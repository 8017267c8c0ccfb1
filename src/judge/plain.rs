//! Student text as plain text: the one place where it is made safe to print.

/// The text without ANSI sequences and control characters other than line feed and tab. Carriage
/// returns end lines; characters that reorder what is shown after them are taken out, too.
pub fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_shown = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    // A sequence begins with a control character, and to look for sequences takes long.
    let text = match text.chars().all(is_shown) {
        true => text,
        false => anstream::adapter::strip_str(&text).to_string(),
    };
    text.chars()
        .filter(|c| is_shown(*c))
        .filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'))
        .collect()
}

/// The text as one plain line of at most `most` characters.
pub fn line(text: &str, most: usize) -> String {
    let joined = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &joined[..cut]),
        None => joined,
    }
}

/// The last lines of a log, each of bounded length.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let text = plain(text);
    let all: Vec<&str> = text.trim_end().lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    let cut = last.iter().map(|line| match line.char_indices().nth(500) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => (*line).to_owned(),
    });
    cut.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_moves_a_cursor_or_hides_a_word() {
        let text = "a\u{1b}[2Jb\u{7}c\u{0}\rd\u{202e}e\u{1b}]0;title\u{7}f";
        assert_eq!(plain(text), "abc\ndef");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("a\n b\tc", 99), "a b c");
        assert_eq!(line("äöü", 2), "äö…");
    }

    #[test]
    fn the_end_of_a_log_is_what_counts() {
        assert_eq!(tail("1\n2\n3\n\n", 2), "2\n3");
    }
}
