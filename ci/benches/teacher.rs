//! The third side: commands of the docker CLI in a shell script, as a teacher would write it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::exercise::{Exercise, root};

/// The docker CLI that the scripts use.
pub(crate) struct Teacher {
    docker: PathBuf,
    /// Its version.
    pub(crate) version: String,
}

impl Teacher {
    /// The first docker CLI on PATH that can build with BuildKit: by itself, before version 23,
    /// or with buildx.
    pub(crate) fn find() -> Option<Teacher> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("docker")).find_map(Teacher::of)
    }

    fn of(docker: PathBuf) -> Option<Teacher> {
        let says = |arguments: &[&str]| {
            let output =
                Command::new(&docker).args(arguments).stdin(Stdio::null()).output().ok()?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            output.status.success().then_some(text)
        };
        let version = says(&["version", "--format", "{{.Client.Version}}"])?;
        let major: u32 = version.split('.').next()?.parse().ok()?;
        let can_build = major < 23 || says(&["buildx", "version"]).is_some();
        can_build.then_some(Teacher { docker, version })
    }

    /// Grades submissions by the exercise's script, at most `at_once` at the same time.
    pub(crate) fn grade(
        &self,
        exercise: &Exercise,
        submissions: &[PathBuf],
        at_once: usize,
    ) -> Outcome<()> {
        let script = root().join("ci/benches/teacher").join(format!("{}.sh", exercise.slug));
        let mut list = String::new();
        for submission in submissions {
            writeln!(list, "{}", submission.display())?;
        }
        let mut command = if let [submission] = submissions {
            let mut command = Command::new("bash");
            command.arg(&script).arg(submission);
            command
        } else {
            let mut command = Command::new("xargs");
            command.args(["-P", &at_once.to_string(), "-n", "1", "bash"]).arg(&script);
            command
        };
        let given = exercise.given.as_deref().unwrap_or(Path::new(""));
        command.env("DOCKER", &self.docker).env("GIVEN", given).env("DOCKER_BUILDKIT", "1");
        let list = write_list(&list)?;
        let output = command.stdin(list).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let passed = said.lines().filter(|line| *line == "all points").count();
        if !output.status.success() || passed != submissions.len() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} failed: {said}{errors}", script.display()).into());
        }
        Ok(())
    }
}

/// A file to be read as standard input.
fn write_list(list: &str) -> Outcome<std::fs::File> {
    use std::io::{Seek, Write};
    let mut file = tempfile::tempfile()?;
    file.write_all(list.as_bytes())?;
    file.rewind()?;
    Ok(file)
}
