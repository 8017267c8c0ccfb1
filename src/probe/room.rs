//! The room that the probes of one submission share: its engine, its values, what was built.
//!
//! A build is made once however many probes look at its image, and everything made here carries
//! the run's labels, so that it can be removed when the room is left, however that happens.

mod contexts;
mod leave;
mod plays;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::context::{Context, ContextError, ContextLimits};
use crate::engine::{
    BuildEvent, BuildNetwork, BuildOutcome, BuildReport, BuildRequest, Created, Engine,
    EngineError, ImageInfo, Labels, SshKey,
};
use crate::evidence::Fault;
use crate::nonce::{Values, fill};
use crate::play::Played;
use crate::recipe::{BuildRecipe, Network, PlayRecipe};
use crate::rubric::BASES;
use crate::sandbox::{Limit, Sandbox, Use};
use crate::submission::Submission;
use crate::unit::show_bytes;

/// The most bytes of an image whose files are looked through. A sparse file can say it has many.
const READABLE: u64 = 16_000_000_000;

/// What a submission may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for one build.
    pub build: Duration,
    /// What a build context may hold.
    pub context: ContextLimits,
}

/// Whose objects are made: the run and the process that owns it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Unique for the run.
    pub id: String,
    /// The submission, as labels name it.
    pub submission: String,
    /// The owning process.
    pub owner: String,
}

/// What is told while probes are at work.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A step of a build.
    Build(BuildEvent),
    /// A probe began.
    Began {
        /// Its title.
        title: String,
    },
    /// A probe ended.
    Ended {
        /// Its title.
        title: String,
    },
}

/// Where the probes of one submission meet.
pub struct Room {
    /// The engine.
    pub engine: Engine,
    /// The sandbox that the engine is in, if it is in one.
    pub sandbox: Option<Arc<Sandbox>>,
    /// What was handed in.
    pub submission: Submission,
    /// The values of this run.
    pub values: Values,
    /// What the submission may cost.
    pub limits: Limits,
    /// Files that the exercise hands out, for comparing.
    pub given: Option<PathBuf>,
    /// The exercise.
    pub slug: String,
    /// Whether builds can reach the registries of base images.
    pub outside: bool,
    /// The key of the run's SSH agents.
    pub ssh_key: SshKey,
    /// Hears what goes on.
    pub listen: Box<dyn Fn(Progress) + Send + Sync>,
    /// When all has to be answered; what is not by then is a fault.
    pub until: Option<Instant>,
    run: Run,
    builds: Shared<BuildRecipe, Result<Arc<Built>, Fault>>,
    looks: Shared<String, Result<ImageInfo, Fault>>,
    shelves: Shared<String, Result<Result<String, String>, Fault>>,
    plays: Shared<PlayRecipe, Result<Arc<Played>, Fault>>,
    /// One play at a time: they have the engine's names for themselves.
    playing: tokio::sync::Mutex<u32>,
    count: AtomicU32,
}

/// Values made once for each key, by whoever asks first; the others wait for it.
type Shared<K, V> = Mutex<Vec<(K, Arc<OnceCell<V>>)>>;

/// What came of a recipe.
#[derive(Clone, Debug)]
pub struct Built {
    /// The image, or why there is none, for the student.
    pub image: Result<String, String>,
    /// The builder's report; `None` when it never came to a build.
    pub report: Option<BuildReport>,
    /// The context was larger than the limits.
    pub too_large: bool,
    /// The sandbox's limit that it ran into.
    pub limit: Option<Limit>,
}

impl Room {
    /// A room for one submission.
    pub fn new(
        engine: Engine,
        submission: Submission,
        values: Values,
        limits: Limits,
        run: Run,
    ) -> Room {
        Room {
            engine,
            sandbox: None,
            submission,
            values,
            limits,
            given: None,
            slug: "work".into(),
            outside: true,
            ssh_key: SshKey::make(),
            listen: Box::new(|_| {}),
            until: None,
            run,
            builds: Mutex::default(),
            looks: Mutex::default(),
            shelves: Mutex::default(),
            plays: Mutex::default(),
            playing: tokio::sync::Mutex::default(),
            count: AtomicU32::new(0),
        }
    }

    /// A text of the rubric with the run's values in it.
    pub fn fill(&self, text: &str) -> String {
        fill(text, &self.values)
    }

    /// [`Room::fill`] for several.
    pub fn fill_all(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.fill(text)).collect()
    }

    /// [`Room::fill`] for a map, its keys included.
    pub fn fill_map(&self, map: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        map.iter().map(|(key, value)| (self.fill(key), self.fill(value))).collect()
    }

    /// A name that no other object of the engine has.
    pub fn name(&self, what: &str) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}-{what}-{number}", self.run.id)
    }

    /// The labels of an object made for a probe kind.
    pub fn labels(&self, probe: &str) -> Labels {
        Labels {
            run: self.run.id.clone(),
            submission: self.run.submission.clone(),
            probe: probe.to_owned(),
            owner: self.run.owner.clone(),
        }
    }

    /// Follows a recipe, unless that was done before.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn build(&self, recipe: &BuildRecipe) -> Result<Arc<Built>, Fault> {
        let cell = cell(&self.builds, recipe);
        // Boxed, as a recipe may lead to another one.
        let made = cell.get_or_init(|| Box::pin(self.follow(recipe))).await;
        made.clone()
    }

    /// The image that a recipe leads to, or why there is none.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn image(&self, recipe: &BuildRecipe) -> Result<Result<String, String>, Fault> {
        Ok(self.build(recipe).await?.image.clone())
    }

    /// As [`Room::image`], for what a submission is compared with: what is made of the exercise's own
    /// files has to build.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn image_to_compare(
        &self,
        recipe: &BuildRecipe,
    ) -> Result<Result<String, String>, Fault> {
        match self.image(recipe).await? {
            Err(because) if recipe.given => {
                let message = format!("the exercise's own image does not build: {because}");
                Err(Fault { message, advice: None })
            }
            image => Ok(image),
        }
    }

    /// The image that a recipe led to, if it was followed and there is one.
    pub fn built(&self, recipe: &BuildRecipe) -> Option<String> {
        let made = cell(&self.builds, recipe).get()?.clone();
        made.ok()?.image.clone().ok()
    }

    /// What an image's configuration says.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn look(&self, image: &str) -> Result<ImageInfo, Fault> {
        let cell = cell(&self.looks, &image.to_owned());
        let seen = cell.get_or_init(|| async { Ok(self.engine.image(image).await?) });
        seen.await.clone()
    }

    /// Why an image's archive was not read to its end, when that is the submission's doing: the engine
    /// writes an export to its disk first, and in a sandbox that is the submission's.
    ///
    /// # Errors
    /// When our side failed.
    pub fn unread(&self, error: &std::io::Error) -> Result<String, Fault> {
        match EngineError::behind(error) {
            Some(error) if self.filled_its_disk(error) => Ok(Limit::Disk.sentence().to_owned()),
            _ => Err(Fault {
                message: format!("failed to read the image's layers: {error}"),
                advice: EngineError::behind(error).and_then(EngineError::advice),
            }),
        }
    }

    /// The sandbox's limit behind a failure of its engine since `before`.
    async fn limit_behind(&self, error: &EngineError, before: Option<Use>) -> Option<Limit> {
        if self.filled_its_disk(error) {
            return Some(Limit::Disk);
        }
        Limit::hit(before, self.limits_used().await, "")
    }

    /// How far the sandbox's limits were used up to now; none without a sandbox, or when it is gone.
    pub async fn limits_used(&self) -> Option<Use> {
        self.used().await.ok().flatten()
    }

    /// A container of the image that is never started, for reading files, or why the image allows
    /// none: one that is too large would keep the engine, and us, from others.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn shelf(&self, image: &str) -> Result<Result<String, String>, Fault> {
        let cell = cell(&self.shelves, &image.to_owned());
        let made = cell.get_or_init(|| async {
            let size = self.look(image).await?.size;
            if let Some(because) = too_large(size, READABLE) {
                return Ok(Err(because));
            }
            let (name, labels) = (self.name("shelf"), self.labels("file"));
            Ok(match self.engine.create_unstarted(image, &name, &labels).await? {
                Created::Container(id) => Ok(id),
                Created::Refused { message } => {
                    Err(format!("no container can be made of the image: {message}"))
                }
            })
        });
        made.await.clone()
    }

    async fn follow(&self, recipe: &BuildRecipe) -> Result<Arc<Built>, Fault> {
        if let (Some(play), Some(name)) = (&recipe.play, &recipe.image) {
            return self.played(play, name).await;
        }
        if let Some(before) = &recipe.after {
            self.build(before).await?;
        }
        let context = match &recipe.parent {
            Some(parent) => match self.image(parent).await? {
                Ok(image) => Ok(self.downstream(recipe, &image).await?),
                Err(because) => return Ok(Arc::new(Built::without_report(because))),
            },
            None => self.context(recipe)?,
        };
        let context = match context {
            Ok(context) => context,
            Err(error) => return Ok(Arc::new(Built::without_report(error.to_string()))),
        };
        let request = self.request(recipe, context)?;
        let listen = |event| (self.listen)(Progress::Build(event));
        let before = self.used().await?;
        let report = match Box::pin(self.engine.build(request, &listen)).await {
            Ok(report) => report,
            Err(error) => {
                // An engine may fail for what the submission took of it.
                let limit = self.limit_behind(&error, before).await;
                let Some(limit) = limit else { return Err(error.into()) };
                let built = Built::without_report(error.cause().to_string());
                return Ok(Arc::new(Built { limit: Some(limit), ..built }));
            }
        };
        let image = match &report.outcome {
            BuildOutcome::Built { image } => Ok(image.clone()),
            BuildOutcome::Failed(failure) => {
                let odd = self.odd_encoding(recipe).filter(|_| failure.exit_code.is_none());
                Err(odd.unwrap_or_else(|| failure.message.clone()))
            }
            BuildOutcome::NotSent(error) => Err(error.to_string()),
            BuildOutcome::TimedOut => Err("the build took longer than it may".into()),
        };
        let said = report.steps.iter().rfind(|step| step.error.is_some());
        let said = said.map(|step| step.log.as_str()).unwrap_or_default();
        let limit = if image.is_ok() { None } else { Limit::hit(before, self.used().await?, said) };
        let too_large = matches!(
            report.outcome,
            BuildOutcome::NotSent(
                ContextError::TooLarge { .. } | ContextError::TooManyRules { .. }
            )
        );
        Ok(Arc::new(Built { image, report: Some(report), too_large, limit }))
    }

    fn request(&self, recipe: &BuildRecipe, context: Context) -> Result<BuildRequest, Fault> {
        let secrets = self.fill_map(&recipe.secrets).into_iter();
        Ok(BuildRequest {
            context,
            edit: self.edit(recipe)?,
            args: self.fill_map(&recipe.args),
            secrets: secrets.map(|(id, secret)| (id, Bytes::from(secret))).collect(),
            ssh: recipe.ssh.iter().map(|id| (self.fill(id), self.ssh_key.clone())).collect(),
            target: recipe.target.as_deref().map(|stage| self.fill(stage)),
            no_cache: !recipe.may_use_cache(),
            // What was done before and is not done again is what such a build is about.
            alone: recipe.after.is_some(),
            network: match recipe.network {
                Network::Default => BuildNetwork::Default,
                Network::None => BuildNetwork::None,
            },
            offline: !self.outside,
            provided: BASES.map(str::to_owned).into(),
            labels: self.labels("build"),
            name: format!("b{}", self.count.fetch_add(1, Ordering::Relaxed)),
            time_limit: self.limits.build,
        })
    }
}

impl Built {
    fn without_report(because: String) -> Built {
        Built { image: Err(because), report: None, too_large: false, limit: None }
    }
}

/// Why an image is not read, when it is larger than that.
pub(super) fn too_large(size: u64, most: u64) -> Option<String> {
    let show = show_bytes;
    (size > most).then(|| {
        format!("the image has {}, more than the {} that are read", show(size), show(most))
    })
}

fn cell<K: PartialEq + Clone, V>(shared: &Shared<K, V>, key: &K) -> Arc<OnceCell<V>> {
    // Nothing in here panics while it holds the lock.
    let mut known = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, cell)) = known.iter().find(|(one, _)| one == key) {
        return Arc::clone(cell);
    }
    let cell = Arc::new(OnceCell::new());
    known.push((key.clone(), Arc::clone(&cell)));
    cell
}
