//! Student text as plain text: the one place where it is made safe to print.

use crate::expect::is_invisible;

/// The text without ANSI sequences and control characters other than line feed and tab. Carriage
/// returns end lines. What is not seen is taken out, too: it hides words from whoever searches for
/// them, makes two texts look the same, and turns what is shown after it around. That parts an emoji
/// that is joined from several.
pub fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_shown = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    // A sequence begins with a control character, and to look for sequences takes long.
    let text = match text.chars().all(is_shown) {
        true => text,
        false => anstream::adapter::strip_str(&text).to_string(),
    };
    let mut plain = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars().filter(|c| is_shown(*c)) {
        // These choose whether the character before them looks as text or as an emoji.
        let chooses = matches!(c, '\u{FE0E}' | '\u{FE0F}')
            && !before.is_ascii()
            && !before.is_whitespace()
            && !is_invisible(before);
        if chooses || !is_invisible(c) {
            plain.push(c);
            before = c;
        }
    }
    plain
}

/// The text as one plain line of at most `most` characters.
pub fn line(text: &str, most: usize) -> String {
    let joined = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &joined[..cut]),
        None => joined,
    }
}

/// The text as one plain line, of which at most `most` characters of its end are kept.
pub(super) fn end_of_line(text: &str, most: usize) -> String {
    let joined = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.chars().count().checked_sub(most) {
        Some(cut) if cut > 0 => format!("…{}", joined.chars().skip(cut).collect::<String>()),
        _ => joined,
    }
}

/// The last lines of a log, each of bounded length: of a long one its beginning and its end.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let text = plain(text);
    let all: Vec<&str> = text.trim_end().lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    let cut = last.iter().map(|line| match line.chars().count() {
        count if count > 500 => {
            let part = |from, many| line.chars().skip(from).take(many).collect::<String>();
            format!("{} … {}", part(0, 200), part(count - 300, 300))
        }
        _ => (*line).to_owned(),
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
    fn what_is_not_seen_is_taken_out() {
        for c in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{202a}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{fe0f}',
            '\u{e0001}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{3164}',
        ] {
            assert_eq!(plain(&format!("a{c}b")), "ab", "{c:?}");
        }
        let shown = "naïve — 容器 “x”\u{a0}é e\u{301} \u{600} ❤\u{fe0f} \u{1F600}";
        assert_eq!(plain(shown), shown);
        // Selectors without end are letters of a message of their own.
        assert_eq!(plain("❤\u{fe0f}\u{fe01}\u{fe02}"), "❤\u{fe0f}");
        assert_eq!(plain("\u{1F469}\u{200d}\u{1F680}"), "\u{1F469}\u{1F680}");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("a\n b\tc", 99), "a b c");
        assert_eq!(line("äöü", 2), "äö…");
        assert_eq!(
            (end_of_line("ä\nöü", 2).as_str(), end_of_line("äö", 2).as_str()),
            ("…öü", "äö")
        );
    }

    #[test]
    fn the_end_of_a_log_is_what_counts() {
        assert_eq!(tail("1\n2\n3\n\n", 2), "2\n3");
        assert!(tail(&format!("a{}z", "-".repeat(1000)), 1).ends_with("--z"));
        assert_eq!(end_of_line("a\nbc d", 3), "…c d");
        assert_eq!(end_of_line("a\nb", 3), "a b");
    }
}
