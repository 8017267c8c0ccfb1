//! The builder's status messages as steps.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex};
use regex::Regex;

use crate::engine::build::{BuildEvent, Step};
use crate::engine::capture::Tail;
use crate::engine::text::clean;

/// Steps kept of one build; an image cannot have more than 127 layers.
const MOST_STEPS: usize = 512;
/// Bytes of a step's log that are kept, from its end.
const LOG_LIMIT: usize = 16 * 1024;

/// A build's steps so far.
pub(super) struct Progress<'a> {
    steps: Vec<Step>,
    logs: Vec<Tail>,
    done: Vec<bool>,
    places: HashMap<String, usize>,
    listen: &'a (dyn Fn(BuildEvent) + Send + Sync),
}

impl<'a> Progress<'a> {
    pub(super) fn new(listen: &'a (dyn Fn(BuildEvent) + Send + Sync)) -> Self {
        Self {
            steps: Vec::new(),
            logs: Vec::new(),
            done: Vec::new(),
            places: HashMap::new(),
            listen,
        }
    }

    /// Takes one message of the builder.
    pub(super) fn take(&mut self, message: StatusResponse) {
        for vertex in message.vertexes {
            self.take_vertex(vertex);
        }
        for log in message.logs {
            let Some(&place) = self.places.get(&log.vertex) else {
                continue;
            };
            let (Some(step), Some(tail)) = (self.steps.get(place), self.logs.get_mut(place)) else {
                continue;
            };
            tail.push(&log.msg, LOG_LIMIT);
            for line in clean(&String::from_utf8_lossy(&log.msg)).lines() {
                (self.listen)(BuildEvent::Log { step: step.name.clone(), line: line.to_owned() });
            }
        }
    }

    /// The builder tells of a vertex again whenever something about it changed.
    fn take_vertex(&mut self, vertex: Vertex) {
        let place = match self.places.get(&vertex.digest) {
            Some(&place) => place,
            None if self.steps.len() < MOST_STEPS => {
                self.steps.push(Step { name: clean(&vertex.name), ..Step::default() });
                self.logs.push(Tail::default());
                self.done.push(false);
                self.places.insert(vertex.digest.clone(), self.steps.len() - 1);
                self.steps.len() - 1
            }
            None => return,
        };
        let (Some(step), Some(done)) = (self.steps.get_mut(place), self.done.get_mut(place)) else {
            return;
        };
        let name = || step.name.clone();
        let mut events = Vec::new();
        if vertex.started.is_some() && !step.ran && !vertex.cached {
            events.push(BuildEvent::Started { step: name() });
        }
        if vertex.cached && !step.cached {
            events.push(BuildEvent::Cached { step: name() });
        }
        let error = (!vertex.error.is_empty()).then(|| clean(&vertex.error));
        if vertex.completed.is_some() && !*done && !vertex.cached {
            events.push(BuildEvent::Done { step: name(), error: error.clone() });
        }
        step.ran |= vertex.started.is_some();
        step.cached |= vertex.cached;
        *done |= vertex.completed.is_some();
        if let Some(error) = error {
            step.exit_code = exit_code(&error);
            step.error = Some(error);
        }
        if let (Some(started), Some(completed)) = (&vertex.started, &vertex.completed) {
            step.took = since_epoch(completed).saturating_sub(since_epoch(started));
        }
        for event in events {
            (self.listen)(event);
        }
    }

    /// The steps, still without their logs.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The end of what a step printed so far, by its index.
    pub(super) fn log(&self, step: usize) -> String {
        self.logs.get(step).map(|tail| clean(&tail.text())).unwrap_or_default()
    }

    /// Where the step of that digest is among the steps.
    pub(super) fn place(&self, digest: &str) -> Option<usize> {
        self.places.get(digest).copied()
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        let logs = self.logs.iter().map(|tail| clean(&tail.text()));
        let with_log = |(step, log)| Step { log, ..step };
        self.steps.into_iter().zip(logs).map(with_log).collect()
    }
}

/// Builders old and new end the error of a failing RUN with its exit code.
pub(super) fn exit_code(error: &str) -> Option<i64> {
    #[expect(clippy::expect_used, reason = "the pattern is constant, and a test compiles it")]
    static PATTERN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"exit code: (\d+)\s*$").expect("a valid pattern"));
    PATTERN.captures(error)?.get(1)?.as_str().parse().ok()
}

fn since_epoch(time: &Timestamp) -> Duration {
    Duration::new(
        u64::try_from(time.seconds).unwrap_or_default(),
        u32::try_from(time.nanos).unwrap_or_default().min(999_999_999),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bollard_buildkit_proto::moby::buildkit::v1::VertexLog;

    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    fn vertex(
        started: Option<Timestamp>,
        completed: Option<Timestamp>,
        error: &str,
    ) -> StatusResponse {
        let vertex = Vertex {
            digest: "d".to_owned(),
            name: "[2/2] RUN false".to_owned(),
            started,
            completed,
            error: error.to_owned(),
            ..Vertex::default()
        };
        StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() }
    }

    fn log(message: &[u8]) -> StatusResponse {
        let log =
            VertexLog { vertex: "d".to_owned(), msg: message.to_vec(), ..VertexLog::default() };
        StatusResponse { logs: vec![log], ..StatusResponse::default() }
    }

    #[test]
    fn a_failing_step_is_told_once_with_its_exit_code_and_log() {
        let events = Mutex::new(Vec::new());
        let listen = |event| events.lock().expect("no panic").push(event);
        let mut progress = Progress::new(&listen);
        progress.take(vertex(None, None, ""));
        progress.take(vertex(at(10), None, ""));
        progress.take(log(b"\x1b[31mboom\x1b[0m\n"));
        let error = "executor failed running [/bin/sh -c false]: exit code: 3";
        progress.take(vertex(at(10), at(12), error));
        progress.take(vertex(at(10), at(12), error));
        let steps = progress.into_steps();
        let expected = Step {
            name: "[2/2] RUN false".to_owned(),
            ran: true,
            error: Some(error.to_owned()),
            exit_code: Some(3),
            log: "boom\n".to_owned(),
            took: Duration::from_secs(2),
            ..Step::default()
        };
        assert_eq!(steps, [expected]);
        let events = events.into_inner().expect("no panic");
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(matches!(&events[1], BuildEvent::Log { line, .. } if line == "boom"));
    }

    #[test]
    fn a_step_that_was_not_reached_did_not_run() {
        let mut progress = Progress::new(&|_| {});
        progress.take(vertex(None, None, ""));
        assert!(!progress.into_steps()[0].ran);
    }

    #[test]
    fn logs_and_steps_are_bounded() {
        let mut progress = Progress::new(&|_| {});
        progress.take(vertex(at(1), None, ""));
        for _ in 0..100 {
            progress.take(log(&[b'x'; 1000]));
        }
        for n in 0..1000 {
            let vertex = Vertex { digest: n.to_string(), ..Vertex::default() };
            progress.take(StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() });
        }
        let steps = progress.into_steps();
        assert_eq!(steps[0].log.len(), LOG_LIMIT);
        assert_eq!(steps.len(), MOST_STEPS);
    }

    #[test]
    fn the_exit_code_is_the_builder_s_and_not_the_command_s() {
        assert_eq!(
            exit_code("process \"/bin/sh -c x\" did not complete successfully: exit code: 127"),
            Some(127)
        );
        assert_eq!(exit_code("executor failed running [echo exit code: 4]: killed"), None);
    }
}
