//! What the builder reads in a Dockerfile, as facts.

use std::sync::LazyLock;

use regex::Regex;

use crate::context::Matcher;
use crate::engine::{AddStep, BuildReport, ImageInfo, MountKind, Reading, RunMount, Sent, Step};
use crate::fact::{Facts, Value};
use crate::submission::Summary;

/// Where agents have their sockets, also where no RUN mounts one.
static AGENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/run/buildkit/|/agent\.\d+|/[^/]*(agent|ssh)[^/]*\.sock").ok());

pub(super) fn facts(report: &BuildReport, dockerfile: Option<&Summary>) -> Facts {
    let ran = |step: &&Step| {
        let is_run = step.instruction().is_some_and(|words| words.starts_with("RUN "));
        is_run && step.ran && !step.cached
    };
    let logs = report.steps.iter().filter(ran).map(|step| step.log.clone());
    let mut facts = Facts::from([("ran_logs".to_owned(), logs.collect::<Vec<_>>().into())]);
    if let Some(reading) = &report.reading {
        facts.extend([
            ("run_mounts".to_owned(), mounts(reading).map(shown).collect::<Vec<_>>().into()),
            ("added".to_owned(), added(reading, &report.sent)),
            ("added_elsewhere".to_owned(), added_elsewhere(reading, dockerfile)),
        ]);
    }
    facts
}

/// ENVs that say where an agent is.
pub(super) fn agent_env(report: &BuildReport, image: &ImageInfo) -> Vec<String> {
    let reading = report.reading.as_ref();
    let sockets = reading.into_iter().flat_map(mounts).filter(|mount| mount.kind == MountKind::Ssh);
    let sockets: Vec<&str> = sockets.filter_map(|mount| mount.target.as_deref()).collect();
    let tells = |name: &str, value: &str| {
        name == "SSH_AUTH_SOCK"
            || sockets.iter().any(|socket| value.contains(socket))
            || AGENT.as_ref().is_some_and(|agent| agent.is_match(value))
    };
    let is_told = |pair: &&String| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        tells(name, value)
    };
    image.env.iter().filter(is_told).cloned().collect()
}

fn mounts(reading: &Reading) -> impl Iterator<Item = &RunMount> {
    reading.runs.iter().flat_map(|run| &run.mounts)
}

fn shown(mount: &RunMount) -> String {
    let target = mount.target.as_deref().map_or_else(
        || "env".to_owned(),
        |target| path_clean::clean(target).to_string_lossy().into_owned(),
    );
    let id = mount.id.as_ref().map(|id| format!(" id={id}")).unwrap_or_default();
    let size = mount.size.map(|size| format!(" size={size}")).unwrap_or_default();
    format!("{} {target}{id}{size}", mount.kind.name())
}

fn added(reading: &Reading, sent: &Sent) -> Value {
    let mut added: Vec<String> = Vec::new();
    for add in &reading.adds {
        let taken: Vec<&String> = sent.paths.iter().filter(|path| takes(add, path)).collect();
        let taken = if taken.is_empty() { vec![&add.path] } else { taken };
        for path in taken {
            if !added.contains(path) {
                added.push(path.clone());
            }
        }
    }
    added.into()
}

/// Whether an ADD takes this file of the context.
fn takes(add: &AddStep, path: &str) -> bool {
    let source = add.path.trim_matches('/');
    if source.is_empty() || source == "." {
        return true;
    }
    if add.is_pattern {
        return Matcher::new(&[source]).is_ok_and(|pattern| pattern.covers(path));
    }
    path.strip_prefix(source).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// ADDs that the Dockerfile has and the builder does not need.
fn added_elsewhere(reading: &Reading, dockerfile: Option<&Summary>) -> Value {
    let Some(dockerfile) = dockerfile else { return Vec::<String>::new().into() };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_needed = |(line, text): &(u32, String)| {
        let text = words(text);
        reading.adds.iter().any(|add| add.line == Some(*line) || words(&add.name).ends_with(&text))
    };
    let adds = dockerfile.adds().filter(|add| !is_needed(add));
    adds.map(|(_, text)| text).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(path: &str, is_pattern: bool) -> AddStep {
        AddStep {
            name: format!("[2/2] ADD {path} /"),
            line: Some(2),
            path: path.to_owned(),
            is_pattern,
        }
    }

    #[test]
    fn an_add_takes_what_its_source_stands_for() {
        let paths = ["bundle.tar.gz", "plain.txt", "src/a"].map(str::to_owned);
        let sent = Sent { paths: paths.into(), ..Sent::default() };
        for (source, is_pattern, expected) in [
            ("bundle.tar.gz", false, &["bundle.tar.gz"][..]),
            ("/", false, &["bundle.tar.gz", "plain.txt", "src/a"]),
            ("[a-c]*", true, &["bundle.tar.gz"]),
            ("*", true, &["bundle.tar.gz", "plain.txt", "src/a"]),
            ("src", false, &["src/a"]),
            ("latest.tgz", false, &["latest.tgz"]),
        ] {
            let reading = Reading { adds: vec![add(source, is_pattern)], ..Reading::default() };
            let expected: Vec<String> = expected.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(added(&reading, &sent), expected.into(), "{source}");
        }
    }

    #[test]
    fn an_add_of_a_stage_that_nobody_needs_is_told_apart() {
        let text = "FROM busybox AS first\nADD plain.txt /\nFROM busybox\nADD  b.tgz \\\n  /\n";
        let reading = Reading {
            adds: vec![AddStep { line: Some(4), ..add("b.tgz", false) }],
            ..Reading::default()
        };
        let expected = vec!["ADD plain.txt /".to_owned()];
        assert_eq!(added_elsewhere(&reading, Summary::of(text).as_ref()), expected.into());
    }
}
