//! JUnit XML read back with a real parser.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer, XmlVersion};

/// The attributes of an element.
pub(crate) type Attributes = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub(crate) struct Suite {
    pub(crate) attributes: Attributes,
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) attributes: Attributes,
    /// What stands in the case: its name, attributes and text.
    pub(crate) outcomes: Vec<(String, Attributes, String)>,
}

impl Suite {
    pub(crate) fn name(&self) -> &str {
        &self.attributes["name"]
    }
}

impl Case {
    pub(crate) fn attribute(&self, name: &str) -> &str {
        &self.attributes[name]
    }
}

/// Reads suites and cases, and panics for whatever a report must not hold.
pub(crate) fn read(xml: &str) -> Vec<Suite> {
    let mut reader = Reader::from_str(xml);
    let mut suites: Vec<Suite> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        match event {
            Event::Start(start) => {
                enter(&mut suites, &open, &start);
                open.push(name(&start));
            }
            Event::Empty(start) => enter(&mut suites, &open, &start),
            Event::End(_) => drop(open.pop()),
            Event::CData(text) => {
                let case = suites.last_mut().unwrap().cases.last_mut().unwrap();
                case.outcomes.last_mut().unwrap().2.push_str(&text.xml10_content());
            }
            Event::Text(text) => assert_eq!(text.xml10_content().trim(), "", "text outside CDATA"),
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("a report holds no {other:?}"),
        }
    }
    assert!(open.is_empty());
    suites
}

fn name(start: &BytesStart) -> String {
    String::from_utf8(start.name().as_ref().into()).unwrap()
}

fn enter(suites: &mut Vec<Suite>, open: &[String], start: &BytesStart) {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let key = String::from_utf8(attribute.key.as_ref().into()).unwrap();
        (key, attribute.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned())
    });
    let attributes: Attributes = attributes.collect();
    let open: Vec<&str> = open.iter().map(String::as_str).collect();
    match (open.as_slice(), name(start).as_str()) {
        ([], "testsuites") => {}
        (["testsuites"], "testsuite") => suites.push(Suite { attributes, cases: Vec::new() }),
        (["testsuites", "testsuite"], "testcase") => {
            let case = Case { attributes, outcomes: Vec::new() };
            suites.last_mut().unwrap().cases.push(case);
        }
        (["testsuites", "testsuite", "testcase"], outcome @ ("failure" | "error" | "skipped")) => {
            let case = suites.last_mut().unwrap().cases.last_mut().unwrap();
            case.outcomes.push((outcome.to_owned(), attributes, String::new()));
        }
        (path, other) => panic!("<{other}> inside {path:?}"),
    }
}

/// The same XML with one element a line, for reading.
pub(crate) fn indented(xml: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Text(text) if text.xml10_content().trim().is_empty() => {}
            event => writer.write_event(event).unwrap(),
        }
    }
    String::from_utf8(writer.into_inner()).unwrap()
}
