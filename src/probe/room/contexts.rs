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

impl Room {
    /// The image that the recipe's own layers lie upon: what its last stage starts from.
    ///
    /// # Errors
    /// When our side failed, which it did where an image was built and its base cannot be.
    pub async fn base(&self, recipe: &BuildRecipe) -> Result<ImageInfo, Fault> {
        match self.image(&recipe.of_base()).await? {
            Ok(base) => self.look(&base).await,
            Err(because) => Err(fault(format!("the image's base cannot be told: {because}"))),
        }
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
        Ok(small_context(self.written(recipe), dockerfile))
    }

    /// The submission's context.
    pub(super) async fn context(&self, recipe: &BuildRecipe) -> Result<Packed, Fault> {
        let submission = match &self.given {
            Some(given) if recipe.given => {
                Submission::open(given).map_err(|error| fault(error.to_string()))?
            }
            _ => self.submission.clone(),
        };
        let changed = match self.changed_dockerfile(recipe, &submission) {
            Some(Err(because)) => return Err(fault(because)),
            Some(Ok((_, text))) if recipe.base => {
                return Ok(Ok(small_context(BTreeMap::new(), text)));
            }
            changed => changed.and_then(Result::ok),
        };
        let mut files = self.written(recipe);
        files.extend(changed.map(|(path, text)| (path, text.into())));
        let overlay = Overlay { files, remove: self.fill_all(&recipe.remove) };
        let limits = self.limits.context;
        let packing = move || submission.context(&overlay, &limits);
        match tokio::task::spawn_blocking(packing).await {
            Ok(Ok(context)) => Ok(Ok(context)),
            Ok(Err(ContextError::Read(error))) => Err(fault(error.to_string())),
            Ok(Err(error)) => {
                let too_large = matches!(error, ContextError::TooLarge { .. });
                Ok(Err((error.to_string(), too_large)))
            }
            Err(error) => Err(fault(error.to_string())),
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
        let handed_in = submission.dockerfile()?;
        let own = recipe.dockerfile.as_deref().map(|text| self.fill(text));
        let text = own.as_deref().unwrap_or(&handed_in.text);
        let changed = if rewrite.is_empty() { Some(text.to_owned()) } else { rewrite.apply(text) };
        let changed = changed.map(|text| (handed_in.path.clone(), text));
        Some(changed.ok_or_else(|| format!("{} cannot be read for a change", handed_in.path)))
    }

    /// The files that a recipe writes.
    fn written(&self, recipe: &BuildRecipe) -> BTreeMap<String, Written> {
        let texts = recipe.files.iter().map(|(path, text)| (path, Content::Text(self.fill(text))));
        let zeros = recipe.zeros.iter().map(|(path, size)| (path, Content::Zeros(*size)));
        let written = texts.chain(zeros).map(|(path, content)| {
            let mode = recipe.modes.get(path).copied();
            (self.fill(path), Written { content, mode })
        });
        written.collect()
    }
}

fn fault(message: String) -> Fault {
    Fault { message, advice: None }
}
