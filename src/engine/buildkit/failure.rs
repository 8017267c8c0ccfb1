//! A failed build as the builder tells it: where it failed, and with which words.
//!
//! Whose fault it is does not follow from words, which a submission can shape; see [`super::blame`].

use std::sync::LazyLock;

use bollard_buildkit_proto::google::rpc;
use prost::Message;
use regex::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tonic::Status;

use super::progress::Progress;
use crate::engine::build::{BuildFailure, Step};
use crate::engine::error::Cause;
use crate::engine::text::clean;

/// The most bytes of the builder's words that are kept.
const WORDS: usize = 16 * 1024;

/// How a build ended.
pub(super) enum Ending {
    Built {
        image: String,
    },
    /// The builder says no.
    Failed(Status),
    /// The connection, or our session, broke before the builder's answer.
    Broken(Cause),
}

/// A failure by the builder's answer.
pub(super) fn of_answer(status: &Status, progress: &Progress<'_>) -> BuildFailure {
    let message = without_protocol(&clean(status.message()));
    let details = rpc::Status::decode(status.details()).unwrap_or_default();
    let vertex = detail::<Vertex>(&details, "errdefs.Vertex");
    let steps = progress.steps();
    let step = vertex.and_then(|vertex| progress.place(&vertex.digest)).or_else(|| {
        // Older builders do not name the step, but repeat its words.
        let is_told = |step: &Step| step.error.as_deref().is_some_and(|e| message.contains(e));
        let last = || steps.iter().rposition(|step| step.error.is_some());
        steps.iter().rposition(is_told).or_else(last)
    });
    let exit_code = step.and_then(|step| steps.get(step)?.exit_code);
    let line = typed_line(&details).or_else(|| line_in(&message));
    BuildFailure { message: cut(message), step, exit_code, line }
}

/// A failure by the steps alone, where the answer was lost; none when no step failed.
pub(super) fn of_steps(progress: &Progress<'_>) -> Option<BuildFailure> {
    let steps = progress.steps();
    // Others may have been cancelled for the one that ended with an exit code.
    let ended = steps.iter().rposition(|step| step.exit_code.is_some());
    let step = ended.or_else(|| steps.iter().rposition(|step| step.error.is_some()))?;
    let failed = steps.get(step)?;
    let message = cut(failed.error.clone()?);
    Some(BuildFailure { message, step: Some(step), exit_code: failed.exit_code, line: None })
}

fn cut(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(WORDS));
    message
}

/// The message without what each layer of the builder put before it.
fn without_protocol(message: &str) -> String {
    #[expect(clippy::expect_used, reason = "the pattern is constant, and a test compiles it")]
    static NOISE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^(?:failed to solve(?: with frontend [\w.]+)?: |rpc error: code = \w+ desc = |failed to create LLB definition: |failed to build LLB: )+",
        )
        .expect("a valid pattern")
    });
    NOISE.replace(message.trim(), "").trim_end().to_owned()
}

fn line_in(message: &str) -> Option<u32> {
    #[expect(clippy::expect_used, reason = "the pattern is constant, and a test compiles it")]
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:dockerfile parse error (?:on )?line |^dockerfile:)(\d+)")
            .expect("a valid pattern")
    });
    LINE.captures(message)?.get(1)?.as_str().parse().ok()
}

/// Newer builders tell the place in a detail of the answer.
fn typed_line(details: &rpc::Status) -> Option<u32> {
    let source = detail::<Source>(details, "errdefs.Source")?;
    let first = source.ranges.first()?.start.as_ref()?;
    u32::try_from(first.line).ok().filter(|line| *line > 0)
}

/// A typed detail of an answer, which some builders write as JSON and some as a message.
fn detail<M: Message + Default + DeserializeOwned>(details: &rpc::Status, kind: &str) -> Option<M> {
    let is_kind = |url: &str| url.trim_end_matches("+json").ends_with(kind);
    details.details.iter().filter(|detail| is_kind(&detail.type_url)).find_map(|detail| {
        let json = serde_json::from_slice(&detail.value).ok();
        json.or_else(|| M::decode(detail.value.as_slice()).ok())
    })
}

// BuildKit's `errdefs`, as much of them as is read; they are not among the published messages.

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
struct Vertex {
    #[prost(string, tag = "1")]
    #[serde(default)]
    digest: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
struct Source {
    #[prost(message, repeated, tag = "2")]
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
struct Range {
    #[prost(message, optional, tag = "1")]
    #[serde(default)]
    start: Option<Position>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
struct Position {
    #[prost(int32, tag = "1")]
    #[serde(default)]
    line: i32,
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::google::protobuf::Any;
    use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex as StatusVertex};

    use super::*;

    /// Steps by digest, name and error.
    fn progress(steps: &[(&str, &str, &str)]) -> Progress<'static> {
        let mut progress = Progress::new(&|_| {});
        let vertexes = steps.iter().map(|(digest, name, error)| StatusVertex {
            digest: (*digest).to_owned(),
            name: (*name).to_owned(),
            error: (*error).to_owned(),
            ..StatusVertex::default()
        });
        progress.take(StatusResponse { vertexes: vertexes.collect(), ..StatusResponse::default() });
        progress
    }

    fn answer(message: &str, details: &[(&str, &[u8])]) -> Status {
        let details = details.iter().map(|(kind, value)| Any {
            type_url: format!("github.com/moby/buildkit/{kind}"),
            value: value.to_vec(),
        });
        let details = rpc::Status { details: details.collect(), ..rpc::Status::default() };
        Status::with_details(tonic::Code::Unknown, message, details.encode_to_vec().into())
    }

    #[test]
    fn a_failing_run_is_told_without_the_protocol_s_words() {
        let error = "executor failed running [/bin/sh -c exit 3]: exit code: 3";
        let message = format!(
            "failed to solve with frontend dockerfile.v0: failed to solve: rpc error: code = Unknown desc = {error}"
        );
        let progress = progress(&[("a", "[2/2] RUN exit 3", error)]);
        let failure = of_answer(&answer(&message, &[]), &progress);
        assert_eq!(failure.message, error);
        assert_eq!((failure.step, failure.exit_code), (Some(0), Some(3)));
    }

    #[test]
    fn the_step_is_the_one_that_the_builder_names() {
        let progress = progress(&[
            ("sha256:a", "[a 2/2] RUN false", "x: exit code: 1"),
            ("sha256:b", "[b 2/2] RUN sleep 9", "context canceled"),
        ]);
        let named = answer("y", &[("errdefs.Vertex+json", br#"{"digest":"sha256:a"}"#)]);
        assert_eq!(of_answer(&named, &progress).step, Some(0));
        let vertex = Vertex { digest: "sha256:b".to_owned() }.encode_to_vec();
        let named = answer("y", &[("errdefs.Vertex", &vertex)]);
        assert_eq!(of_answer(&named, &progress).step, Some(1));
        // An older one repeats its words.
        let repeated = answer("failed to solve: x: exit code: 1", &[]);
        assert_eq!(of_answer(&repeated, &progress).step, Some(0));
    }

    #[test]
    fn an_answer_that_was_lost_is_read_from_the_steps() {
        let lost = progress(&[
            ("a", "[1/2] FROM busybox", ""),
            ("b", "[2/2] RUN false", "x: exit code: 1"),
            ("c", "[3/3] RUN true", "context canceled"),
        ]);
        let failure = of_steps(&lost).expect("a step failed");
        assert_eq!((failure.step, failure.exit_code), (Some(1), Some(1)));
        assert_eq!(of_steps(&progress(&[("a", "[1/2] FROM busybox", "")])), None);
    }

    #[test]
    fn the_line_is_taken_from_the_message() {
        let line = |message: &str| of_answer(&answer(message, &[]), &progress(&[])).line;
        let older = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error line 2: unknown instruction: FORM";
        assert_eq!(line(older), Some(2));
        assert_eq!(line("dockerfile parse error on line 12: x"), Some(12));
    }

    #[test]
    fn the_line_is_taken_from_typed_details() {
        let line =
            |kind, value: &[u8]| of_answer(&answer("x", &[(kind, value)]), &progress(&[])).line;
        let json = br#"{"info":{"filename":"Dockerfile","data":"Rg=="},"ranges":[{"start":{"line":4},"end":{"line":5}}]}"#;
        assert_eq!(line("errdefs.Source+json", json), Some(4));
        let start = Some(Position { line: 7 });
        let source = Source { ranges: vec![Range { start }] }.encode_to_vec();
        assert_eq!(line("errdefs.Source", &source), Some(7));
        assert_eq!(line("errdefs.Source", b"\xff"), None);
    }

    #[test]
    fn long_words_are_cut() {
        let failure = of_answer(&answer(&"ä".repeat(WORDS), &[]), &progress(&[]));
        assert_eq!(failure.message.len(), WORDS);
    }
}
