//! Text of an engine or a build as plain text: no escape sequences, no control characters.

/// Removes ANSI escape sequences and control characters, and makes every line end a line feed.
/// A lone carriage return, with which progress bars overwrite their line, ends a line, too.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\r' => {
                chars.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\n' | '\t' => clean.push(c),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows an ESC: a control sequence, a string that ends with BEL or ESC \, or one or two
/// characters.
fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek().copied() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            chars.next();
            // An unfinished string must not swallow the rest of the text: it ends with its line.
            while let Some(c) = chars.next_if(|c| !matches!(c, '\n' | '\r')) {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some(' '..='/') => {
            chars.next();
            chars.next_if(|c| matches!(c, '0'..='~'));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn colours_and_titles_go() {
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m"), "red");
        assert_eq!(clean("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(clean("\u{1b}]8;;http://x\u{1b}\\link"), "link");
        assert_eq!(clean("\u{1b}(Bplain\u{9b}2K"), "plain");
    }

    #[test]
    fn an_unfinished_sequence_swallows_no_line() {
        assert_eq!(clean("\u{1b}]0;never ended\nnext"), "\nnext");
        assert_eq!(clean("end\u{1b}"), "end");
    }

    #[test]
    fn line_ends_are_line_feeds() {
        assert_eq!(clean("a\r\nb\rc\n"), "a\nb\nc\n");
    }

    #[test]
    fn other_control_characters_go_and_letters_stay() {
        assert_eq!(clean("a\0b\u{8}c\u{7f}\té"), "abc\té");
    }
}
