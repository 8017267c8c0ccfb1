//! The student's commands, run by the real tools in their container.

use std::time::{Duration, Instant};

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
/// The names that Compose looks for, in its order.
const COMPOSE: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
/// The script that starts, where there is one.
const SCRIPT: &str = "run.sh";

/// How a command went.
#[derive(Debug, Default)]
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
    /// The file by which the submission is to be started.
    pub(super) fn find_way(&self) -> Option<String> {
        let names = [SCRIPT].into_iter().chain(COMPOSE);
        names.into_iter().find(|name| self.has_file(name)).map(str::to_owned)
    }

    pub(super) fn has_file(&self, path: &str) -> bool {
        matches!(self.setting.submission.file(path), Ok(Some(file)) if file.size > 0
            && file.kind != crate::submission::FileKind::Directory)
    }

    /// What starts the submission, as a command.
    pub(super) fn start_command(&self, way: &str) -> Vec<String> {
        if way == SCRIPT { self.script(way) } else { compose(way, &["up", "-d"]) }
    }

    /// What ends it; none where the grader's own removal does.
    pub(super) fn down_command(&self) -> Option<Vec<String>> {
        let way = self.way.as_deref().filter(|way| *way != SCRIPT)?;
        Some(compose(way, &["down"]))
    }

    /// A script by the shell that it names.
    pub(super) fn script(&self, path: &str) -> Vec<String> {
        let file = self.setting.submission.file(path).ok().flatten();
        let first = file.map(|file| {
            let text = String::from_utf8_lossy(&file.content).into_owned();
            text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().to_owned()
        });
        let is_bash = first.is_some_and(|line| line.starts_with("#!") && line.contains("bash"));
        vec![if is_bash { "bash" } else { "sh" }.to_owned(), path.to_owned()]
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
            output_limit: OUTPUT,
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

fn compose(file: &str, words: &[&str]) -> Vec<String> {
    let all = ["docker", "compose", "-f", file].into_iter().chain(words.iter().copied());
    all.map(str::to_owned).collect()
}

fn ran(report: ExecReport, took_all: bool, limit: Option<Limit>) -> Ran {
    let timed_out = report.timed_out || (took_all && report.exit_code == Some(137));
    Ran {
        is_well: report.exit_code == Some(0),
        exit_code: report.exit_code.filter(|_| !timed_out),
        timed_out,
        still_attached: false,
        stdout: report.stdout.text(),
        stderr: report.refused.unwrap_or_else(|| report.stderr.text()),
        limit,
    }
}
