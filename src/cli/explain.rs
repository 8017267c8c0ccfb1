//! `grade explain`: the kinds of probe, for the author of a rubric.

use clap::Args;

use super::{Exit, out};
use crate::document::nearest;
use crate::expect::MATCHERS;
use crate::probe::{self, KINDS, Kind};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A kind of probe [default: a list of all]
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let Some(name) = &arguments.kind else {
        for kind in KINDS {
            let first = kind.doc.split_once(". ").map_or(kind.doc, |(first, _)| first);
            list(kind.name, first.trim_end_matches('.'));
        }
        out(format_args!(""));
        list("matchers", &MATCHERS.join(", "));
        out(format_args!("`grade explain KIND` shows a kind's parameters and facts."));
        return Exit::Graded;
    };
    match probe::find(name) {
        Some(kind) => {
            explain(kind);
            Exit::Graded
        }
        None => {
            let near = nearest(name, KINDS.iter().map(|kind| kind.name));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            anstream::eprintln!("there is no kind of probe `{name}`{near}");
            Exit::Usage
        }
    }
}

/// A name, and beside it what there is to say, wrapped.
fn list(name: &str, text: &str) {
    for (number, line) in textwrap::wrap(text, 80).iter().enumerate() {
        out(format_args!("{:12} {line}", if number == 0 { name } else { "" }));
    }
}

fn explain(kind: &Kind) {
    out(format_args!("{}\n", kind.name));
    for line in textwrap::wrap(kind.doc, 88) {
        out(format_args!("  {line}"));
    }
    if !kind.params.is_empty() {
        out(format_args!("\nparameters (with = {{ … }})"));
    }
    for param in kind.params {
        let default = match param.default {
            Some(default) => format!("default: {default}"),
            None => "required".into(),
        };
        out(format_args!("  {:18} {} — {} ({default})", param.name, param.shape, param.doc));
    }
    out(format_args!("\nfacts (expect = {{ … }})"));
    for fact in kind.facts {
        out(format_args!("  {:26} {:14} {}", fact.name, fact.shape.to_string(), fact.doc));
    }
}
