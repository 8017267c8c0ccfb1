//! Rosters as files and folders, read whole.

mod folders;
mod mistakes;
mod tables;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::document::Problems;

/// A folder with these files in it; one whose path ends in `/` is a folder.
fn laid_out(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        if text.is_empty() && path.to_str().unwrap().ends_with('/') {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    root
}

fn source(text: &str) -> RosterOptions {
    RosterOptions {
        assignment: Some("healthcheck".into()),
        source: Some(text.into()),
        ..RosterOptions::default()
    }
}

/// What is in a table, when it is read with these options.
fn table(bytes: impl AsRef<[u8]>, options: &RosterOptions) -> Result<Roster, String> {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("roster.csv");
    std::fs::write(&path, bytes).unwrap();
    told(read(&path, options), root.path())
}

/// Problems as they print, with the folder left out.
fn told(read: Result<Roster, Vec<Problems>>, root: &Path) -> Result<Roster, String> {
    read.map_err(|all| {
        let all = all.iter().map(Problems::to_string).collect::<Vec<_>>().join("\n");
        all.replace(&format!("{}/", root.display()), "")
    })
}

/// Each student's id and where their submission is, in short.
fn places(roster: &Roster) -> Vec<(&str, String)> {
    let place = |member: &Member| match &member.source {
        Ok(Source::Git(git)) => git.url.clone(),
        Ok(Source::Path(path)) => file_name(path),
        Err(because) => format!("– {because}"),
    };
    roster.members.iter().map(|member| (member.student.id.as_str(), place(member))).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn ids(roster: &Roster) -> Vec<&str> {
    roster.members.iter().map(|member| member.student.id.as_str()).collect()
}

fn path(root: &TempDir, name: &str) -> PathBuf {
    root.path().join(name)
}
