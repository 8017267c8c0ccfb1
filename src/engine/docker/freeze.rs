//! Freezing what runs in a container, while its health check still runs.
//!
//! The engine's own pause would stop the health check, too. A signal to the first process is not
//! enough: under a shell-form `CMD` that is only the shell, and the server goes on. Where the port is
//! known, only who listens there is frozen: what watches the server from beside it goes on.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard::query_parameters::TopOptionsBuilder;

use super::Engine;
use super::cause::call_or_refusal;
use crate::engine::container::{ExecReport, ExecRequest, Signalled};
use crate::engine::error::{Cause, EngineError};

/// How often, and after which pauses, the processes are looked at. A stop takes effect when a
/// process next leaves the kernel, of which no event tells.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);
const SIGNAL_LIMIT: Duration = Duration::from_secs(10);

/// Signals every process from which parents lead to process 1; the parent of what came from outside
/// is 0. The shell's own words are enough.
const SHELL: &str = r#"for d in /proc/[0-9]*; do
  p=${d#/proc/}; q=$p
  while [ "$q" -gt 1 ]; do
    n=0
    while read -r key value; do
      case $key in PPid:) n=$value; break;; esac
    done < "/proc/$q/status"
    q=$n
  done 2>/dev/null
  [ "$q" = 1 ] && [ "$p" != 1 ] && kill -SIGNAL "$p" 2>/dev/null
done
true"#;
/// The same for an image without a shell.
const PYTHON: &str = r#"
import os, signal
def parent(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("PPid:"))
    except OSError:
        return 0
for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
    top = pid
    while top > 1:
        top = parent(top)
    if top == 1 and pid != 1:
        try:
            os.kill(pid, signal.SIGNAL)
        except OSError:
            pass
"#;

/// A process as `ps` shows it on the engine's machine.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: i64,
    parent: i64,
    state: char,
}

impl Engine {
    /// Stops (SIGSTOP) every process of a container, but for what health checks and other commands
    /// from outside start, and makes sure of it.
    ///
    /// # Errors
    /// [`EngineError::Freeze`] when the engine failed.
    pub async fn freeze(&self, container: &str) -> Result<Signalled, EngineError> {
        let failed = |cause| EngineError::Freeze { container: container.to_owned(), cause };
        if self.kill(container, "STOP").await? == Signalled::NotRunning {
            return Ok(Signalled::NotRunning);
        }
        let Some(first) = self.raw_state(container).await?.pid.filter(|pid| *pid > 0) else {
            return Ok(Signalled::NotRunning);
        };
        // What is there now is to be stopped. What a check leaves behind later is none of it, even
        // where it becomes a child of process 1.
        let Some(before) = self.processes(container).await.map_err(failed)? else {
            return Ok(Signalled::NotRunning);
        };
        let meant: HashSet<i64> =
            descendants(&before, first).iter().map(|process| process.pid).collect();
        for look in 0..LOOKS {
            if look == 0 || look == LOOKS / 2 {
                // An image that has no program for it can be signalled by nobody.
                self.signal_others(container, "STOP").await?;
            }
            match self.processes(container).await.map_err(failed)? {
                Some(processes) if is_asleep(&processes, first, &meant) => {
                    return Ok(Signalled::Sent);
                }
                Some(_) => tokio::time::sleep(PAUSE).await,
                None => return Ok(Signalled::NotRunning),
            }
        }
        Ok(Signalled::Resisted)
    }

    /// Stops (SIGSTOP) the processes of a container that listen at a TCP port, or hold connections
    /// that were made there, and makes sure of it. Where nobody can be found there, all are stopped.
    ///
    /// # Errors
    /// [`EngineError::Freeze`] or [`EngineError::Exec`] when the engine failed.
    pub async fn freeze_server(
        &self,
        container: &str,
        port: u16,
    ) -> Result<Signalled, EngineError> {
        let servers = self.servers(container, port).await?;
        if servers.is_empty() {
            return self.freeze(container).await;
        }
        let failed = |cause| EngineError::Freeze { container: container.to_owned(), cause };
        let Some(first) = self.raw_state(container).await?.pid.filter(|pid| *pid > 0) else {
            return Ok(Signalled::NotRunning);
        };
        let is_first = servers.contains(&1);
        let others: Vec<String> =
            servers.iter().filter(|pid| **pid != 1).map(ToString::to_string).collect();
        for look in 0..LOOKS {
            if look == 0 || look == LOOKS / 2 {
                // Process 1 of a container can only be stopped from outside.
                if is_first && self.kill(container, "STOP").await? == Signalled::NotRunning {
                    return Ok(Signalled::NotRunning);
                }
                if !others.is_empty() {
                    self.stop_all(container, &others.join(" ")).await?;
                }
            }
            match self.processes(container).await.map_err(failed)? {
                Some(processes) if are_stopped(&processes, first, is_first, servers.len()) => {
                    return Ok(Signalled::Sent);
                }
                Some(_) => tokio::time::sleep(PAUSE).await,
                None => return Ok(Signalled::NotRunning),
            }
        }
        Ok(Signalled::Resisted)
    }

    async fn stop_all(&self, container: &str, pids: &str) -> Result<(), EngineError> {
        let shell = format!("kill -STOP {pids}");
        let python = format!("import os\nfor pid in '{pids}'.split(): os.kill(int(pid), 19)");
        self.run_any(container, None, &shell, &python, 1024).await.map(|_| ())
    }

    /// Lets everything that [`Engine::freeze`] stopped go on.
    ///
    /// # Errors
    /// [`EngineError::Signal`] or [`EngineError::Exec`] when the engine failed.
    pub async fn thaw(&self, container: &str) -> Result<Signalled, EngineError> {
        let first = self.kill(container, "CONT").await?;
        if first == Signalled::Sent {
            self.signal_others(container, "CONT").await?;
        }
        Ok(first)
    }

    /// Signals all that descend from process 1, with the first of several programs that the image
    /// has; whether it has one. What a health check or another command from outside starts does not
    /// descend from it, and must not be stopped: one that is just being started would keep the engine
    /// waiting for it. As the container's own user: with no new privileges that is either root, who
    /// may signal anyone, or the only user there can be, while root would come without the
    /// capability.
    async fn signal_others(&self, container: &str, signal: &str) -> Result<bool, EngineError> {
        let shell = SHELL.replace("SIGNAL", signal);
        let python = PYTHON.replace("SIGNAL", &format!("SIG{signal}"));
        Ok(self.run_any(container, None, &shell, &python, 1024).await?.is_some())
    }

    /// Runs a script in a container, with the first of several programs that the image has; none
    /// when it has none of them.
    pub(super) async fn run_any(
        &self,
        container: &str,
        user: Option<&str>,
        shell: &str,
        python: &str,
        output_limit: usize,
    ) -> Result<Option<ExecReport>, EngineError> {
        let programs: [&[&str]; 5] = [
            &["sh", "-c", shell],
            &["bash", "-c", shell],
            &["busybox", "sh", "-c", shell],
            &["python3", "-c", python],
            &["python", "-c", python],
        ];
        for program in programs {
            let request = ExecRequest {
                command: program.iter().map(|word| (*word).to_owned()).collect(),
                user: user.map(str::to_owned),
                time_limit: SIGNAL_LIMIT,
                output_limit,
                ..ExecRequest::default()
            };
            let report = self.exec(container, &request).await?;
            if report.refused.is_none() {
                return Ok(Some(report));
            }
        }
        Ok(None)
    }

    /// The processes of a container; none when it does not run.
    async fn processes(&self, container: &str) -> Result<Option<Vec<Process>>, Cause> {
        let options = TopOptionsBuilder::default().ps_args("-eo pid,ppid,stat").build();
        match call_or_refusal(self.docker.top_processes(container, Some(options))).await? {
            Ok(top) => Ok(Some(
                top.processes.unwrap_or_default().iter().filter_map(|row| process(row)).collect(),
            )),
            Err((409, _)) => Ok(None),
            Err((404, _)) if self.is_inside() => Ok(None),
            Err((_, message)) => {
                // One that ended while it was looked at has no processes to be shown.
                let state =
                    self.raw_state(container).await.map_err(|error| error.cause().clone())?;
                match state.running {
                    Some(true) => Err(Cause::of_message(message)),
                    Some(false) | None => Ok(None),
                }
            }
        }
    }
}

fn process(row: &[String]) -> Option<Process> {
    let [pid, parent, state, ..] = row else {
        return None;
    };
    Some(Process {
        pid: pid.parse().ok()?,
        parent: parent.parse().ok()?,
        state: state.chars().next()?,
    })
}

/// The first process and all that descend from it. What a health check starts descends from the
/// engine's own process instead.
fn descendants(processes: &[Process], first: i64) -> Vec<&Process> {
    let mut children: HashMap<i64, Vec<&Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found: Vec<&Process> = Vec::new();
    let mut next: Vec<&Process> = processes.iter().filter(|process| process.pid == first).collect();
    while let Some(process) = next.pop() {
        if !found.iter().any(|one| one.pid == process.pid) {
            found.push(process);
            next.extend(children.get(&process.pid).into_iter().flatten());
        }
    }
    found
}

/// Whether all those processes that are meant are stopped or dead.
fn is_asleep(processes: &[Process], first: i64, meant: &HashSet<i64>) -> bool {
    let meant = |process: &&Process| meant.contains(&process.pid);
    let still = |process: &Process| matches!(process.state, 'T' | 't' | 'Z' | 'X');
    descendants(processes, first).into_iter().filter(meant).all(still)
}

/// Whether so many processes of a container are stopped, the first one among them where it is meant.
/// Numbers inside a container are not those of its machine, so the others are only counted.
fn are_stopped(processes: &[Process], first: i64, is_first: bool, many: usize) -> bool {
    let stopped = |process: &&Process| matches!(process.state, 'T' | 't');
    let all = descendants(processes, first);
    let is_first_stopped =
        all.iter().filter(|process| stopped(process)).any(|one| one.pid == first);
    (is_first_stopped || !is_first) && all.into_iter().filter(stopped).count() >= many
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Process {
        let row: Vec<String> = line.splitn(4, ' ').map(str::to_owned).collect();
        process(&row).expect("a process")
    }

    #[test]
    fn a_server_behind_a_stopped_shell_goes_on() {
        let processes = [row("10 5 Ts sh -c server"), row("11 10 S server")];
        assert!(!is_asleep(&processes, 10, &[10, 11].into()));
    }

    #[test]
    fn a_health_check_does_not_count_and_a_dead_process_neither() {
        let processes = [
            row("10 5 Ts server"),
            row("11 10 Z [child]"),
            row("20 5 S wget localhost"),
            row("21 20 R x"),
        ];
        assert!(is_asleep(&processes, 10, &[10, 11, 20, 21].into()));
    }

    #[test]
    fn what_a_check_left_to_the_first_process_is_not_meant() {
        let processes = [row("10 5 Ts server"), row("30 10 R late orphan")];
        assert!(is_asleep(&processes, 10, &[10].into()));
    }

    #[test]
    fn a_server_is_stopped_when_as_many_are_as_listen() {
        let processes = [row("10 5 Ss sh start.sh"), row("11 10 T server"), row("12 10 S monitor")];
        assert!(are_stopped(&processes, 10, false, 1));
        assert!(!are_stopped(&processes, 10, true, 1));
        assert!(!are_stopped(&processes, 10, false, 2));
    }
}
