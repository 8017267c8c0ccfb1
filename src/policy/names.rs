//! Names of images: one image has several spellings.

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

#[cfg(test)]
mod tests {
    use super::*;

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
