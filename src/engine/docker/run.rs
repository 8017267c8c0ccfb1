//! A container from its creation to its end: what it printed, how it ended, and then its removal.

use std::pin::Pin;
use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::query_parameters::{AttachContainerOptionsBuilder, WaitContainerOptionsBuilder};
use futures_util::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;

use super::cause::{bounded, call_or_refusal, refusal};
use super::stream::{Output, drain};
use super::{CALL_LIMIT, Engine};
use crate::engine::container::{ContainerSpec, Created, RunReport, Started};
use crate::engine::error::{Cause, EngineError};

/// How long the end of a killed container's output may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Engine {
    /// Runs a container to its end and removes it. At `time_limit` it is killed. Of each output
    /// stream `output_limit` bytes are kept.
    ///
    /// # Errors
    /// Those of [`Engine::create`] and [`Engine::start`], and [`EngineError::Run`] when the engine failed in between.
    pub async fn run(
        &self,
        spec: &ContainerSpec,
        time_limit: Duration,
        output_limit: usize,
    ) -> Result<RunReport, EngineError> {
        let id = match self.create(spec).await? {
            Created::Container(id) => id,
            Created::Refused { message } => {
                return Ok(RunReport { refused: Some(message), ..RunReport::default() });
            }
        };
        let mut guard = RemoveOnDrop { engine: self, container: Some(id.clone()) };
        let report = self.run_created(&id, spec.stdin.as_deref(), time_limit, output_limit).await;
        guard.container = None;
        // What it did stands, however hard it is to be rid of it; what stays is found by its labels.
        let _removed = self.remove(&id).await;
        report
    }

    async fn run_created(
        &self,
        id: &str,
        stdin: Option<&[u8]>,
        time_limit: Duration,
        output_limit: usize,
    ) -> Result<RunReport, EngineError> {
        let failed = |cause| EngineError::Run { container: id.to_owned(), cause };
        let options = AttachContainerOptionsBuilder::default()
            .stream(true)
            .stdin(stdin.is_some())
            .stdout(true)
            .stderr(true)
            .build();
        let attaching = call_or_refusal(self.docker.attach_container(id, Some(options)));
        let mut report = RunReport::default();
        let attached = match attaching.await.map_err(failed)? {
            Ok(attached) => attached,
            Err((404, message)) if self.is_inside() => {
                report.refused = Some(message);
                return Ok(report);
            }
            Err((_, message)) => return Err(failed(Cause::of_message(message))),
        };
        let began = Instant::now();
        if let Started::Refused { message } = self.start(id).await? {
            report.refused = Some(message);
            return Ok(report);
        }
        let mut output = attached.output;
        let (stdout, stderr) = (&mut report.stdout, &mut report.stderr);
        let to_the_end = async {
            // A program that does not read its input, or ends before, is no error.
            let (drained, _written) = tokio::join!(
                drain(&mut output, output_limit, stdout, stderr),
                feed(attached.input, stdin)
            );
            drained?;
            self.wait(id).await
        };
        match tokio::time::timeout(time_limit, to_the_end).await {
            Ok(ended) => report.exit_code = Some(ended.map_err(failed)?),
            Err(_) => {
                report.timed_out = true;
                self.end(id, &mut output, output_limit, &mut report).await?;
            }
        }
        report.took = began.elapsed();
        report.oom_killed = self.inspect(id).await?.oom_killed;
        Ok(report)
    }

    /// Kills a container, and reads what it printed before. Both at once: the engine takes a
    /// container for ended only when all that it printed is read.
    async fn end(
        &self,
        id: &str,
        output: &mut Output,
        limit: usize,
        report: &mut RunReport,
    ) -> Result<(), EngineError> {
        let failed = |cause| EngineError::Run { container: id.to_owned(), cause };
        let killed = async {
            self.kill(id, "KILL").await?;
            bounded(CALL_LIMIT, self.wait(id)).await.map(drop).map_err(failed)
        };
        let read = drain(output, limit, &mut report.stdout, &mut report.stderr);
        tokio::pin!(killed, read);
        tokio::select! {
            read = &mut read => {
                read.map_err(failed)?;
                killed.await
            }
            killed = &mut killed => {
                killed?;
                // What does not arrive in time was beyond the container's own time, too.
                tokio::time::timeout(LAST_WORDS, read).await.unwrap_or(Ok(())).map_err(failed)
            }
        }
    }

    /// Whether a container is at its end, or gone, before the time is up.
    ///
    /// # Errors
    /// [`EngineError::Watch`] when the engine failed.
    pub async fn ends_within(&self, id: &str, time: Duration) -> Result<bool, EngineError> {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut answers = std::pin::pin!(self.docker.wait_container(id, Some(options)));
        let failed = |cause| EngineError::Watch { container: id.to_owned(), cause };
        match tokio::time::timeout(time, answers.next()).await {
            Err(_) => Ok(false),
            Ok(Some(Ok(_) | Err(Error::DockerContainerWaitError { .. }))) => Ok(true),
            Ok(Some(Err(error))) if refusal(&error).is_some() => Ok(true),
            Ok(Some(Err(error))) => Err(failed(Cause::from(error))),
            Ok(None) => Err(failed(Cause::lost("the engine hung up while a container ran"))),
        }
    }

    /// Waits for a container's end, without bound, and gives its exit code.
    async fn wait(&self, id: &str) -> Result<i64, Cause> {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut answers = std::pin::pin!(self.docker.wait_container(id, Some(options)));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            // bollard takes a non-zero exit code for an error.
            Some(Err(Error::DockerContainerWaitError { error, code })) if error.is_empty() => {
                Ok(code)
            }
            Some(Err(error)) => Err(Cause::from(error)),
            None => Err(Cause::lost("the engine hung up while a container ran")),
        }
    }
}

/// Writes all of `bytes` and closes the stream.
async fn feed(
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    bytes: Option<&[u8]>,
) -> std::io::Result<()> {
    if let Some(bytes) = bytes {
        input.write_all(bytes).await?;
        input.flush().await?;
        input.shutdown().await?;
    }
    Ok(())
}

/// Removes a container also when its run is given up half-way.
struct RemoveOnDrop<'a> {
    engine: &'a Engine,
    container: Option<String>,
}

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        if let (Some(container), Ok(runtime)) = (self.container.take(), Handle::try_current()) {
            let engine = self.engine.clone();
            // Nobody is left to tell; what stays is found by its labels.
            runtime.spawn(async move { engine.remove(&container).await });
        }
    }
}
