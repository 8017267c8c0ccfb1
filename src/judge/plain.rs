//! Student text as plain text: the one place where it is made safe to print.

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

/// Whether a character is not seen by itself: what Unicode calls `Default_Ignorable_Code_Point`,
/// those that are not assigned yet included, and the marks of annotations.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// The text as one plain line of at most `most` characters.
pub fn line(text: &str, most: usize) -> String {
    let joined = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &joined[..cut]),
        None => joined,
    }
}

/// The end of a text as one plain line of at most `most` characters.
pub(super) fn line_end(text: &str, most: usize) -> String {
    let joined = line(text, usize::MAX);
    let excess = joined.chars().count().saturating_sub(most);
    match joined.char_indices().nth(excess) {
        Some((cut, _)) if excess > 0 => format!("…{}", &joined[cut..]),
        _ => joined,
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
        assert_eq!((line_end("ä\nöü", 2).as_str(), line_end("äö", 2).as_str()), ("…öü", "äö"));
    }

    #[test]
    fn the_end_of_a_log_is_what_counts() {
        assert_eq!(tail("1\n2\n3\n\n", 2), "2\n3");
    }
}
