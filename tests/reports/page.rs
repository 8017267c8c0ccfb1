//! The HTML report, read back by a parser of browsers' HTML.

use grade::judge::Came;
use grade::report::View;
use scraper::{ElementRef, Html, Node, Selector};

use crate::class::{class, large, rows, written};

/// All the elements that a page is made of.
const ELEMENTS: &[&str] = &[
    "a",
    "body",
    "button",
    "code",
    "dd",
    "desc",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "input",
    "label",
    "li",
    "line",
    "main",
    "meta",
    "option",
    "output",
    "p",
    "pre",
    "rect",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// A page as a browser reads it.
pub(crate) struct Page {
    html: Html,
}

/// Whether an attribute's value leads anywhere else than into the page.
pub(crate) fn is_reference(value: &str) -> bool {
    !value.starts_with('#')
}

impl Page {
    pub(crate) fn read(text: &str) -> Page {
        Page { html: Html::parse_document(text) }
    }

    fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&Selector::parse(selector).unwrap()).collect()
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.all(selector).len()
    }

    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(|element| element.text().collect()).collect()
    }

    fn attributes(&self, selector: &str, name: &str) -> Vec<&str> {
        self.all(selector).iter().filter_map(|element| element.attr(name)).collect()
    }

    /// Nothing on it comes from anywhere else than the templates: no element, no attribute that
    /// runs or leads out, no comment, and nothing that a parser has to mend.
    pub(crate) fn is_closed(&self) {
        assert_eq!(self.html.errors, Vec::<std::borrow::Cow<'static, str>>::new());
        for node in self.html.tree.values() {
            match node {
                Node::Element(element) => {
                    let name = element.name();
                    assert!(ELEMENTS.contains(&name), "<{name}>");
                    for (attribute, value) in element.attrs() {
                        let leads = ["href", "src", "action", "xlink:href"].contains(&attribute);
                        assert!(!leads || !is_reference(value), "{attribute}={value}");
                        assert!(
                            !attribute.starts_with("on") && attribute != "style",
                            "{attribute}"
                        );
                    }
                }
                Node::Document | Node::Fragment | Node::Doctype(_) | Node::Text(_) => {}
                other => panic!("a page holds no {other:?}"),
            }
        }
        assert_eq!((self.count("script"), self.count("style"), self.count("title")), (1, 1, 1));
    }
}

fn page() -> Page {
    Page::read(&written("html", &class(), &rows(), &View::default()))
}

#[test]
fn a_page_has_a_line_and_a_section_for_each_student() {
    let page = page();
    page.is_closed();
    let anchors = page.attributes("details.student", "data-student");
    assert_eq!(anchors.len(), 8);
    assert_eq!(page.attributes("#grid tbody tr", "data-student"), anchors);
    for link in page.attributes("a[href]", "href") {
        assert_eq!(page.count(&format!("[id='{}']", &link[1..])), 1, "{link} leads somewhere");
    }
}

#[test]
fn what_our_side_owes_stands_on_top() {
    let page = page();
    let headings = page.texts("main h2");
    assert_eq!(
        headings,
        [
            "Needs attention",
            "Overview",
            "What the class did not learn",
            "Without a submission",
            "Students and probes",
            "Each student",
        ]
    );
    let people = page.texts("section[aria-labelledby=attention] li a");
    assert_eq!(people, ["Anna Żak", "Hal", "Eli"]);
    assert_eq!(page.texts("section[aria-labelledby=missing] li a"), ["Fay", "s007"]);
}

#[test]
fn every_picture_is_also_told_in_words() {
    let page = page();
    let shown: Vec<String> = page.texts("svg .above");
    let table: Vec<String> = page.texts("figure table td");
    assert_eq!(
        shown,
        table.iter().filter(|students| *students != "0").cloned().collect::<Vec<_>>()
    );
    assert_eq!(page.count("#grid tbody td.missed .unseen"), page.count("#grid tbody td.missed"));
    for cell in page.texts("#grid tbody td.missed .unseen") {
        assert_eq!(cell, "missed");
    }
    for control in page.all("input, select") {
        let label = control.parent().and_then(ElementRef::wrap).unwrap();
        assert_eq!(label.value().name(), "label");
    }
    for head in page.all("th") {
        assert!(head.attr("scope").is_some(), "{}", head.html());
    }
}

#[test]
fn lateness_and_decisions_stand_beside_what_was_earned() {
    let page = page();
    let cells = page.texts("#grid tbody tr:nth-child(2) td");
    assert_eq!(cells[..3], ["24", "−4.80", "19.20"]);
    let cells = page.texts("#grid tbody tr:nth-child(3) td");
    assert_eq!(cells[..3], ["24", "", "9.25 decided"]);
    let ben = page.texts("#student-2 p").join(" ");
    assert!(ben.contains("Handed in 1 day 2 h late, which costs 4.80 points."), "{ben}");
}

#[test]
fn figures_are_of_the_current_rubric_and_of_what_is_final() {
    let (class, rows) = large(100);
    let page = Page::read(&written("html", &class, &rows, &View::default()));
    let figures = page.texts(".figures dd");
    let provisional = |row: &&grade::judge::Row| match &row.outcome {
        Came::Graded { entry, .. } => entry.grade.is_provisional(),
        _ => false,
    };
    let open = rows.iter().filter(provisional).count();
    assert_eq!(figures[..5], ["100", "94", &open.to_string(), "2", "2"]);
    let students: usize = page
        .texts("figure table td")
        .iter()
        .map(|students| students.parse::<usize>().unwrap())
        .sum();
    assert_eq!(students, 94);
    let missed: Vec<usize> = page
        .texts("section[aria-labelledby=hardest] td:nth-child(2)")
        .iter()
        .map(|text| text.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    assert!(missed.len() > 3 && missed.is_sorted_by(|a, b| a >= b), "{missed:?}");
}
