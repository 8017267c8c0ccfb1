//! Names of images: one image has several spellings.

/// Names below this are the grader's own (`engine::TAG_PREFIX`).
const RESERVED: &str = "grade.local/";

/// An image's name as the engine shows it: `docker.io/library/busybox` is `busybox:latest`.
pub(super) fn familiar(name: &str) -> String {
    let name = ["docker.io/", "index.docker.io/"]
        .into_iter()
        .find_map(|hub| name.strip_prefix(hub))
        .unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    if name.contains('@') || untagged(name) != name {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// The name without its tag.
pub(super) fn untagged(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// Whether a name is the grader's own: one of these, or below what all of its images are below.
pub(super) fn is_reserved(name: &str, hidden: &[String]) -> bool {
    let name = familiar(name);
    let repository = name.split_once('@').map(|(repository, _)| repository);
    name.starts_with(RESERVED)
        || hidden.iter().map(|ours| familiar(ours)).any(|ours| {
            ours == name || repository.is_some_and(|name| untagged(&ours) == untagged(name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_graders_are_reserved_in_every_spelling() {
        let hidden = ["registry:2".to_owned()];
        for name in [
            "registry:2",
            "docker.io/registry:2",
            "docker.io/library/registry:2",
            "index.docker.io/registry:2",
            "registry@sha256:12",
            "registry:2@sha256:12",
            "grade.local/tools:1",
            "grade.local/anything",
        ] {
            assert!(is_reserved(name, &hidden), "{name}");
        }
        for name in
            ["registry", "registry:3", "busybox", "mine/registry:2", "localhost:5000/registry:2"]
        {
            assert!(!is_reserved(name, &hidden), "{name}");
        }
    }

    #[test]
    fn every_spelling_of_a_name_is_the_same_name() {
        for name in [
            "busybox",
            "library/busybox",
            "docker.io/library/busybox:latest",
            "index.docker.io/busybox",
        ] {
            assert_eq!(familiar(name), "busybox:latest");
        }
        assert_eq!(familiar("localhost:5000/team/app"), "localhost:5000/team/app:latest");
        assert_eq!(familiar("docker.io/team/app@sha256:12"), "team/app@sha256:12");
        assert_eq!(untagged("localhost:5000/team/app:1.0"), "localhost:5000/team/app");
        assert_eq!(untagged("localhost:5000/team/app"), "localhost:5000/team/app");
    }
}
