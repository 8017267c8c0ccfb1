//! Whose fault it is that the engine says no to something about a submission's container.
//!
//! The engine's words do not tell: they quote what an image asks for. What fails for a submission's
//! container and goes well for one of our own, made the same moment, is the submission's.

use bollard::query_parameters::InspectContainerOptions;

use super::Engine;
use super::cause::call_or_refusal;
use crate::engine::build::BuildRequest;
use crate::engine::buildkit::CONTROL_FILE;
use crate::engine::container::ContainerSpec;
use crate::engine::error::Cause;
use crate::engine::label::Labels;

impl Engine {
    /// What the engine says against a submission's container, when it is the submission's doing.
    /// Without labels nothing of ours is made, and no doubt is resolved.
    ///
    /// # Errors
    /// What it said, when it is ours.
    pub(super) async fn theirs(
        &self,
        labels: Option<&Labels>,
        said: Cause,
    ) -> Result<String, Cause> {
        // In a sandbox the disk is the submission's own.
        let fills_its_disk =
            |cause: &Cause| self.is_inside() && matches!(cause, Cause::DiskFull { .. });
        let Some(labels) = labels.filter(|_| !matches!(said, Cause::Unreachable { .. })) else {
            return Err(said);
        };
        if fills_its_disk(&said) {
            return Ok(said.to_string());
        }
        match self.container_control(labels).await {
            Ok(()) => Ok(said.to_string()),
            Err(cause) if fills_its_disk(&cause) => Ok(said.to_string()),
            Err(_) => Err(said),
        }
    }

    /// Whether containers can be made and started: makes one of an image of our own, whose program
    /// is none. To start it, the engine has to do everything but this last step.
    async fn container_control(&self, labels: &Labels) -> Result<(), Cause> {
        let new: u64 = rand::random();
        let name = format!("{}-control-{new:016x}", labels.probe);
        let request =
            BuildRequest { labels: labels.clone(), name: name.clone(), ..BuildRequest::default() };
        let image = self.control_image(&request).await?;
        let spec = ContainerSpec {
            image: image.clone(),
            name,
            command: Some(vec![format!("/{CONTROL_FILE}")]),
            labels: labels.clone(),
            ..ContainerSpec::default()
        };
        let tried = self.try_control(&spec).await;
        // What stays is found by its labels.
        let _removed = self.remove_image(&image).await;
        tried
    }

    async fn try_control(&self, spec: &ContainerSpec) -> Result<(), Cause> {
        let id = match self.create_once(spec).await? {
            Ok(id) => id,
            Err((_, message)) => return Err(Cause::of_message(message)),
        };
        let started = self.start_once(&id).await;
        let _removed = self.remove(&id).await;
        match started? {
            // The status alone does not tell: engines choose it by their own words. These may be read,
            // as the program is ours.
            Err((400, message)) if message.contains(CONTROL_FILE) => Ok(()),
            Err((_, message)) => Err(Cause::of_message(message)),
            Ok(()) => Err(Cause::Other("the engine runs what is no program".to_owned())),
        }
    }

    /// Whose a container is, by its labels; none when it is gone or a stranger's.
    pub(super) async fn labels_of(&self, container: &str) -> Result<Option<Labels>, Cause> {
        let asking = self.docker.inspect_container(container, None::<InspectContainerOptions>);
        let found = call_or_refusal(asking).await?.ok();
        let labels = found.and_then(|found| found.config?.labels);
        Ok(labels.and_then(|labels| Labels::read_container(&labels)))
    }

    /// [`Engine::theirs`] for a container that is there.
    pub(super) async fn theirs_of(&self, container: &str, said: Cause) -> Result<String, Cause> {
        // An engine that does not even answer this has a fault of its own.
        let Ok(labels) = self.labels_of(container).await else { return Err(said) };
        // In a sandbox a container that is not ours is one of the submission's commands, or like one.
        let of_commands = || Labels {
            run: "control".to_owned(),
            submission: "control".to_owned(),
            probe: "control".to_owned(),
            owner: String::new(),
        };
        let labels = labels.or_else(|| self.is_inside().then(of_commands));
        self.theirs(labels.as_ref(), said).await
    }

    /// Whether the engine is a submission's own: whatever goes there, the submission made go.
    pub(super) fn is_inside(&self) -> bool {
        self.dialer.tunnel().is_some()
    }
}
