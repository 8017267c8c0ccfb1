//! A file whose lines are meant to be the names of what is in a folder.

use std::collections::HashSet;

/// The lines that name nothing in a folder or below it, in any way in which `ls` or `find` may write
/// a name: bare, from the folder, from a folder beside it or from the root, and as the head of a list.
pub(super) fn strangers<'a>(
    lines: &[String],
    folder: &str,
    paths: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let mut known: HashSet<&str> = HashSet::new();
    for path in paths {
        // Folders count, too.
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        for end in ends {
            let path = &path[..end];
            known.insert(path);
            known.extend(path.rsplit('/').next());
        }
    }
    let folder = folder.trim_matches('/');
    let names = |line: &str| {
        let is_absolute = line.starts_with('/');
        let line = line.trim_end_matches(['\r', ':']).trim_end_matches(['/', '*', '@', '=', '|']);
        let bare = line.trim_start_matches(['.', '/']);
        let below = bare
            .strip_prefix(folder)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
            .map(|rest| rest.trim_start_matches(['.', '/']));
        if is_absolute {
            return below.is_some_and(|below| below.is_empty() || known.contains(below));
        }
        let relative = line.strip_prefix("./").unwrap_or(line);
        bare.is_empty()
            || below == Some("")
            || [Some(line), Some(relative), Some(bare), below]
                .into_iter()
                .flatten()
                .any(|name| known.contains(name))
    };
    lines.iter().filter(|line| !line.trim().is_empty() && !names(line)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        strangers(&lines, "/app", ["a b.txt", ".env", "bin/sh", "docs/x/y.md"].into_iter())
    }

    #[test]
    fn names_are_known_however_they_are_written() {
        assert_eq!(
            of(
                "a b.txt\n./a b.txt\n/app/a b.txt\n../app/./a b.txt\napp/bin/sh\nsh\nbin\ndocs/\n.env\n./.env"
            ),
            [""; 0]
        );
        assert_eq!(of("/app:\n.:\n\n/app/docs/x:\ny.md\n.\n..\n/app"), [""; 0]);
    }

    #[test]
    fn what_is_elsewhere_is_strange() {
        assert_eq!(
            of("ls\n/etc/passwd\na\n/bin:\n/\n/app2/x"),
            ["ls", "/etc/passwd", "a", "/bin:", "/", "/app2/x"]
        );
    }
}
