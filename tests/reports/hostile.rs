//! Hostile texts in every field, through every format and back.

use grade::evidence::{EngineStamp, Provenance};
use grade::expect::Check;
use grade::judge::{Entry, Feedback, Grade, Gradebook, Mark, Place, Verdict, plain};
use grade::report::{Report, json::Json, junit::Junit, text::Text};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::{schema, xml};

/// What breaks out of XML, a terminal, JSON or a workflow's log, and what is merely odd.
const PIECES: &[&str] = &[
    "]]>",
    "]]",
    "]",
    ">",
    "]]&gt;",
    "<![CDATA[",
    "<!--",
    "-->",
    "--",
    "<?xml?>",
    "<!DOCTYPE x>",
    "</failure></testcase><testcase name=\"forged\"/>",
    "<testcase name='forged' time='1'/>",
    "</testsuites>",
    "&#0;",
    "&#xFFFE;",
    "&lt;",
    "&",
    "\"",
    "'",
    "\u{0}",
    "\u{1}",
    "\u{8}",
    "\u{c}",
    "\u{1b}[31m",
    "\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{9b}31m",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{FEFF}",
    "\u{202e}",
    "\u{200b}",
    "\u{200d}",
    "\u{ad}",
    "\u{61c}",
    "\u{180e}",
    "\u{2066}",
    "\u{fffa}",
    "\u{fe0f}\u{fe01}",
    "\u{e0041}",
    "\u{2028}",
    "\u{1FFFE}",
    "\u{10FFFF}",
    "\\ud800",
    "\\udfff",
    "\r\n",
    "\r",
    "\n",
    "\t",
    " ",
    "::error::forged",
    "容器",
    "\u{1F600}",
    "e\u{301}",
    "{fact}",
    "../../etc/passwd",
    "</script><script>alert(1)</script>",
    "</style>",
    "</pre></details></td></table>",
    "<img src=x onerror=alert(1)>",
    "' onclick='x",
    "<!--<script>",
    "<plaintext>",
    "<svg onload=x>",
    "```",
    "~~~",
    "`",
    "![i](https://x.example/i)",
    "[x](javascript:x)",
    "[^1]: x",
    "https://x.example/",
    "www.x.example",
    "a@b.example",
    "@ada",
    "#12",
    "GH-12",
    "|",
    "\\",
    "* ",
    "# ",
    "> ",
    "1. ",
    "---",
    "    ",
    "$x$",
    "=cmd|' /C calc'!A1",
    ";=1+1",
    "+",
    "-",
    "Points Possible",
    "a.b",
];

pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => (prop::sample::select(PIECES), 100..2_000_usize).prop_map(|(piece, n)| piece.repeat(n)),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Nothing is in a report that is not seen, but for what keeps a word from being a command there.
#[track_caller]
pub(crate) fn is_seen(text: &str) {
    let unseen = |c: &char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}'
            | '\u{202a}'..='\u{202e}' | '\u{2061}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fe01}' | '\u{e0000}'..='\u{e0fff}')
    };
    assert_eq!(text.chars().find(unseen), None, "{text:?}");
}

/// From so few that equal names are common.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![Just("builds".to_owned()), Just("a.b".to_owned()), hostile()]
}

fn feedback() -> impl Strategy<Value = Feedback> {
    let place = (hostile(), any::<u32>()).prop_map(|(file, line)| Place { file, line });
    let texts = (hostile(), of(hostile()), of(hostile()), of(hostile()), of(hostile()));
    (texts, of(place), of(hostile())).prop_map(
        |((message, expected, found, hint, lesson), place, log)| Feedback {
            message,
            expected,
            found,
            hint,
            lesson,
            place,
            log,
        },
    )
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let check = (hostile(), hostile(), hostile())
        .prop_map(|(fact, expected, found)| (fact, Check { met: false, expected, found }));
    prop_oneof![
        Just(Verdict::Met),
        vec(check, 1..3).prop_map(Verdict::Missed),
        of(id()).prop_map(|by| Verdict::Skipped { by }),
        hostile().prop_map(Verdict::Unjudged),
    ]
}

fn mark() -> impl Strategy<Value = Mark> {
    let took = (of(any::<u64>()), of(0..3_usize));
    (id(), id(), 0..1_000_u32, any::<bool>(), verdict(), feedback(), took).prop_map(
        |(id, title, points, hidden, verdict, feedback, (took_ms, observation))| Mark {
            id,
            title,
            points,
            hidden,
            verdict,
            excused: false,
            feedback,
            took_ms,
            observation,
        },
    )
}

prop_compose! {
    pub(crate) fn entry()(
        (slug, title, course, rubric_digest) in (id(), hostile(), hostile(), hostile()),
        marks in vec(mark(), 0..6),
        (source, commit, committed_at) in (id(), of(hostile()), of(hostile())),
        (dirty, digest) in (of(any::<bool>()), hostile()),
        engine in of((hostile(), hostile())),
        (image, grader, seconds) in (of(hostile()), hostile(), -377_705_000_000..253_402_000_000_i64),
        duration_ms in any::<u64>(),
    ) -> Entry {
        Entry {
            grade: Grade { slug, title, course, rubric_digest, marks },
            submission: Provenance { source, commit, committed_at, dirty, digest },
            engine: engine.map(|(version, mode)| EngineStamp { version, mode }),
            image,
            grader,
            started_at: jiff::Timestamp::from_second(seconds).unwrap().to_string(),
            duration_ms,
        }
    }
}

fn gradebook() -> impl Strategy<Value = Gradebook> {
    vec(entry(), 0..4).prop_map(|entries| Gradebook { entries })
}

/// The elements of a case, each verdict's own.
fn element(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Met => None,
        Verdict::Missed(_) => Some("failure"),
        Verdict::Skipped { .. } => Some("skipped"),
        Verdict::Unjudged(_) => Some("error"),
    }
}

fn allowed_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The log as XML can hold it.
fn readable(log: &str) -> String {
    plain(log).chars().filter(|&c| allowed_in_xml(c)).collect()
}

fn check_xml(gradebook: &Gradebook, show_hidden: bool) {
    let bytes = Junit { show_hidden }.render(gradebook).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.chars().all(allowed_in_xml));
    is_seen(&text);
    let suites = xml::read(&text);
    assert_eq!(suites.len(), gradebook.entries.len());
    for (suite, entry) in suites.iter().zip(&gradebook.entries) {
        let marks = &entry.grade.marks;
        let count = |wanted| marks.iter().filter(|m| element(&m.verdict) == Some(wanted)).count();
        let declared = ["tests", "failures", "errors"].map(|key| suite.attributes[key].clone());
        let expected = [marks.len(), count("failure"), count("error")];
        assert_eq!(declared, expected.map(|number| number.to_string()));
        assert_eq!(suite.cases.len(), marks.len());
        for (case, mark) in suite.cases.iter().zip(marks) {
            assert!(case.attributes.contains_key("classname"));
            let found: Vec<&str> = case.outcomes.iter().map(|(name, ..)| name.as_str()).collect();
            assert_eq!(found, Vec::from_iter(element(&mark.verdict)));
            let told = show_hidden || !mark.hidden;
            if let ([(_, _, text)], Some(log), true) =
                (case.outcomes.as_slice(), &mark.feedback.log, told)
            {
                assert!(text.ends_with(&readable(log)), "{text:?} lost some of {log:?}");
            }
        }
    }
    let mut names: Vec<&str> = suites.iter().map(xml::Suite::name).collect();
    names.sort_unstable();
    names.dedup();
    let same_exercise = gradebook.entries.iter().all(|entry| entry.grade.slug == "builds");
    assert!(!same_exercise || names.len() == suites.len(), "{names:?}");
}

fn check_json(gradebook: &Gradebook, show_hidden: bool) {
    let bytes = Json { show_hidden }.render(gradebook).unwrap();
    is_seen(std::str::from_utf8(&bytes).unwrap());
    let value = schema::valid(&bytes);
    let results: Vec<_> = match &value["entries"] {
        serde_json::Value::Array(entries) => entries.iter().map(|entry| &entry["result"]).collect(),
        _ => vec![&value],
    };
    assert_eq!(results.len(), gradebook.entries.len());
    for (result, entry) in results.iter().zip(&gradebook.entries) {
        assert_eq!(result["score"]["earned"], entry.grade.score().earned);
        assert_eq!(result["probes"].as_array().unwrap().len(), entry.grade.marks.len());
    }
}

fn check_text(gradebook: &Gradebook, width: usize, show_hidden: bool) {
    let bytes = Text { color: false, width, show_hidden }.render(gradebook).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let moves = |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
    assert_eq!(text.chars().find(moves), None, "{text:?}");
    let is_score = |line: &&str| line.starts_with("Score ") || line.starts_with("No score: ");
    is_seen(&text);
    let scores = text.lines().filter(is_score).count();
    assert_eq!(scores, gradebook.entries.len(), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_report(
        gradebook in gradebook(), width in 0..200_usize, show_hidden in any::<bool>(),
    ) {
        check_xml(&gradebook, show_hidden);
        check_json(&gradebook, show_hidden);
        check_text(&gradebook, width, show_hidden);
    }
}
