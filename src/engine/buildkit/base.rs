//! Base images: whose it is that one cannot be had.

use super::Engine;
use crate::engine::build::{BuildNetwork, BuildRequest, Step};
use crate::engine::docker::RegistryAnswer;
use crate::engine::error::Cause;

/// The registry of names that begin with none.
const HUB: &str = "docker.io";
/// An image there that everybody can have: where the course names none of its own, whether it can be
/// had tells whether the registry answers.
const COMMON: &str = "docker.io/library/busybox:latest";

/// Why a build has no base image, when that is not simply our fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoBase {
    /// The Dockerfile names what cannot be had; a sentence where ours is clearer than the builder's.
    Theirs(Option<String>),
    /// The registry has it: trying again shows whether it can be used. Of one that is ours to
    /// provide, the cause should it not be.
    ThereNow(Option<Cause>),
}

/// The image that a step fetches, if it fetches one. The builder gives its whole name.
pub(super) fn fetched(step: &Step) -> Option<&str> {
    let name = step.name.as_str();
    if let Some(reference) = name.strip_prefix("[internal] load metadata for ") {
        return Some(reference);
    }
    let from = step.instruction().unwrap_or(name);
    from.strip_prefix("FROM ")?.split_whitespace().next()
}

impl Engine {
    /// Finds out whose it is that the image `reference` cannot be had. The builder's words are not
    /// asked: they hold the reference, and what a registry of the submission's choice answers.
    ///
    /// # Errors
    /// [`Cause::BaseImage`] when it is ours.
    pub(super) async fn no_base(
        &self,
        reference: &str,
        request: &BuildRequest,
        words: &str,
    ) -> Result<NoBase, Cause> {
        let cause = |detail: &str| Cause::BaseImage {
            reference: reference.to_owned(),
            detail: detail.to_owned(),
        };
        let provided: Vec<String> = request.provided.iter().map(|name| whole(name)).collect();
        let is_provided = provided.iter().any(|name| *name == whole(reference));
        if request.offline {
            // One that is there was asked for in another form, for another platform say.
            if is_provided && !self.has_image(reference).await? {
                return Err(cause(words));
            }
            let form = if is_provided { " of the kind that the Dockerfile asks for" } else { "" };
            return Ok(NoBase::Theirs(Some(not_there(reference, form, &request.provided))));
        }
        let registry = registry(reference);
        let known = provided.iter().find(|name| self::registry(name) == registry);
        let known = known.map(String::as_str).or((registry == HUB).then_some(COMMON));
        // The submission chose the registry, and with it what it answers.
        let Some(known) = known else { return Ok(NoBase::Theirs(None)) };
        match self.registry_has(reference).await? {
            RegistryAnswer::Has => Ok(NoBase::ThereNow(is_provided.then(|| cause(words)))),
            RegistryAnswer::HasNot | RegistryAnswer::Silent(_) if is_provided => Err(cause(words)),
            RegistryAnswer::HasNot => Ok(NoBase::Theirs(None)),
            // An image can be such that a registry in good health cannot tell of it.
            RegistryAnswer::Silent(detail) => match self.registry_has(known).await? {
                RegistryAnswer::Has => Ok(NoBase::Theirs(None)),
                // Else whoever names what is nowhere would lose no points on a machine without a network.
                _ if request.network == BuildNetwork::None => {
                    Ok(NoBase::Theirs(Some(not_there(reference, "", &request.provided))))
                }
                RegistryAnswer::HasNot | RegistryAnswer::Silent(_) => Err(cause(&detail)),
            },
        }
    }
}

/// In a student's words: what cannot be had, what could be meant, and all that is offered.
fn not_there(reference: &str, form: &str, provided: &[String]) -> String {
    let name = familiar(reference);
    let near = provided.iter().map(|one| (strsim::damerau_levenshtein(name, one), one)).min();
    let meant = match near {
        Some((distance, near)) if (1..=2).contains(&distance) => format!(" (did you mean {near}?)"),
        _ => String::new(),
    };
    let offered = match provided.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => return format!("there is no image {name}{form} here"),
    };
    format!(
        "there is no image {name}{form} here{meant}; builds can start from {offered}, or from scratch"
    )
}

/// A name as the builder writes it, with its registry and tag.
fn whole(name: &str) -> String {
    let name = match registry_in(name) {
        Some(_) => name.to_owned(),
        None if name.contains('/') => format!("{HUB}/{name}"),
        None => format!("{HUB}/library/{name}"),
    };
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name } else { format!("{name}:latest") }
}

/// A name as people write it.
fn familiar(reference: &str) -> &str {
    let name = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let name = name.strip_prefix("library/").unwrap_or(name);
    name.strip_suffix(":latest").unwrap_or(name)
}

fn registry(name: &str) -> &str {
    registry_in(name).unwrap_or(HUB)
}

/// The registry that a name begins with, by the engine's rule.
fn registry_in(name: &str) -> Option<&str> {
    let (first, _) = name.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_whole_as_the_builder_does() {
        for (name, full, people) in [
            ("busybox", "docker.io/library/busybox:latest", "busybox"),
            ("python:3.12-slim", "docker.io/library/python:3.12-slim", "python:3.12-slim"),
            ("ada/x", "docker.io/ada/x:latest", "ada/x"),
            ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x"),
            ("ghcr.io/a/x@sha256:1", "ghcr.io/a/x@sha256:1", "ghcr.io/a/x@sha256:1"),
        ] {
            assert_eq!(whole(name), full);
            assert_eq!(familiar(full), people);
        }
    }

    #[test]
    fn a_registry_is_told_from_the_first_part_of_a_name() {
        assert_eq!(registry("docker.io/library/toomanyrequests:1"), "docker.io");
        assert_eq!(registry("x509/toomanyrequests:1"), "docker.io");
        assert_eq!(registry("registry.invalid/x509:1"), "registry.invalid");
        assert_eq!(registry("localhost/x"), "localhost");
    }

    #[test]
    fn a_step_that_fetches_an_image_names_it() {
        let fetched = |name: &str| {
            super::fetched(&Step { name: name.to_owned(), ..Step::default() }).map(str::to_owned)
        };
        let reference = "docker.io/library/nosuch:1";
        for name in [
            "[internal] load metadata for docker.io/library/nosuch:1",
            "[1/2] FROM docker.io/library/nosuch:1",
            "FROM docker.io/library/nosuch:1",
            "[app 1/2] FROM docker.io/library/nosuch:1 resolve",
        ] {
            assert_eq!(fetched(name).as_deref(), Some(reference), "{name}");
        }
        assert_eq!(fetched("[2/2] RUN echo '[internal] load metadata for x'"), None);
    }
}
