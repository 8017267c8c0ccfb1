//! Text in cells of CSV that people open in spreadsheets.
//!
//! A spreadsheet computes a cell that begins with `=`, `+`, `-` or `@`, whatever its quotes. What
//! students have a say in, their names above all, must not: such a cell begins with an apostrophe,
//! which a spreadsheet takes for "this is text". Programs see it and may take it off.

use crate::judge::line;

/// The most characters of a cell.
const LONGEST: usize = 1_000;
/// What begins a formula, in the wide forms of East Asian keyboards, too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The text as one line that is text in every spreadsheet. Tabs and line ends are spaces.
pub(super) fn cell(text: &str) -> String {
    let text = line(text, LONGEST);
    // Where the comma is for fractions, spreadsheets split lines at semicolons instead, and then
    // quotes inside a cell are its first characters.
    let parts = text.split(';').map(|part| {
        let first = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"').chars().next();
        let computes = first.is_some_and(|first| FORMULA.contains(&first));
        format!("{}{part}", if computes { "'" } else { "" })
    });
    parts.collect::<Vec<_>>().join(";")
}

/// The text in a cell, which is empty where there is none.
pub(super) fn optional(text: Option<&str>) -> String {
    text.map(cell).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'=1"),
            ("\r\n=1", "'=1"),
            ("\u{0}=1", "'=1"),
            ("\u{feff}=1", "'=1"),
            ("＝1", "'＝1"),
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a;' \"=1"),
            ("\"=1", "'\"=1"),
        ] {
            assert_eq!(cell(text), safe, "{text:?}");
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "Ada", "a=b", "a - b", "O'Neill; Jr", "007", "ä, \"ö\""] {
            assert_eq!(cell(text), text);
        }
    }
}
