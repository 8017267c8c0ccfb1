//! A runner of workflows, as far as a composite action needs one: expressions, steps, the files that
//! take outputs, and the commands in what is printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_yaml_ng::Value as Yaml;
use tempfile::TempDir;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// How an action ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    /// All that the steps printed.
    pub(crate) log: String,
    /// The commands in it that a runner obeys, without the leading colons.
    pub(crate) commands: Vec<String>,
    /// The action's outputs that are not empty.
    pub(crate) outputs: BTreeMap<String, String>,
    /// The summary in Markdown.
    pub(crate) summary: String,
}

/// A student's repository that was checked out, and the runner's own folder.
pub(crate) struct Workspace {
    folder: TempDir,
    runner: TempDir,
}

impl Workspace {
    /// A copy of a folder of this repository.
    pub(crate) fn of(folder: &str) -> Workspace {
        let work = Workspace::with(&[]);
        let from = root().join(folder);
        for entry in walkdir::WalkDir::new(&from) {
            let entry = entry.expect("a folder of this repository");
            let to = work.path().join(entry.path().strip_prefix(&from).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        work
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Workspace {
        let temporary = || tempfile::tempdir().expect("a folder");
        let work = Workspace { folder: temporary(), runner: temporary() };
        for (name, text) in files {
            std::fs::write(work.path().join(name), text).unwrap();
        }
        work
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs this repository's action with the program that was just built.
    pub(crate) fn grade(&self, inputs: &[(&str, &str)], env: &[(&str, &str)]) -> Ran {
        let env = [env, &[("GRADE_PROGRAM", env!("CARGO_BIN_EXE_grade"))]].concat();
        self.run(root(), inputs, &env)
    }

    /// Runs the action in `action` to its end, or to the first step that fails.
    pub(crate) fn run(&self, action: &Path, inputs: &[(&str, &str)], env: &[(&str, &str)]) -> Ran {
        let definition = std::fs::read_to_string(action.join("action.yml")).expect("an action");
        let definition: Yaml = serde_yaml_ng::from_str(&definition).expect("YAML");
        let mut known =
            BTreeMap::from([("github.workspace".to_owned(), self.path().display().to_string())]);
        for (name, input) in definition["inputs"].as_mapping().into_iter().flatten() {
            let name = name.as_str().unwrap();
            let given = inputs.iter().find(|(one, _)| *one == name).map(|(_, value)| *value);
            let value = given.map(str::to_owned);
            let value = value.unwrap_or_else(|| fill(input["default"].as_str().unwrap(), &known));
            known.insert(format!("inputs.{name}"), value);
        }
        let summary = self.runner.path().join("summary");
        let (mut code, mut log) = (0, String::new());
        for (index, step) in definition["runs"]["steps"].as_sequence().unwrap().iter().enumerate() {
            assert_eq!(step["shell"], "bash");
            let output = self.runner.path().join(format!("output-{index}"));
            std::fs::write(&output, "").unwrap();
            let script = self.runner.path().join(format!("step-{index}.sh"));
            std::fs::write(&script, fill(step["run"].as_str().unwrap(), &known)).unwrap();
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&script);
            self.environment(&mut command, action, &output, &summary);
            for (name, value) in step["env"].as_mapping().into_iter().flatten() {
                let value = fill(value.as_str().unwrap(), &known);
                command.env(name.as_str().unwrap(), value);
            }
            command.envs(env.iter().copied());
            let ended = command.output().expect("bash");
            log.push_str(&String::from_utf8_lossy(&ended.stdout));
            log.push_str(&String::from_utf8_lossy(&ended.stderr));
            if let Some(id) = step["id"].as_str() {
                for (name, value) in outputs(&std::fs::read_to_string(&output).unwrap()) {
                    known.insert(format!("steps.{id}.outputs.{name}"), value);
                }
            }
            code = ended.status.code().expect("an exit code");
            if code != 0 {
                break;
            }
        }
        let defined = definition["outputs"].as_mapping().into_iter().flatten();
        let defined = defined.map(|(name, output)| {
            (name.as_str().unwrap().to_owned(), fill(output["value"].as_str().unwrap(), &known))
        });
        Ran {
            code,
            commands: commands(&log),
            log,
            outputs: defined.filter(|(_, value)| !value.is_empty()).collect(),
            summary: std::fs::read_to_string(summary).unwrap_or_default(),
        }
    }

    /// What a runner sets, and nothing else.
    fn environment(&self, command: &mut Command, action: &Path, output: &Path, summary: &Path) {
        let runner = |name: &str| -> PathBuf { self.runner.path().join(name) };
        command.env_clear().current_dir(self.path()).stdin(Stdio::null());
        for name in ["PATH", "HOME", "DOCKER_HOST"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("RUNNER_OS", "Linux")]);
        command.envs([
            ("GITHUB_ACTION_REPOSITORY", "your-org/grade"),
            ("GITHUB_REPOSITORY", "course/ada"),
            ("GITHUB_SERVER_URL", "https://forge.example"),
        ]);
        command.envs([
            ("GITHUB_WORKSPACE", self.path()),
            ("GITHUB_ACTION_PATH", action),
            ("GITHUB_OUTPUT", output),
            ("GITHUB_STEP_SUMMARY", summary),
            ("RUNNER_TEMP", self.runner.path()),
        ]);
        command.env("GITHUB_ENV", runner("env")).env("GITHUB_PATH", runner("path"));
    }
}

impl Ran {
    /// Panics unless the action ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{}", self.log);
        self
    }
}

/// Puts values in place of `${{ … }}`; what is not known is empty, as a runner has it.
fn fill(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut parts = text.split("${{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("an expression ends");
        filled.push_str(known.get(name.trim()).map_or("", String::as_str));
        filled.push_str(rest);
    }
    filled
}

/// `name=value` and `name<<end`, as a runner reads them.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, value) = match line.split_once("<<") {
            Some((name, end)) if !name.contains('=') => {
                let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                (name, value.join("\n"))
            }
            _ => {
                let (name, value) = line.split_once('=').expect("an output");
                (name, value.to_owned())
            }
        };
        outputs.insert(name.to_owned(), value);
    }
    outputs
}

/// The lines that a runner obeys, those between `stop-commands` and its token left out. It also
/// obeys an older form, `##[name]`.
fn commands(log: &str) -> Vec<String> {
    let mut stopped: Option<String> = None;
    let mut commands = Vec::new();
    for line in log.lines().map(str::trim_start) {
        match &stopped {
            Some(token) if line.trim_end() == format!("::{token}::") => stopped = None,
            Some(_) => {}
            None => match line.strip_prefix("::stop-commands::") {
                Some(token) => stopped = Some(token.trim_end().to_owned()),
                None if line.starts_with("##[") => commands.push(line.to_owned()),
                None => commands.extend(line.strip_prefix("::").map(str::to_owned)),
            },
        }
    }
    commands
}

#[test]
fn the_runner_of_these_tests_obeys_what_is_not_fenced() {
    let log =
        "a\n::error::one\n::stop-commands::t\n::error::two\n::x::\n::t::\n  ::notice::three\n";
    assert_eq!(commands(log), ["error::one", "notice::three"]);
    let text = "a=1\nb<<E\n2\na=3\nE\n";
    assert_eq!(
        outputs(text),
        [("a", "1"), ("b", "2\na=3")].map(|(a, b)| (a.into(), b.into())).into()
    );
}
