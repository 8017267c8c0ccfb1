//! The feedback page: goldens, and that no text is anything but text, by a reader of GitHub's
//! Markdown.

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use grade::judge::{Mark, Row, Verdict, plain};
use grade::report::{View, find};

use crate::class::{class, rows};
use crate::golden::golden;

/// A student's page.
pub(crate) fn page(row: &Row, show_hidden: bool) -> String {
    let report = (find("feedback").unwrap().report)(&View { show_hidden, ..View::default() });
    String::from_utf8(report.student(&class(), row).unwrap().unwrap()).unwrap()
}

/// What a reader of Markdown finds on a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) headings: usize,
    pub(crate) rows: usize,
    pub(crate) blocks: Vec<String>,
    pub(crate) texts: Vec<String>,
}

/// Reads a page with all that GitHub makes of Markdown, and panics for whatever it must not hold.
pub(crate) fn read(page: &str) -> Found {
    let mut options = Options::default();
    let extension = &mut options.extension;
    (extension.autolink, extension.table, extension.strikethrough) = (true, true, true);
    (extension.tasklist, extension.footnotes, extension.alerts) = (true, true, true);
    (extension.math_dollars, extension.math_code) = (true, true);
    let arena = Arena::new();
    let mut found = Found::default();
    for node in parse_document(&arena, page, &options).descendants() {
        visit(node, page, &mut found);
    }
    found
}

fn visit<'a>(node: &'a AstNode<'a>, page: &str, found: &mut Found) {
    match &node.data.borrow().value {
        NodeValue::Heading(_) => found.headings += 1,
        NodeValue::TableRow(false) => found.rows += 1,
        NodeValue::CodeBlock(block) => found.blocks.push(block.literal.clone()),
        NodeValue::Text(text) => found.texts.push(text.to_string()),
        NodeValue::Document
        | NodeValue::Paragraph
        | NodeValue::BlockQuote
        | NodeValue::Table(_)
        | NodeValue::TableRow(true)
        | NodeValue::TableCell
        | NodeValue::List(_)
        | NodeValue::Item(_)
        | NodeValue::Strong
        | NodeValue::Code(_)
        | NodeValue::SoftBreak => {}
        other => panic!("a page holds no {other:?}: {page}"),
    }
}

/// Whether a mark waits for another one, and is told there.
pub(crate) fn waits(mark: &Mark, marks: &[Mark]) -> bool {
    let blocked = |mark: &Mark| matches!(mark.verdict, Verdict::Skipped { by: Some(_) });
    match &mark.verdict {
        Verdict::Skipped { by: Some(by) } => marks.iter().any(|one| one.id == *by && !blocked(one)),
        _ => false,
    }
}

/// Checks a page against the marks that it is of.
pub(crate) fn check(page: &str, marks: &[Mark], show_hidden: bool) {
    let found = read(page);
    let rows = marks.iter().filter(|mark| !waits(mark, marks)).count();
    assert_eq!(found.rows, rows, "{page}");
    let shown = |mark: &&Mark| show_hidden || !mark.hidden;
    let told = |mark: &&Mark| {
        let first = marks.iter().find(|one| one.verdict == mark.verdict) == Some(mark);
        matches!(mark.verdict, Verdict::Missed(_)) || (mark.is_unjudged() && first)
    };
    let sections: Vec<&Mark> = marks.iter().filter(shown).filter(told).collect();
    assert_eq!(found.headings, sections.len() + 1, "{page}");
    let logs = sections.iter().filter_map(|mark| mark.feedback.log.as_deref());
    let logs = logs.filter(|log| !log.trim().is_empty());
    // A reader may take white space off the end of a block's last line, and NUL for U+FFFD.
    let logs: Vec<String> = logs.map(|log| plain(log).trim_end_matches('\n').to_owned()).collect();
    let blocks: Vec<&str> = found.blocks.iter().map(|block| block.trim_end_matches('\n')).collect();
    let logs: Vec<&String> = logs.iter().filter(|log| !log.trim().is_empty()).collect();
    assert_eq!(blocks, logs, "{page}");
    let all = found.texts.join("\u{0}");
    let links = regex::Regex::new(
        r"(?i)(^|[^\w/])@[a-z0-9]|://|\bwww\.|(^|\W)(#|gh-)[0-9]|[\w.+-]@[\w-]+\.",
    )
    .unwrap();
    assert_eq!(links.find(&all).map(|found| found.as_str()), None, "{all}");
}

#[test]
fn a_student_reads_a_page() {
    let rows = rows();
    golden("feedback.md", &page(&rows[0], false));
    golden("feedback-late.md", &page(&rows[1], false));
    golden("feedback-missing.md", &page(&rows[6], false));
    golden("feedback-unreached.md", &page(&rows[7], false));
}

#[test]
fn a_page_says_that_its_rubric_is_not_the_current_one() {
    let rows = rows();
    assert!(page(&rows[4], false).contains("older version of the rubric"));
    assert!(!page(&rows[1], false).contains("older version of the rubric"));
}

#[test]
fn no_output_leaves_its_fence() {
    let mut row = rows().remove(0);
    let grade::judge::Came::Graded { entry, .. } = &mut row.outcome else { panic!() };
    let log = "```\n</details>\n# heading\n````\n@ada <img src=x> ![i](http://x) \n~~~";
    entry.grade.marks[2].feedback.log = Some(log.into());
    entry.grade.marks[2].feedback.message =
        "| a | <script>alert(1)</script> [x](http://x) @ada #12 http://x.example www.x.example a@b.example".into();
    // Readers know no code between more than 80 backticks.
    entry.grade.marks[2].feedback.found = Some(format!("{} <b> [x](http://x)", "`".repeat(90)));
    let marks = entry.grade.marks.clone();
    check(&page(&row, false), &marks, false);
}
