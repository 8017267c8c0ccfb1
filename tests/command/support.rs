//! Starting the command, and folders to hand in.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;

/// Where no engine is.
pub(crate) const NOWHERE: &str = "unix:///nowhere/docker.sock";
/// No command in these tests takes longer.
const LONGEST: Duration = Duration::from_secs(120);

/// One test at a time that leaves something on the engine, or removes what is left there by `grade clean`.
static LEAVING: Mutex<()> = Mutex::new(());

/// Keeps others from leaving and cleaning for as long as the answer is held.
pub(crate) fn alone_with_what_is_left() -> MutexGuard<'static, ()> {
    LEAVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The command with these arguments, started in the repository.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    for name in ["GRADE_COURSE", "COLUMNS", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// Runs the command with the engine at hand.
pub(crate) fn grade(arguments: &[&str]) -> Ran {
    run(command(arguments))
}

/// Runs the command where there is no engine: what needs one fails.
pub(crate) fn grade_without_engine(arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command.env("DOCKER_HOST", NOWHERE);
    run(command)
}

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Ran {
    let output = assert_cmd::Command::from_std(command).timeout(LONGEST).output();
    Ran::of(&output.expect("the command starts"))
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Ran {
            code: output.status.code().unwrap_or_else(|| panic!("it ended by {}", output.status)),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Panics unless the command ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output, which must be JSON and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A text with what differs from run to run in it replaced: the one place that does so.
pub(crate) fn redacted(text: &str, folders: &[(&Path, &str)]) -> String {
    let root = (root(), "[repository]");
    folders
        .iter()
        .chain([&root])
        .fold(text.to_owned(), |text, (path, name)| text.replace(&path.display().to_string(), name))
}

/// Compares a text with `tests/golden/check/<name>.snap`.
#[track_caller]
pub(crate) fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden/check");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
