//! Whose fault a failed build is, and where it failed.

use std::sync::LazyLock;

use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::pb;
use prost::Message;
use regex::Regex;
use serde::Deserialize;
use tonic::Status;

use crate::engine::build::{BuildFailure, Step};
use crate::engine::error::{Cause, is_disk_full};
use crate::engine::text::clean;

/// How a build ended, in the builder's words.
pub(super) enum Ending {
    Built { image: String },
    Failed(Status),
}

/// Signs that a registry could not be asked, or could not answer. "Not found" and "denied" are
/// answers, and mean that the Dockerfile names what is not there.
const REGISTRY_TROUBLE: [&str; 20] = [
    "no such host",
    "dial tcp",
    "i/o timeout",
    "tls handshake",
    "tls: ",
    "x509: ",
    "connection refused",
    "connection reset",
    "network is unreachable",
    "no route to host",
    "server misbehaving",
    "toomanyrequests",
    "too many requests",
    "unexpected eof",
    "context deadline exceeded",
    "client.timeout",
    "500 internal server error",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway timeout",
];

/// The builder's own trouble, which no Dockerfile can cause.
const BUILDER_TROUBLE: [&str; 4] =
    ["no active session", "context canceled", "failed to mount", "connection error: desc"];

/// Sorts a failure: the Dockerfile's doing is a [`BuildFailure`], anything else a [`Cause`].
pub(super) fn classify(status: &Status, steps: &[Step]) -> Result<BuildFailure, Cause> {
    let message = without_protocol(&clean(status.message()));
    let failed_step = steps.iter().rposition(|step| {
        step.error.as_deref().is_some_and(|error| !error.contains("context canceled"))
    });
    let step = failed_step.and_then(|index| steps.get(index));
    let exit_code = step.and_then(|step| step.exit_code);
    // A RUN that ended of itself failed in the submission's own program, whatever its words.
    if exit_code.is_none() {
        let words = step.and_then(|step| step.error.as_deref()).unwrap_or_default();
        let all = without_quotes(&format!("{message}\n{words}")).to_ascii_lowercase();
        let has = |signs: &[&str]| signs.iter().any(|sign| all.contains(sign));
        if is_disk_full(&all) {
            return Err(Cause::DiskFull { detail: message });
        }
        if let Some(reference) = step.and_then(base_image)
            && has(&REGISTRY_TROUBLE)
        {
            return Err(Cause::BaseImage { reference: reference.to_owned(), detail: message });
        }
        if has(&BUILDER_TROUBLE) {
            return Err(Cause::Other(message));
        }
    }
    let line = typed_line(status.details()).or_else(|| line_in(&message));
    Ok(BuildFailure { message, step: failed_step, exit_code, line })
}

/// The image that a step fetches, if it fetches one.
fn base_image(step: &Step) -> Option<&str> {
    let name = step.name.as_str();
    if let Some(reference) = name.strip_prefix("[internal] load metadata for ") {
        return Some(reference);
    }
    let from = step.instruction().unwrap_or(name);
    from.strip_prefix("FROM ")?.split_whitespace().next()
}

/// The message without what it quotes of the Dockerfile, lest a submission's own words pass for a
/// sign of trouble: commands in brackets, commands and paths in quotation marks.
fn without_quotes(message: &str) -> String {
    #[expect(clippy::expect_used, reason = "the pattern is constant, and a test compiles it")]
    static QUOTES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"\[.*\]|"(?:[^"\\]|\\.)*""#).expect("a valid pattern"));
    QUOTES.replace_all(message, "…").into_owned()
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

/// Newer builders tell the place in a detail of the answer, as JSON or as a message.
fn typed_line(details: &[u8]) -> Option<u32> {
    let status = rpc::Status::decode(details).ok()?;
    status.details.iter().filter(|detail| detail.type_url.contains("errdefs.Source")).find_map(
        |detail| {
            let ranges = match serde_json::from_slice::<JsonSource>(&detail.value) {
                Ok(source) => source.ranges.into_iter().map(|range| range.start.line).collect(),
                Err(_) => Source::decode(detail.value.as_slice()).ok()?.lines(),
            };
            u32::try_from(*ranges.first()?).ok().filter(|line| *line > 0)
        },
    )
}

#[derive(Deserialize)]
struct JsonSource {
    ranges: Vec<JsonRange>,
}

#[derive(Deserialize)]
struct JsonRange {
    start: JsonPosition,
}

#[derive(Deserialize)]
struct JsonPosition {
    #[serde(default)]
    line: i32,
}

/// BuildKit's `errdefs.Source`, which is not among the published messages.
#[derive(Clone, PartialEq, prost::Message)]
struct Source {
    #[prost(message, optional, tag = "1")]
    info: Option<pb::SourceInfo>,
    #[prost(message, repeated, tag = "2")]
    ranges: Vec<pb::Range>,
}

impl Source {
    fn lines(self) -> Vec<i32> {
        self.ranges.into_iter().filter_map(|range| range.start).map(|start| start.line).collect()
    }
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::google::protobuf::Any;

    use super::*;

    fn failing(name: &str, error: &str) -> Step {
        Step {
            name: name.to_owned(),
            error: Some(error.to_owned()),
            exit_code: super::super::progress::exit_code(error),
            ..Step::default()
        }
    }

    fn judged(message: &str, step: Step) -> Result<BuildFailure, Cause> {
        classify(&Status::unknown(message), &[step])
    }

    const METADATA: &str = "[internal] load metadata for docker.io/library/nosuch:1";

    #[test]
    fn a_failing_run_is_the_submission_s() {
        let error = "executor failed running [/bin/sh -c exit 3]: exit code: 3";
        let message = format!(
            "failed to solve with frontend dockerfile.v0: failed to solve: rpc error: code = Unknown desc = {error}"
        );
        let failure = judged(&message, failing("[2/2] RUN exit 3", error)).expect("a failure");
        assert_eq!(failure.message, error);
        assert_eq!((failure.step, failure.exit_code), (Some(0), Some(3)));
    }

    #[test]
    fn a_run_that_talks_of_the_network_is_still_the_submission_s() {
        let error = "executor failed running [/bin/sh -c echo dial tcp no space left on device; exit 1]: exit code: 1";
        assert!(judged(error, failing("[2/2] RUN echo", error)).is_ok());
    }

    #[test]
    fn a_submission_s_own_words_are_no_sign_of_trouble() {
        for (name, error) in [
            (
                "[2/2] RUN echo [no space left on device]",
                "executor failed running [/bin/sh -c echo [no space left on device]]: unable to find user ghost",
            ),
            (
                "[2/2] RUN x",
                "process \"/bin/sh -c echo \\\"context canceled\\\"\" did not complete successfully: killed",
            ),
            (
                "[2/2] COPY x /",
                "failed to compute cache key: \"/no space left on device\" not found: not found",
            ),
        ] {
            assert!(judged(error, failing(name, error)).is_ok(), "{error}");
        }
    }

    #[test]
    fn a_base_image_that_does_not_exist_is_the_submission_s() {
        for error in [
            "docker.io/library/nosuch:1: not found",
            "failed to resolve source metadata for docker.io/library/nosuch:1: manifest unknown",
            "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        ] {
            assert!(judged(error, failing(METADATA, error)).is_ok(), "{error}");
        }
    }

    #[test]
    fn a_registry_that_does_not_answer_is_not() {
        for error in [
            "failed to do request: Head \"https://registry-1.docker.io/v2/library/nosuch/manifests/1\": dial tcp: lookup registry-1.docker.io: no such host",
            "unexpected status code [manifests 1]: 429 Too Many Requests",
            "net/http: TLS handshake timeout",
            "unexpected status: 503 Service Unavailable",
        ] {
            let cause = judged(error, failing(METADATA, error)).expect_err(error);
            let Cause::BaseImage { reference, .. } = cause else { panic!("{cause:?}") };
            assert_eq!(reference, "docker.io/library/nosuch:1");
        }
    }

    #[test]
    fn a_full_disk_is_not() {
        let error = "failed to copy files: write /app: no space left on device";
        let cause = judged(error, failing("[2/2] COPY . /", error));
        assert!(matches!(cause, Err(Cause::DiskFull { .. })));
    }

    #[test]
    fn a_step_that_was_cancelled_is_not_the_one_that_failed() {
        let steps = [
            failing("[a 2/2] RUN false", "x: exit code: 1"),
            failing("[b 2/2] RUN sleep 9", "context canceled"),
        ];
        let failure = classify(&Status::unknown("x: exit code: 1"), &steps).expect("a failure");
        assert_eq!(failure.step, Some(0));
    }

    #[test]
    fn the_line_is_taken_from_the_message() {
        let message = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error line 2: unknown instruction: FORM";
        let failure = classify(&Status::unknown(message), &[]).expect("a failure");
        assert_eq!(failure.line, Some(2));
        assert_eq!(failure.message, "dockerfile parse error line 2: unknown instruction: FORM");
        let newer = classify(&Status::unknown("dockerfile parse error on line 12: x"), &[]);
        assert_eq!(newer.map(|failure| failure.line), Ok(Some(12)));
    }

    fn with_detail(value: Vec<u8>) -> Status {
        let detail =
            Any { type_url: "github.com/moby/buildkit/errdefs.Source+json".to_owned(), value };
        let status = rpc::Status { details: vec![detail], ..rpc::Status::default() };
        Status::with_details(tonic::Code::Unknown, "x: exit code: 1", status.encode_to_vec().into())
    }

    #[test]
    fn the_line_is_taken_from_typed_details() {
        let json = br#"{"info":{"filename":"Dockerfile","data":"Rg=="},"ranges":[{"start":{"line":4},"end":{"line":5}}]}"#;
        let failure = classify(&with_detail(json.to_vec()), &[]).expect("a failure");
        assert_eq!(failure.line, Some(4));
        let start = Some(pb::Position { line: 7, character: 0 });
        let source = Source { info: None, ranges: vec![pb::Range { start, end: None }] };
        let failure = classify(&with_detail(source.encode_to_vec()), &[]).expect("a failure");
        assert_eq!(failure.line, Some(7));
    }
}
