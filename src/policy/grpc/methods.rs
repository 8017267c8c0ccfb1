//! The calls of BuildKit's that `docker build`, `buildx` and Compose make. What is not here is refused.

use super::solve;
use crate::policy::Rules;
use crate::policy::no::No;

/// What is done with a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    /// It goes on as it is: it tells something, or is about what the caller made.
    Pass,
    /// Its message is made anew from what is allowed.
    Review(Review),
    /// Not allowed, in the words of the command line.
    Never(&'static str),
    /// Not known to us. Clients go without what an older engine does not know either.
    Unknown,
}

/// The message to send, and the session that it names.
pub(super) type Review = fn(&[u8], &Rules) -> Result<solve::Reviewed, No>;

const PASSED: &[(&str, &[&str])] = &[
    (
        "moby.buildkit.v1.Control",
        &[
            "DiskUsage",
            "Info",
            "ListWorkers",
            "ListenBuildHistory",
            "Prune",
            "Status",
            "UpdateBuildHistory",
        ],
    ),
    (
        "moby.buildkit.v1.frontend.LLBBridge",
        &[
            "Evaluate",
            "Inputs",
            "Ping",
            "ReadDir",
            "ReadFile",
            "ResolveImageConfig",
            "ResolveSourceMeta",
            "Return",
            "StatFile",
            "Warn",
        ],
    ),
    // What a build's record in the history is made of.
    ("containerd.services.content.v1.Content", &["Info", "Read"]),
    ("grpc.health.v1.Health", &["Check", "Watch"]),
];

/// What is done with the call of that path.
pub(super) fn find(path: &str) -> Method {
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/'))
    else {
        return Method::Unknown;
    };
    let passed = PASSED.iter().find(|(name, _)| *name == service);
    if passed.is_some_and(|(_, methods)| methods.contains(&method)) {
        return Method::Pass;
    }
    match (service, method) {
        ("moby.buildkit.v1.Control", "Solve") => Method::Review(solve::control),
        ("moby.buildkit.v1.frontend.LLBBridge", "Solve") => Method::Review(solve::bridge),
        // One that the engine's own way to open a session does not know of.
        ("moby.buildkit.v1.Control", "Session") => {
            Method::Never("a session inside of BuildKit's calls")
        }
        // A container of the builder's, beside all that is said of containers elsewhere.
        (
            "moby.buildkit.v1.frontend.LLBBridge",
            "NewContainer" | "ReleaseContainer" | "ExecProcess",
        ) => Method::Never("a container of the builder's (buildx debug, --invoke, --on)"),
        _ => Method::Unknown,
    }
}
