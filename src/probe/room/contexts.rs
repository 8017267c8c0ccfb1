//! The contexts of builds: the folder handed in, with what the rubric changes in it.

use std::collections::BTreeMap;

use super::Room;
use crate::context::{Content, Context, ContextError, Written};
use crate::engine::{Edit, ImageInfo, MountKind, NewMount, TAG_PREFIX, cache_id};
use crate::evidence::Fault;
use crate::recipe::BuildRecipe;
use crate::submission::{Dockerfile, Submission};

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
        let lies_upon = match &recipe.parent {
            Some(parent) => Some((**parent).clone()),
            None => {
                let built = Box::pin(self.build(recipe)).await?;
                let reading = built.report.as_ref().and_then(|report| report.reading.as_ref());
                let Some(reading) = reading else { return Ok(Err(NO_BASE.to_owned())) };
                reading.base.as_ref().map(|base| recipe.of_image(base))
            }
        };
        let base = match lies_upon {
            None => ImageInfo::default(),
            Some(base) => match self.image(&base).await? {
                Ok(base) => self.look(&base).await?,
                Err(because) => return Ok(Err(format!("{NO_BASE}: {because}"))),
            },
        };
        // An image of the same name may have come since.
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
        let mut files = self.written(recipe)?;
        files.insert("Dockerfile".to_owned(), dockerfile.into());
        Ok(Context::of_files(files))
    }

    /// The submission's context, or why a builder can take none from it.
    pub(super) fn context(
        &self,
        recipe: &BuildRecipe,
    ) -> Result<Result<Context, ContextError>, Fault> {
        let submission = self.source(recipe)?;
        let handed_in = match &recipe.file {
            Some(path) => submission.dockerfile_at(path),
            None => submission.dockerfile().cloned(),
        };
        let Some(handed_in) = handed_in else { return Ok(Err(ContextError::NoDockerfile)) };
        let Dockerfile { path, encoding, .. } = handed_in;
        let mut files = self.written(recipe)?;
        match &recipe.dockerfile {
            Some(own) => drop(files.insert(path.clone(), self.fill(own).into())),
            None => {
                if let Some(encoding) = encoding.filter(|one| one.is_hopeless) {
                    return Ok(Err(ContextError::Encoding { path, encoding: encoding.words }));
                }
            }
        }
        let mut context = Context::of_folder(submission.root().to_owned(), path);
        context.files = files;
        context.removed = self.fill_all(&recipe.remove);
        context.limits = self.limits.context;
        Ok(Ok(context))
    }

    /// What is to be said of the Dockerfile's encoding, where a build failed and no program of it did.
    pub(super) fn odd_encoding(&self, recipe: &BuildRecipe) -> Option<String> {
        let own = recipe.dockerfile.is_none() && recipe.parent.is_none() && !recipe.given;
        let Dockerfile { path, encoding, .. } =
            self.submission.dockerfile().filter(|_| own && recipe.file.is_none())?.clone();
        let encoding = encoding?.words;
        Some(ContextError::Encoding { path, encoding }.to_string())
    }

    /// The file that says what is left out of the context; none where there is no such file, or no folder.
    ///
    /// # Errors
    /// When our side failed.
    pub fn ignore_file(&self, recipe: &BuildRecipe) -> Result<Option<String>, Fault> {
        if recipe.parent.is_some() || recipe.play.is_some() {
            return Ok(None);
        }
        Ok(self.context(recipe)?.ok().and_then(|context| context.rules()))
    }

    /// What is changed of the builder's reading.
    pub(super) fn edit(&self, recipe: &BuildRecipe) -> Result<Edit, Fault> {
        let mut edit = Edit::default();
        for (old, new) in &recipe.mounts {
            edit.mounts.insert(mount_kind(old)?, self.new_mount(new)?);
        }
        let kinds = |names: &[String]| -> Result<Vec<MountKind>, Fault> {
            names.iter().map(|name| mount_kind(name)).collect()
        };
        (edit.skip, edit.only) = (kinds(&recipe.skip)?, kinds(&recipe.only)?);
        Ok(edit)
    }

    /// A mount as a rubric writes it: `type=tmpfs,size=65536`.
    fn new_mount(&self, text: &str) -> Result<NewMount, Fault> {
        let options = || text.split(',').filter_map(|option| option.split_once('='));
        let option = |name: &str| options().find(|(key, _)| *key == name).map(|(_, value)| value);
        match option("type") {
            Some("tmpfs") => {
                let size = option("size").and_then(|size| size.parse().ok()).unwrap_or_default();
                Ok(NewMount::Tmpfs { size })
            }
            // Nobody else's, and so an empty one; by its name, another build of this run may mount it.
            Some("cache") => {
                let number: u64 = rand::random();
                let name = option("id").map_or_else(|| format!("{number:016x}"), str::to_owned);
                Ok(NewMount::Cache { id: cache_id(&self.labels("build"), &name) })
            }
            _ => Err(fault(format!("`{text}` is no mount that can take another one's place"))),
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

fn mount_kind(name: &str) -> Result<MountKind, Fault> {
    let known = MountKind::ALL.into_iter().find(|kind| kind.name() == name);
    known.ok_or_else(|| fault(format!("`{name}` is no type of a mount")))
}

fn fault(error: impl ToString) -> Fault {
    Fault { message: error.to_string(), advice: None }
}
