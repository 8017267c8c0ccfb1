//! The engine's calls that a student of a first course needs. What is not in the table is refused.

use super::create::{COMMIT, CONTAINER, EXEC_CREATE, EXEC_START, UPDATE};
use super::objects::{CONNECT, DISCONNECT, LOGIN, NETWORK_CREATE, VOLUME_CREATE};
use super::queries;
use super::shape::Check;
use super::world::Part;

/// A call of the engine's interface.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    /// The path's segments; one in braces is what the call is about. An `{image}` may have slashes.
    pub(super) pattern: &'static str,
    /// The keys that its query may have, separated by spaces.
    pub(super) keys: &'static str,
    /// A look at the query's values.
    pub(super) query: Option<queries::Check>,
    pub(super) body: Body,
    /// What the review needs to know of the engine, besides the kind of thing that it is about.
    pub(super) needs: &'static [Part],
    pub(super) answer: Answer,
}

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Nothing,
    /// JSON that is rebuilt. An optional one may be missing.
    Json {
        check: Check,
        optional: bool,
    },
    /// A stream for the engine, which takes it for a file and not for settings.
    File,
}

/// What is done with the engine's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Pass,
    /// A container was made.
    Created,
    /// The connection becomes a stream of a container, and what it tells is kept.
    Attach,
    /// The connection becomes a stream of a command in a container.
    Exec,
    /// The connection becomes a stream, on which the engine asks and the command answers.
    Session,
    /// The connection becomes a stream, on which the command calls the builder.
    Grpc,
    /// A container tells something, maybe without end.
    Told,
    Statistics,
    Events,
    /// An archive brings images, and names for them.
    Load,
    Containers,
    Images,
    Volumes,
    Networks,
    Network,
    Usage,
}

const fn at(method: &'static str, pattern: &'static str, keys: &'static str) -> Endpoint {
    let (query, body, needs, answer) = (None, Body::Nothing, &[], Answer::Pass);
    Endpoint { method, pattern, keys, query, body, needs, answer }
}

impl Endpoint {
    const fn query(mut self, check: queries::Check) -> Self {
        self.query = Some(check);
        self
    }

    const fn json(mut self, check: Check) -> Self {
        self.body = Body::Json { check, optional: false };
        self
    }

    const fn json_or_none(mut self, check: Check) -> Self {
        self.body = Body::Json { check, optional: true };
        self
    }

    const fn file(mut self) -> Self {
        self.body = Body::File;
        self
    }

    const fn needs(mut self, parts: &'static [Part]) -> Self {
        self.needs = parts;
        self
    }

    const fn answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }
}

const BUILD: &str = "dockerfile t extrahosts remote q nocache cachefrom pull rm forcerm memory memswap \
    cpushares cpusetcpus cpusetmems cpuperiod cpuquota buildargs shmsize squash labels networkmode \
    platform target outputs version buildid session ulimits isolation";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    at("GET", "_ping", ""),
    at("HEAD", "_ping", ""),
    at("GET", "version", ""),
    at("GET", "info", ""),
    at("POST", "auth", "").json(LOGIN),
    at("GET", "events", "since until filters")
        .query(queries::events)
        .needs(&[Part::Containers])
        .answer(Answer::Events),
    at("GET", "system/df", "type verbose").answer(Answer::Usage),
    // Containers.
    at("GET", "containers/json", "all limit size filters before since").answer(Answer::Containers),
    at("POST", "containers/create", "name platform")
        .json(CONTAINER)
        .needs(Part::ALL)
        .answer(Answer::Created),
    at("POST", "containers/prune", "filters").query(queries::spare),
    at("GET", "containers/{container}/json", "size"),
    at("GET", "containers/{container}/top", "ps_args").query(queries::top),
    at(
        "GET",
        "containers/{container}/logs",
        "follow stdout stderr since until timestamps tail details",
    )
    .answer(Answer::Told),
    at("GET", "containers/{container}/changes", ""),
    at("GET", "containers/{container}/export", ""),
    at("GET", "containers/{container}/stats", "stream one-shot").answer(Answer::Statistics),
    at("POST", "containers/{container}/start", "detachKeys"),
    at("POST", "containers/{container}/stop", "t signal"),
    at("POST", "containers/{container}/restart", "t signal"),
    at("POST", "containers/{container}/kill", "signal"),
    at("POST", "containers/{container}/pause", ""),
    at("POST", "containers/{container}/unpause", ""),
    at("POST", "containers/{container}/rename", "name"),
    at("POST", "containers/{container}/resize", "h w"),
    at("POST", "containers/{container}/wait", "condition"),
    at("POST", "containers/{container}/update", "").json(UPDATE),
    at("POST", "containers/{container}/attach", "detachKeys logs stream stdin stdout stderr")
        .answer(Answer::Attach),
    at("POST", "containers/{container}/exec", "").json(EXEC_CREATE),
    at("DELETE", "containers/{container}", "v link force"),
    at("HEAD", "containers/{container}/archive", "path"),
    at("GET", "containers/{container}/archive", "path"),
    at("PUT", "containers/{container}/archive", "path noOverwriteDirNonDir copyUIDGID").file(),
    at("POST", "commit", "container repo tag comment author pause changes")
        .query(queries::commit)
        .json_or_none(COMMIT)
        .needs(&[Part::Containers]),
    at("GET", "exec/{exec}/json", ""),
    at("POST", "exec/{exec}/start", "").json_or_none(EXEC_START).answer(Answer::Exec),
    at("POST", "exec/{exec}/resize", "h w"),
    // Images.
    at("GET", "images/json", "all filters shared-size digests manifests filter identity")
        .answer(Answer::Images),
    at("GET", "images/get", "names platform").query(queries::names).needs(&[Part::Images]),
    at("POST", "images/load", "quiet platform").file().answer(Answer::Load),
    at("POST", "images/create", "fromImage fromSrc repo tag message changes platform")
        .query(queries::pull)
        .file(),
    at("POST", "images/prune", "filters").query(queries::spare_images),
    at("GET", "images/{image}/json", "size manifests platform"),
    at("GET", "images/{image}/history", "platform"),
    at("GET", "images/{image}/get", "platform"),
    at("POST", "images/{image}/push", "tag platform"),
    at("POST", "images/{image}/tag", "repo tag force").query(queries::tag),
    at("DELETE", "images/{image}", "force noprune platforms"),
    at("GET", "distribution/{image}/json", ""),
    // A bare `docker inspect NAME` asks for a plug-in of that name in the end.
    at("GET", "plugins/{plugin}/json", ""),
    // Builds. Those of today's commands go through `grpc`, whose calls are reviewed one by one.
    at("POST", "build", BUILD).query(queries::build).file(),
    at("POST", "build/cancel", "id"),
    at(
        "POST",
        "build/prune",
        "keep-storage reserved-space max-used-space min-free-space all filters",
    ),
    at("POST", "session", "").answer(Answer::Session),
    at("POST", "grpc", "").answer(Answer::Grpc),
    // Volumes.
    at("GET", "volumes", "filters").answer(Answer::Volumes),
    at("POST", "volumes/create", "").json(VOLUME_CREATE).needs(&[Part::Volumes]),
    at("POST", "volumes/prune", "filters").query(queries::spare),
    at("GET", "volumes/{volume}", ""),
    at("DELETE", "volumes/{volume}", "force"),
    // Networks.
    at("GET", "networks", "filters").answer(Answer::Networks),
    at("POST", "networks/create", "").json(NETWORK_CREATE),
    at("POST", "networks/prune", "filters").query(queries::spare),
    at("GET", "networks/{network}", "verbose scope")
        .needs(&[Part::Containers])
        .answer(Answer::Network),
    at("DELETE", "networks/{network}", ""),
    at("POST", "networks/{network}/connect", "").json(CONNECT).needs(&[Part::Containers]),
    at("POST", "networks/{network}/disconnect", "").json(DISCONNECT).needs(&[Part::Containers]),
];
