//! The student's commands, run by the real tools in their container.

use std::time::{Duration, Instant};

use super::shot::ContainerShot;
use super::stage::{Stage, Task};
use crate::engine::{ExecReport, ExecRequest};
use crate::evidence::Fault;
use crate::sandbox::Limit;

/// What of a command's output is kept, of each stream.
const OUTPUT: usize = 64 << 10;
/// How long a command may go on beside its running container until it counts as attached to it.
const ATTACHED: Duration = Duration::from_secs(8);
/// What the tools may need beyond a command's own time.
const GRACE: Duration = Duration::from_secs(15);
/// What of a command's output is read; of a longer one the end of this is kept.
const READ: usize = 4 << 20;
/// Where Compose notes of which files a container was made.
const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// What Compose says when it finds no file of its own.
const NO_FILE: &str = "no configuration file provided";
/// The script that starts, where there is one.
const SCRIPT: &str = "run.sh";

/// How a command went.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    /// It did what it should, as far as it tells.
    pub(super) is_well: bool,
    pub(super) exit_code: Option<i64>,
    pub(super) timed_out: bool,
    /// It goes on while a container of it runs.
    pub(super) still_attached: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// What of the sandbox's limits was hit meanwhile.
    pub(super) limit: Option<Limit>,
}

impl Stage<'_> {
    /// The file by which the submission was started, after the command of [`Stage::start_command`]; none
    /// when there is none. Which files Compose takes is its own affair, and it is asked.
    pub(super) fn find_way(&self, ran: &Ran, containers: &[ContainerShot]) -> Option<String> {
        if self.has_file(SCRIPT) {
            return Some(SCRIPT.to_owned());
        }
        let inside = format!("{}/", self.folder);
        let noted = containers
            .iter()
            .rev()
            .find_map(|one| one.description["Config"]["Labels"][CONFIG_FILES].as_str());
        if let Some(noted) = noted {
            let files = noted.split(',').map(|file| file.strip_prefix(&inside).unwrap_or(file));
            return Some(files.collect::<Vec<_>>().join(" with "));
        }
        if ran.stderr.contains(NO_FILE) {
            return None;
        }
        // It says which one it uses, or which one is wrong.
        let named = ran.stderr.split_whitespace().rev().find_map(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !"/._-".contains(c));
            word.trim_end_matches(['.', ':']).strip_prefix(&inside)
        });
        Some(named.unwrap_or("Compose file").to_owned())
    }

    pub(super) fn has_file(&self, path: &str) -> bool {
        matches!(self.setting.submission.file(path), Ok(Some(file)) if file.size > 0
            && file.kind != crate::submission::FileKind::Directory)
    }

    /// What starts the submission, as a command.
    pub(super) fn start_command(&self) -> Vec<String> {
        if self.has_file(SCRIPT) { self.script(SCRIPT) } else { compose(&["up", "-d"]) }
    }

    /// What ends it; none where the grader's own removal does.
    pub(super) fn down_command(&self) -> Option<Vec<String>> {
        self.way.as_deref().filter(|way| *way != SCRIPT)?;
        Some(compose(&["down"]))
    }

    /// A script by the shell that it names, with the options that it names.
    pub(super) fn script(&self, path: &str) -> Vec<String> {
        let file = self.setting.submission.file(path).ok().flatten();
        let text = file.map(|file| String::from_utf8_lossy(&file.content).into_owned());
        let mut words = shell(text.unwrap_or_default().lines().next().unwrap_or_default());
        words.push(path.to_owned());
        words
    }

    /// Runs a command to its end, or, when it `may_stay`, until it stays with a container.
    pub(super) async fn command(
        &mut self,
        words: Vec<String>,
        may_stay: bool,
    ) -> Result<Ran, Fault> {
        let before = self.setting.sandbox.used().await?;
        let time = Duration::from(self.recipe.time);
        let mut command: Vec<String> = ["timeout", "-s", "KILL"].map(str::to_owned).to_vec();
        command.push(time.as_secs().to_string());
        command.extend(words);
        let request = ExecRequest {
            command,
            user: None,
            env: self.env.clone(),
            time_limit: time + GRACE,
            output_limit: READ,
        };
        let (engine, tools) = (self.engine.clone(), self.tools.clone());
        let (sender, mut ended) = tokio::sync::oneshot::channel();
        let began = Instant::now();
        let running = Task::spawn(async move {
            // Nobody may be left to hear it.
            let _ = sender.send(engine.exec(&tools, &request).await);
        });
        let report = tokio::select! {
            report = &mut ended => report,
            () = self.stays(), if may_stay => {
                self.attached = Some(running);
                return Ok(Ran { is_well: true, still_attached: true, ..Ran::default() });
            }
        };
        let lost = || Fault { message: "a command was lost".to_owned(), advice: None };
        let report = report.map_err(|_| lost())??;
        let after = self.setting.sandbox.used().await?;
        let limit = Limit::hit(Some(before), Some(after), &report.stderr.text());
        Ok(ran(report, began.elapsed() >= time, limit))
    }

    /// Ends when the commands are still at work after a while and a container of theirs runs.
    async fn stays(&self) {
        tokio::time::sleep(ATTACHED).await;
        loop {
            if matches!(self.newest_running().await, Ok(Some(_))) {
                return;
            }
            tokio::time::sleep(ATTACHED).await;
        }
    }
}

/// What a first line such as `#!/bin/sh -e` or `#!/usr/bin/env bash` asks for.
fn shell(line: &str) -> Vec<String> {
    let line = line.trim_start_matches('\u{feff}').strip_prefix("#!").unwrap_or_default();
    let is_bash = line.contains("bash");
    let mut words = vec![if is_bash { "bash" } else { "sh" }.to_owned()];
    // Of `env -S` the option is its own, and it stands before the shell's name.
    let own = line.split_whitespace().skip_while(|word| !word.ends_with("sh")).skip(1);
    words.extend(own.take_while(|word| word.starts_with('-')).map(str::to_owned));
    words
}

/// As a student types it in the folder.
fn compose(words: &[&str]) -> Vec<String> {
    let all = ["docker", "compose"].into_iter().chain(words.iter().copied());
    all.map(str::to_owned).collect()
}

fn ran(report: ExecReport, took_all: bool, limit: Option<Limit>) -> Ran {
    let timed_out = report.timed_out || (took_all && report.exit_code == Some(137));
    Ran {
        is_well: report.exit_code == Some(0),
        exit_code: report.exit_code.filter(|_| !timed_out),
        timed_out,
        still_attached: false,
        stdout: end(report.stdout.text()),
        stderr: end(report.refused.unwrap_or_else(|| report.stderr.text())),
        limit,
    }
}

/// The end of a long output, from a whole line on: an error is what comes last.
fn end(text: String) -> String {
    let excess = text.len().saturating_sub(OUTPUT);
    if excess == 0 {
        return text;
    }
    let rest = &text[text.ceil_char_boundary(excess)..];
    rest.split_once('\n').map_or(rest, |(_, lines)| lines).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_output_the_end_is_kept() {
        let text = format!("{}\nerror: here\n", "noise\n".repeat(OUTPUT));
        let kept = end(text);
        assert!(kept.len() <= OUTPUT && kept.starts_with("noise") && kept.ends_with("here\n"));
        assert_eq!(end("short".to_owned()), "short");
    }

    #[test]
    fn a_script_is_run_by_the_shell_and_with_the_options_that_it_names() {
        assert_eq!(shell("#!/bin/sh"), ["sh"]);
        assert_eq!(shell("#!/bin/sh -e"), ["sh", "-e"]);
        assert_eq!(shell("#! /usr/bin/env bash"), ["bash"]);
        assert_eq!(shell("#!/usr/bin/env -S bash -eu -x"), ["bash", "-eu", "-x"]);
        assert_eq!(shell("\u{feff}#!/bin/bash"), ["bash"]);
        assert_eq!(shell("docker run busybox sh -c true"), ["sh"]);
    }
}
