//! The control of an experiment: what failed for a submission is tried with a build of our own, in
//! which nothing of the submission is. Words of a failure can be made up; this cannot.

use std::time::Duration;

use bytes::Bytes;

use super::failure::Ending;
use super::progress::Progress;
use super::{Engine, solve};
use crate::engine::agent::Agents;
use crate::engine::build::BuildRequest;
use crate::engine::error::Cause;
use crate::engine::label::image_name;

/// How long a build of one small file may take.
const LIMIT: Duration = Duration::from_secs(60);
/// What a build needs on the disk beside its context.
const ROOM: usize = 1 << 20;
/// The only file of a control's image, at its top; it is no program.
pub(in crate::engine) const CONTROL_FILE: &str = "grade-control-is-no-program";

impl Engine {
    /// Whether the builder, its session and its disk are in order: builds an image of one new file,
    /// as large as the context of `request`, under the same labels, and removes it.
    ///
    /// # Errors
    /// What it failed for.
    pub(super) async fn control(&self, request: &BuildRequest) -> Result<(), Cause> {
        let image = self.control_image(request).await?;
        // What stays is found by its labels.
        let _removed = self.remove_image(&image).await;
        Ok(())
    }

    /// The image of a control.
    pub(in crate::engine) async fn control_image(
        &self,
        request: &BuildRequest,
    ) -> Result<String, Cause> {
        let context = context(request.context.len().saturating_add(ROOM))?;
        let control = BuildRequest {
            context,
            dockerfile: "Dockerfile".to_owned(),
            labels: request.labels.clone(),
            name: format!("{}-control", request.name),
            ..BuildRequest::default()
        };
        let name = image_name(&control.labels.run, &control.name);
        let mut progress = Progress::new(&|_| {});
        let solving =
            solve::solve(self.dialer(), &control, &name, Agents::new([].into()), &mut progress);
        match tokio::time::timeout(LIMIT, solving).await {
            Ok(Ok(Ending::Built { .. })) => Ok(name),
            // These words are about our own build.
            Ok(Ok(Ending::Failed(status))) => Err(Cause::of_message(status.message())),
            Ok(Ok(Ending::Broken(cause)) | Err(cause)) => Err(cause),
            Err(_) => Err(Cause::Timeout { seconds: LIMIT.as_secs() }),
        }
    }
}

/// A context with a file that no builder has seen before: what it knows, it would not write.
fn context(size: usize) -> Result<Bytes, Cause> {
    let mut file = vec![0; size];
    let new: [u8; 32] = rand::random();
    file.iter_mut().zip(new).for_each(|(byte, new)| *byte = new);
    let mut tar = tar::Builder::new(Vec::new());
    let dockerfile = format!("FROM scratch\nCOPY {CONTROL_FILE} /\n");
    for (path, bytes) in [("Dockerfile", dockerfile.as_bytes()), (CONTROL_FILE, &file)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).unwrap_or_default());
        header.set_mode(0o644);
        tar.append_data(&mut header, path, bytes)
            .map_err(|error| Cause::Other(error.to_string()))?;
    }
    tar.into_inner().map(Bytes::from).map_err(|error| Cause::Other(error.to_string()))
}
