//! `grade doctor`: what is missing on this machine, and what mends it.

use super::locate::Course;
use super::{Common, Exit, out, runtime};
use crate::engine::{Endpoint, Engine, OwnedFilter};
use crate::play::REGISTRY_IMAGE;
use crate::rubric::BASES;
use crate::sandbox;

/// A registry, for the exercises that push, and the engine of a submission's own.
const TOOLS: [&str; 2] = [REGISTRY_IMAGE, sandbox::IMAGE];

pub(super) fn run(common: &Common) -> Exit {
    match runtime() {
        Ok(runtime) => runtime.block_on(examine(common)),
        Err(exit) => exit,
    }
}

async fn examine(common: &Common) -> Exit {
    let mut exit = Exit::Graded;
    match Course::find(common.course.as_deref()) {
        Some(course) => good(&format!("course: {} assignments", course.slugs().len())),
        None => {
            bad("course: none found above this folder", "name it with --course DIR");
            exit = Exit::Unjudged;
        }
    }
    let connected = match Endpoint::resolve(common.host.as_deref()) {
        Ok(endpoint) => Engine::connect(&endpoint).await,
        Err(error) => Err(error),
    };
    let engine = match connected {
        Ok(engine) => engine,
        Err(error) => {
            let advice = error.advice().unwrap_or_else(|| "see the message".into());
            bad(&format!("engine: {error}"), &advice);
            return Exit::Unjudged;
        }
    };
    let info = engine.info();
    let at = engine.endpoint();
    if info.is_podman() {
        bad(
            &format!("engine: Podman {} at {at}", info.version),
            "use a Docker Engine: Podman shows no health checks or ONBUILD triggers and takes no build secrets here",
        );
        exit = Exit::Unjudged;
    } else {
        good(&format!("engine: Docker Engine {} (API {}) at {at}", info.version, info.api_version));
    }
    let images = BASES.iter().map(|name| ("base image", name));
    for (what, name) in images.chain(TOOLS.iter().map(|name| ("image", name))) {
        match engine.image_exists(name).await {
            Ok(true) => good(&format!("{what}: {name}")),
            Ok(false) => {
                bad(&format!("{what}: {name} is missing"), "run ci/images");
                exit = Exit::Unjudged;
            }
            Err(error) => {
                bad(&format!("{what}: {name}: {error}"), "see whether the engine still runs");
                exit = Exit::Unjudged;
            }
        }
    }
    match engine.sandboxes(sandbox::LABEL).await {
        Ok(there) if there.is_empty() => {}
        Ok(there) => good(&format!(
            "sandboxes in use or kept ready: {} (`grade clean --all` removes them)",
            there.len()
        )),
        Err(error) => bad(&error.to_string(), "see whether the engine still runs"),
    }
    match engine.owned(&OwnedFilter::default()).await {
        Ok(left) if left.is_empty() => good("left by earlier runs: nothing"),
        Ok(left) => out(format_args!(
            "• left by earlier runs, or in use by one that goes on: {}\n    help: `grade clean` removes what \
             nobody uses, `grade clean --dry-run` shows it",
            left.len()
        )),
        Err(error) => bad(&error.to_string(), "see whether the engine still runs"),
    }
    exit
}

fn good(what: &str) {
    out(format_args!("✔ {what}"));
}

fn bad(what: &str, advice: &str) {
    out(format_args!("✘ {what}\n    help: {advice}"));
}
