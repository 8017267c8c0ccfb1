//! Commands inside a running container.

use std::time::Instant;

use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;

use super::Engine;
use super::cause::{call, call_or_refusal};
use super::create::pairs;
use super::stream::drain;
use crate::engine::capture::Captured;
use crate::engine::container::{ExecReport, ExecRequest};
use crate::engine::error::{Cause, EngineError};

/// Older engines print why a command cannot be started where its output would be.
const NOT_STARTED: [&str; 2] = ["OCI runtime exec failed", "unable to find user"];

impl Engine {
    /// Runs a command in a running container. When its time limit passes it is **not** ended, as no
    /// call of an engine does that.
    ///
    /// # Errors
    /// [`EngineError::Exec`] when the engine failed or there is no such container.
    pub async fn exec(
        &self,
        container: &str,
        request: &ExecRequest,
    ) -> Result<ExecReport, EngineError> {
        let failed = |cause| EngineError::Exec { container: container.to_owned(), cause };
        self.exec_inner(container, request).await.map_err(failed)
    }

    async fn exec_inner(
        &self,
        container: &str,
        request: &ExecRequest,
    ) -> Result<ExecReport, Cause> {
        let config = ExecConfig {
            cmd: Some(request.command.clone()),
            user: request.user.clone(),
            env: Some(pairs(request.env.iter())),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let mut report = ExecReport::default();
        let id = match call_or_refusal(self.docker.create_exec(container, config)).await? {
            Ok(created) => created.id,
            Err((status, message)) => return refused(report, status, message),
        };
        let began = Instant::now();
        let starting = self.docker.start_exec(&id, None::<StartExecOptions>);
        let mut output = match call_or_refusal(starting).await? {
            Ok(StartExecResults::Attached { output, .. }) => output,
            Ok(StartExecResults::Detached) => {
                return Err(Cause::Other("the engine did not attach".to_owned()));
            }
            Err((status, message)) => return refused(report, status, message),
        };
        let reading =
            drain(&mut output, request.output_limit, &mut report.stdout, &mut report.stderr);
        match tokio::time::timeout(request.time_limit, reading).await {
            Ok(read) => read?,
            Err(_) => report.timed_out = true,
        }
        report.took = began.elapsed();
        if !report.timed_out {
            let ended = call(self.docker.inspect_exec(&id)).await?;
            report.exit_code = ended.exit_code.filter(|_| !ended.running.unwrap_or_default());
        }
        if matches!(report.exit_code, Some(126 | 127))
            && NOT_STARTED.iter().any(|sign| report.stdout.bytes.starts_with(sign.as_bytes()))
        {
            report.refused = Some(report.stdout.text().trim().to_owned());
            report.exit_code = None;
            report.stdout = Captured::default();
        }
        Ok(report)
    }
}

/// 409 is a container that does not run, 400 a command that cannot be run; 404 is no container.
fn refused(report: ExecReport, status: u16, message: String) -> Result<ExecReport, Cause> {
    let theirs =
        matches!(status, 400 | 409) || NOT_STARTED.iter().any(|sign| message.contains(sign));
    if theirs {
        Ok(ExecReport { refused: Some(message), ..report })
    } else {
        Err(Cause::of_message(message))
    }
}
