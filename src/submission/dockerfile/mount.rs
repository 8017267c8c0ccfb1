//! `--mount` flags of RUN.

use std::ops::Range;
use std::path::Path;

use parse_dockerfile::RunInstruction;

/// A `--mount` flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Its value, as written.
    pub(super) value: String,
    /// Where the value stands.
    pub(super) span: Range<usize>,
    /// `bind` where nothing is said.
    pub(super) kind: String,
    /// Where it is mounted, as written.
    pub(super) target: Option<String>,
}

impl Mount {
    /// Those of an instruction.
    pub(super) fn all(run: &RunInstruction<'_>) -> Vec<Mount> {
        let flags = run.options.iter().filter(|flag| flag.name.value == "mount");
        let mounts = flags.filter_map(|flag| flag.value.as_ref()).map(|value| {
            let plain = value.value.replace(['"', '\''], "");
            let options = || plain.split(',').filter_map(|option| option.split_once('='));
            let option = |names: &[&str]| {
                let is_meant = |name: &str| names.iter().any(|one| one.eq_ignore_ascii_case(name));
                options().find(|(name, _)| is_meant(name)).map(|(_, value)| value.to_owned())
            };
            Mount {
                span: value.span.clone(),
                kind: option(&["type"]).unwrap_or_else(|| "bind".to_owned()),
                target: option(&["target", "dst", "destination"]),
                value: value.value.to_string(),
            }
        });
        mounts.collect()
    }

    /// Its type, and its target as seen from a working directory.
    pub(super) fn place(&self, workdir: &str) -> String {
        let kind = self.kind.to_ascii_lowercase();
        match &self.target {
            Some(target) => format!("{kind} {}", absolute(workdir, target)),
            None => kind,
        }
    }
}

/// A path as seen from a working directory: absolute, without `.` and `..`; variables stay.
pub(super) fn absolute(workdir: &str, path: &str) -> String {
    path_clean::clean(Path::new(workdir).join(path)).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_working_directory() {
        for (workdir, path, seen) in [
            ("/", "tmpdata", "/tmpdata"),
            ("/tmpdata", ".", "/tmpdata"),
            ("/a/b", "../../tmpdata/", "/tmpdata"),
            ("/a", "//tmpdata/./", "/tmpdata"),
            ("/a", "/../..", "/"),
            ("/a", "${X}/b", "/a/${X}/b"),
            ("/a", "$X", "/a/$X"),
        ] {
            assert_eq!(absolute(workdir, path), seen, "{path} in {workdir}");
        }
    }
}
