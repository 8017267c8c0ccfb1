//! Freezing what runs in a container, while its health check still runs.
//!
//! The engine's own pause would stop the health check, too. A signal to the first process is not
//! enough: under a shell-form `CMD` that is only the shell, and the server goes on.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard::query_parameters::TopOptionsBuilder;

use super::Engine;
use super::cause::call_or_refusal;
use crate::engine::container::{ExecRequest, Signalled};
use crate::engine::error::{Cause, EngineError};

/// How often, and after which pauses, the processes are looked at. A stop takes effect when a
/// process next leaves the kernel, of which no event tells.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);
const SIGNAL_LIMIT: Duration = Duration::from_secs(10);

/// A process as `ps` shows it on the engine's machine.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: i64,
    parent: i64,
    state: char,
    command: String,
}

impl Engine {
    /// Stops (SIGSTOP) every process of a container, but for what health checks and other commands
    /// from outside start, and makes sure of it.
    ///
    /// # Errors
    /// [`EngineError::Freeze`] when the engine failed, or a process goes on: without a shell in the
    /// image only the first process can be reached.
    pub async fn freeze(&self, container: &str) -> Result<Signalled, EngineError> {
        let failed = |cause| EngineError::Freeze { container: container.to_owned(), cause };
        if self.kill(container, "STOP").await? == Signalled::NotRunning {
            return Ok(Signalled::NotRunning);
        }
        let Some(first) = self.raw_state(container).await?.pid.filter(|pid| *pid > 0) else {
            return Ok(Signalled::NotRunning);
        };
        // To all but process 1 and the sender itself. Where there is no shell this is refused. As the
        // container's own user: with no new privileges that is either root, who may signal anyone, or
        // the only user there can be, while root would come without the capability.
        let everyone_else = ExecRequest {
            command: ["sh", "-c", "kill -STOP -1"].map(str::to_owned).to_vec(),
            time_limit: SIGNAL_LIMIT,
            output_limit: 1024,
            ..ExecRequest::default()
        };
        let mut awake = Vec::new();
        for look in 0..LOOKS {
            if look == 0 || look == LOOKS / 2 {
                self.exec(container, &everyone_else).await?;
            }
            match self.processes(container).await.map_err(failed)? {
                Some(processes) => awake = going_on(&processes, first),
                None => return Ok(Signalled::NotRunning),
            }
            if awake.is_empty() {
                return Ok(Signalled::Sent);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(failed(Cause::Other(format!("these processes go on: {}", awake.join(", ")))))
    }

    /// The processes of a container; none when it does not run.
    async fn processes(&self, container: &str) -> Result<Option<Vec<Process>>, Cause> {
        let options = TopOptionsBuilder::default().ps_args("-eo pid,ppid,stat,args").build();
        match call_or_refusal(self.docker.top_processes(container, Some(options))).await? {
            Ok(top) => Ok(Some(
                top.processes.unwrap_or_default().iter().filter_map(|row| process(row)).collect(),
            )),
            Err((409, _)) => Ok(None),
            Err((_, message)) => Err(Cause::of_message(message)),
        }
    }
}

fn process(row: &[String]) -> Option<Process> {
    let [pid, parent, state, command @ ..] = row else {
        return None;
    };
    Some(Process {
        pid: pid.parse().ok()?,
        parent: parent.parse().ok()?,
        state: state.chars().next()?,
        command: command.join(" "),
    })
}

/// The commands of those processes that descend from the first one and are neither stopped nor
/// dead. What a health check starts descends from the engine's own process instead.
fn going_on(processes: &[Process], first: i64) -> Vec<String> {
    let mut children: HashMap<i64, Vec<&Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut awake = Vec::new();
    let mut seen = HashSet::new();
    let mut next: Vec<&Process> = processes.iter().filter(|process| process.pid == first).collect();
    while let Some(process) = next.pop() {
        if !seen.insert(process.pid) {
            continue;
        }
        if !matches!(process.state, 'T' | 't' | 'Z' | 'X') {
            awake.push(process.command.clone());
        }
        next.extend(children.get(&process.pid).into_iter().flatten());
    }
    awake
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
        assert_eq!(going_on(&processes, 10), ["server"]);
    }

    #[test]
    fn a_health_check_does_not_count_and_a_dead_process_neither() {
        let processes = [
            row("10 5 Ts server"),
            row("11 10 Z [child]"),
            row("20 5 S wget localhost"),
            row("21 20 R x"),
        ];
        assert!(going_on(&processes, 10).is_empty());
    }
}
