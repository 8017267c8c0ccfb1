//! What the builds of a room are made of.

use crate::evidence::Fault;
use crate::recipe::BuildRecipe;
use crate::submission::{Context, ContextError, Overlay, Submission, small_context};

use super::Room;

impl Room {
    /// A context made for the run, whose Dockerfile starts from the parent's image by its tag.
    pub(super) async fn downstream(
        &self,
        recipe: &BuildRecipe,
        parent: &str,
    ) -> Result<Context, Fault> {
        let tags = self.look(parent).await?.tags;
        let own = tags.iter().find(|tag| tag.starts_with(crate::engine::TAG_PREFIX));
        let tag = own.map_or(parent, String::as_str);
        let dockerfile = recipe.dockerfile.as_deref().unwrap_or("FROM ${parent}\n");
        let dockerfile = self.fill(&dockerfile.replace("${parent}", tag));
        Ok(small_context(&self.fill_map(&recipe.files), &dockerfile))
    }

    /// The submission's context, or why the builder gets none and whether that is its size.
    pub(super) async fn context(
        &self,
        recipe: &BuildRecipe,
    ) -> Result<Result<Context, (String, bool)>, Fault> {
        let overlay = self.overlay(recipe)?;
        let limits = self.limits.context;
        let submission = self.source(recipe)?;
        let packed =
            tokio::task::spawn_blocking(move || submission.context(&overlay, &limits)).await;
        match packed {
            Ok(Ok(context)) => Ok(Ok(context)),
            Ok(Err(ContextError::Read(error))) => Err(fault(error)),
            Ok(Err(error)) => {
                let too_large = matches!(error, ContextError::TooLarge { .. });
                Ok(Err((error.to_string(), too_large)))
            }
            Err(error) => Err(fault(error)),
        }
    }

    /// A file that is handed to the builder of a recipe, whatever a `.dockerignore` says; none when
    /// there is none, or it is too large to be read whole.
    ///
    /// # Errors
    /// When our side failed.
    pub fn context_file(&self, recipe: &BuildRecipe, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let mut overlay = self.overlay(recipe)?;
        if let Some(written) = overlay.files.remove(path) {
            return Ok(Some(written.content));
        }
        if recipe.parent.is_some() {
            return Ok(None);
        }
        let file = self.source(recipe)?.file(path).map_err(fault)?;
        let whole = file.filter(|file| file.size == file.content.len() as u64);
        Ok(whole.map(|file| file.content))
    }

    /// The folder that a build's context is taken from.
    fn source(&self, recipe: &BuildRecipe) -> Result<Submission, Fault> {
        match &self.given {
            Some(given) if recipe.given => Submission::open(given).map_err(fault),
            _ => Ok(self.submission.clone()),
        }
    }

    fn overlay(&self, recipe: &BuildRecipe) -> Result<Overlay, Fault> {
        let mut overlay = Overlay {
            remove: self.fill_all(&recipe.remove),
            dockerfile: recipe.file.clone(),
            ..Overlay::default()
        };
        for path in &recipe.restore {
            let Some(given) = &self.given else {
                return Err(fault(format!("the exercise's given file {path} is missing")));
            };
            overlay.restore(given, path).map_err(fault)?;
        }
        for (path, text) in self.fill_map(&recipe.files) {
            overlay.text(&path, &text);
        }
        for (path, texts) in &recipe.archives {
            let packed = overlay.archive(&self.fill(path), &self.fill_map(texts));
            packed.map_err(|error| fault(format!("failed to pack {path}: {error}")))?;
        }
        Ok(overlay)
    }
}

fn fault(error: impl ToString) -> Fault {
    Fault { message: error.to_string(), advice: None }
}
