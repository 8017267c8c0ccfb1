//! The contexts of builds: the folder handed in, with what the rubric changes in it.

use std::collections::BTreeMap;

use super::Room;
use crate::engine::{ImageInfo, TAG_PREFIX};
use crate::evidence::Fault;
use crate::recipe::BuildRecipe;
use crate::submission::{
    Content, Context, ContextError, Overlay, Rewrite, Submission, Written, small_context,
};

/// What came of packing: a context, or why the builder gets none and whether that is its size.
type Packed = Result<Context, (String, bool)>;

/// Why an image's layers are not told from those of its base.
const NO_BASE: &str = "what the image starts from cannot be told from the Dockerfile";

impl Room {
    /// The image that the recipe's own layers lie upon: what its last stage starts from. Or why that
    /// cannot be told, which is for how the Dockerfile is written.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn base(
        &self,
        recipe: &BuildRecipe,
        image: &ImageInfo,
    ) -> Result<Result<ImageInfo, String>, Fault> {
        let base = match self.image(&recipe.of_base()).await? {
            Ok(base) => self.look(&base).await?,
            Err(because) => return Ok(Err(format!("{NO_BASE}: {because}"))),
        };
        // A Dockerfile can be written so that the builder starts from another image than it says.
        let lies =
            image.layers.starts_with(&base.layers) && image.history.len() >= base.history.len();
        Ok(if lies { Ok(base) } else { Err(NO_BASE.to_owned()) })
    }

    /// A context made for the run, whose Dockerfile starts from the parent's image by its tag.
    pub(super) async fn downstream(
        &self,
        recipe: &BuildRecipe,
        parent: &str,
    ) -> Result<Context, Fault> {
        let tags = self.look(parent).await?.tags;
        let own = tags.iter().find(|tag| tag.starts_with(TAG_PREFIX));
        let tag = own.map_or(parent, String::as_str);
        let dockerfile = recipe.dockerfile.as_deref().unwrap_or("FROM ${parent}\n");
        let dockerfile = self.fill(&dockerfile.replace("${parent}", tag));
        Ok(small_context(self.written(recipe)?, dockerfile))
    }

    /// The submission's context.
    pub(super) async fn context(&self, recipe: &BuildRecipe) -> Result<Packed, Fault> {
        let submission = self.source(recipe)?;
        let changed = match self.changed_dockerfile(recipe, &submission) {
            Some(Err(because)) => return Ok(Err((because, false))),
            Some(Ok((_, text))) if recipe.base => {
                return Ok(Ok(small_context(BTreeMap::new(), text)));
            }
            changed => changed.and_then(Result::ok),
        };
        let mut files = self.written(recipe)?;
        files.extend(changed.map(|(path, text)| (path, text.into())));
        let remove = self.fill_all(&recipe.remove);
        let overlay = Overlay { files, remove, dockerfile: recipe.file.clone() };
        let limits = self.limits.context;
        let packing = move || submission.context(&overlay, &limits);
        match tokio::task::spawn_blocking(packing).await {
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
        if let Some(written) = self.written(recipe)?.remove(path) {
            return Ok(match written.content {
                Content::Bytes(bytes) => Some(bytes),
                Content::Zeros(_) => None,
            });
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

    /// The path and text of a Dockerfile that is not the one handed in; none without a change, or
    /// without a Dockerfile.
    fn changed_dockerfile(
        &self,
        recipe: &BuildRecipe,
        submission: &Submission,
    ) -> Option<Result<(String, String), String>> {
        let rewrite = Rewrite {
            mounts: self.fill_map(&recipe.mounts),
            skip: recipe.skip.clone(),
            base: recipe.base,
        };
        if recipe.dockerfile.is_none() && rewrite.is_empty() {
            return None;
        }
        let handed_in = match &recipe.file {
            Some(path) => submission.dockerfile_at(path)?,
            None => submission.dockerfile()?.clone(),
        };
        let own = recipe.dockerfile.as_deref().map(|text| self.fill(text));
        let text = own.as_deref().unwrap_or(&handed_in.text);
        let changed = if rewrite.is_empty() { Some(text.to_owned()) } else { rewrite.apply(text) };
        let changed = changed.map(|text| (handed_in.path.clone(), text));
        Some(changed.ok_or_else(|| format!("{} cannot be read for a change", handed_in.path)))
    }

    /// The files that a recipe writes.
    fn written(&self, recipe: &BuildRecipe) -> Result<BTreeMap<String, Written>, Fault> {
        let mut written = BTreeMap::new();
        for path in &recipe.restore {
            let Some(given) = &self.given else {
                return Err(fault(format!("the exercise's given file {path} is missing")));
            };
            written.extend(Written::copies(given, path).map_err(fault)?);
        }
        for (path, text) in &recipe.files {
            let mode = recipe.modes.get(path).copied();
            written.insert(self.fill(path), Written { mode, ..self.fill(text).into() });
        }
        for (path, size) in &recipe.zeros {
            let zeros = Written { content: Content::Zeros(*size), mode: None };
            written.insert(self.fill(path), zeros);
        }
        for (path, texts) in &recipe.archives {
            let archive = Written::archive(&self.fill_map(texts));
            let archive = archive.map_err(|error| fault(format!("failed to pack {path}: {error}")));
            written.insert(self.fill(path), archive?);
        }
        Ok(written)
    }
}

fn fault(error: impl ToString) -> Fault {
    Fault { message: error.to_string(), advice: None }
}
