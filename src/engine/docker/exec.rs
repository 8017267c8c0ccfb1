//! Commands inside a running container.

use std::time::Instant;

use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;

use super::Engine;
use super::cause::call_or_refusal;
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
        let id = match call_or_refusal(self.docker.create_exec(container, config)).await {
            Ok(Ok(created)) => created.id,
            answer => return self.refused(container, answer.map(Result::err)).await,
        };
        let began = Instant::now();
        let starting = self.docker.start_exec(&id, None::<StartExecOptions>);
        let mut output = match call_or_refusal(starting).await {
            Ok(Ok(StartExecResults::Attached { output, .. })) => output,
            Ok(Ok(StartExecResults::Detached)) => {
                return Err(Cause::Other("the engine did not attach".to_owned()));
            }
            answer => return self.refused(container, answer.map(Result::err)).await,
        };
        let reading =
            drain(&mut output, request.output_limit, &mut report.stdout, &mut report.stderr);
        match tokio::time::timeout(request.time_limit, reading).await {
            Ok(read) => read?,
            Err(_) => report.timed_out = true,
        }
        report.took = began.elapsed();
        if !report.timed_out {
            report.exit_code = match call_or_refusal(self.docker.inspect_exec(&id)).await? {
                Ok(ended) => ended.exit_code.filter(|_| !ended.running.unwrap_or_default()),
                // It went with its container.
                Err((404, _)) if self.is_inside() => None,
                Err((_, message)) => return Err(Cause::of_message(message)),
            };
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

    /// An engine that says no, or nothing: 409 is a container that does not run, 400 a command that
    /// cannot be run. Of anything else it has to be found out whose it is.
    async fn refused(
        &self,
        container: &str,
        answer: Result<Option<(u16, String)>, Cause>,
    ) -> Result<ExecReport, Cause> {
        let said = match answer {
            Ok(Some((400 | 409, message))) => {
                return Ok(ExecReport { refused: Some(message), ..ExecReport::default() });
            }
            Ok(Some((404, message))) if self.is_inside() => {
                return Ok(ExecReport { refused: Some(message), ..ExecReport::default() });
            }
            Ok(Some((404, message))) => return Err(Cause::Other(message)),
            Ok(Some((_, message))) => Cause::of_message(message),
            // A container can have the engine wait, with a pipe where it looks for the users.
            Err(cause) => cause,
            Ok(None) => return Err(Cause::Other("the engine gives no command".to_owned())),
        };
        let refused = Some(self.theirs_of(container, said).await?);
        Ok(ExecReport { refused, ..ExecReport::default() })
    }
}
