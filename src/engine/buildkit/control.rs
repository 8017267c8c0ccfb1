//! The control of an experiment: what failed for a submission is tried with a build of our own, in
//! which nothing of the submission is. Words of a failure can be made up; this cannot.

use std::time::Duration;

use tonic::Status;

use super::failure::Ending;
use super::filesync::Sending;
use super::progress::Progress;
use super::{Engine, solve};
use crate::context::Context;
use crate::engine::agent::Agents;
use crate::engine::build::BuildRequest;
use crate::engine::error::Cause;
use crate::engine::label::image_name;

/// How long a build of one small file may take.
const LIMIT: Duration = Duration::from_secs(60);
/// What a build needs on the disk at least.
const ROOM: usize = 1 << 20;
/// The only file of a control's image, at its top; it is no program.
pub(in crate::engine) const CONTROL_FILE: &str = "grade-control-is-no-program";

impl Engine {
    /// Whether the builder, its session and its disk are in order: builds an image of one new file
    /// of 1 MiB under the same labels, and removes it.
    ///
    /// # Errors
    /// What it failed for.
    pub(super) async fn control(&self, request: &BuildRequest) -> Result<(), Cause> {
        let image = self.control_image(request).await?;
        // What stays is found by its labels.
        let _removed = self.remove_image(&image).await;
        Ok(())
    }

    /// Whether a RUN's program can be begun: builds an image with a RUN of what is no program. To fail in that, the
    /// runtime has to do everything but this last step.
    ///
    /// # Errors
    /// What it failed for before.
    pub(super) async fn control_run(&self, request: &BuildRequest) -> Result<(), Cause> {
        let run = format!("RUN [\"/{CONTROL_FILE}\"]\n");
        let control = BuildRequest { network: request.network, ..control(request, context(&run)) };
        let mut progress = Progress::new(&|_| {});
        match self.solve_control(&control, &mut progress).await? {
            Err(status) => {
                let failed = progress.steps().iter().rposition(|step| step.exit_code.is_some());
                // These words are about our own program.
                match failed.map(|step| progress.log(step)) {
                    Some(log) if log.contains(CONTROL_FILE) => Ok(()),
                    Some(log) => Err(Cause::of_message(log)),
                    None => Err(Cause::of_message(status.message())),
                }
            }
            Ok(_) => Err(Cause::Other("the builder runs what is no program".to_owned())),
        }
    }

    /// The image of a control.
    pub(in crate::engine) async fn control_image(
        &self,
        request: &BuildRequest,
    ) -> Result<String, Cause> {
        let control = control(request, context(""));
        let built = self.solve_control(&control, &mut Progress::new(&|_| {})).await?;
        // These words are about our own build.
        built.map_err(|status| Cause::of_message(status.message()))
    }

    /// The image's name, or the builder's answer.
    async fn solve_control(
        &self,
        control: &BuildRequest,
        progress: &mut Progress<'_>,
    ) -> Result<Result<String, Status>, Cause> {
        let name = image_name(&control.labels.run, &control.name);
        let sending = Sending::new(control.context.clone());
        let agents = Agents::new([].into());
        let solving =
            Box::pin(solve::solve(self.dialer(), control, &name, agents, &sending, progress));
        let solved = tokio::time::timeout(LIMIT, solving).await;
        match solved.map(|solved| solved.map(|solved| solved.ending)) {
            Ok(Ok(Ending::Built { .. })) => Ok(Ok(name)),
            Ok(Ok(Ending::Failed(status))) => Ok(Err(status)),
            Ok(Ok(Ending::Broken(cause)) | Err(cause)) => Err(cause),
            Err(_) => Err(Cause::Timeout { seconds: LIMIT.as_secs() }),
        }
    }
}

/// A build under the labels of another.
fn control(request: &BuildRequest, context: Context) -> BuildRequest {
    BuildRequest {
        context,
        labels: request.labels.clone(),
        name: format!("{}-control", request.name),
        ..BuildRequest::default()
    }
}

/// A context with a file that no builder has seen before: what it knows, it would not write. `more` ends its Dockerfile.
fn context(more: &str) -> Context {
    let mut file = vec![0; ROOM];
    let new: [u8; 32] = rand::random();
    file.iter_mut().zip(new).for_each(|(byte, new)| *byte = new);
    let dockerfile = format!("FROM scratch\nCOPY {CONTROL_FILE} /\n{more}");
    let dockerfile = ("Dockerfile".to_owned(), dockerfile.into());
    Context::of_files([dockerfile, (CONTROL_FILE.to_owned(), file.into())].into())
}
