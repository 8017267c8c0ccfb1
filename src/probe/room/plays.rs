//! Plays in the room, and what a sandbox adds to it.

use std::sync::Arc;

use super::{Built, Room, cell};
use crate::engine::{Cause, EngineError};
use crate::evidence::Fault;
use crate::play::{self, Played, Setting};
use crate::recipe::PlayRecipe;
use crate::sandbox::Use;

impl Room {
    /// Performs a play, unless that was done before.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn play(&self, recipe: &PlayRecipe) -> Result<Arc<Played>, Fault> {
        let cell = cell(&self.plays, recipe);
        let made = cell.get_or_init(|| Box::pin(self.perform(recipe))).await;
        made.clone()
    }

    async fn perform(&self, recipe: &PlayRecipe) -> Result<Arc<Played>, Fault> {
        let Some(sandbox) = &self.sandbox else {
            return Err(Fault {
                message: "this exercise's answer is commands, which are run in a sandbox only"
                    .into(),
                advice: Some("leave --engine host out".into()),
            });
        };
        let image = match &recipe.image {
            None => None,
            Some(image) => match self.image(&image.build).await? {
                Ok(id) => Some((id, self.fill(&image.name))),
                Err(because) => {
                    return Ok(Arc::new(Played { ended: Some(because), ..Played::default() }));
                }
            },
        };
        let mut number = self.playing.lock().await;
        *number += 1;
        // Each play finds an engine that none was performed on.
        let own = match *number {
            1 => Arc::clone(sandbox),
            _ => Arc::new(sandbox.another().await?),
        };
        if let Some((id, _)) = image.as_ref().filter(|_| !Arc::ptr_eq(&own, sandbox)) {
            own.engine.copy_image(&self.engine, id).await?;
        }
        let setting = Setting {
            sandbox: &own,
            submission: &self.submission,
            limits: self.limits.context,
            values: &self.values,
            labels: self.labels("play"),
            image,
            slug: &self.slug,
            number: *number,
        };
        Ok(Arc::new(play::perform(&setting, recipe).await?))
    }

    /// The image that a play left.
    pub(super) async fn played(&self, play: &PlayRecipe, name: &str) -> Result<Arc<Built>, Fault> {
        let played = self.play(play).await?;
        let name = self.fill(name);
        let name = if name.rsplit('/').next().is_some_and(|last| last.contains(':')) {
            name
        } else {
            format!("{name}:latest")
        };
        let image = played.images.get(&name).cloned().ok_or_else(|| match &played.ended {
            Some(because) => because.clone(),
            None => format!("there is no image {name}"),
        });
        if let (Ok(id), Some(own), Some(here)) = (&image, &played.sandbox, &self.sandbox)
            && !Arc::ptr_eq(own, here)
        {
            self.engine.copy_image(&own.engine, id).await?;
        }
        Ok(Arc::new(Built { image, report: None, too_large: false, limit: None }))
    }

    /// How far the sandbox's limits were used up to now; none where there is no sandbox.
    pub(super) async fn used(&self) -> Result<Option<Use>, Fault> {
        match &self.sandbox {
            Some(sandbox) => Ok(Some(sandbox.used().await?)),
            None => Ok(None),
        }
    }

    /// Whether a failure is that of a disk which the submission has for itself.
    pub(super) fn filled_its_disk(&self, error: &EngineError) -> bool {
        self.sandbox.is_some() && matches!(error.cause(), Cause::DiskFull { .. })
    }
}
