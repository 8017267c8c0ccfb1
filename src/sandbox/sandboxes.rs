//! Where sandboxes come from: one for each use, and the next made ready beside it.

use std::sync::{Arc, Mutex as Locked, PoisonError};
use std::time::Duration;

use rand::RngExt;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinSet;

use super::bases;
use super::claim::Sandbox;
use super::container::{
    Answer, IMAGE, Purpose, SandboxConfig, ask, failed, no_image, stamp, start,
};
use super::protocol::VOLUME;
use crate::engine::{Engine, EngineError, NAME_PREFIX, SandboxContainer, SandboxLife, Tunnel};
use crate::nonce::hex;

/// The label of every sandbox; its value tells of what make it is.
pub const LABEL: &str = "grade.sandbox";
/// The names of sandboxes that nobody has, and of those that somebody has.
const SPARE: &str = "spare-";
const TAKEN: &str = "sandbox-";
/// How long is waited for what is being made, when nothing more is wanted.
const SETTLING: Duration = Duration::from_secs(10);
/// How often a sandbox is made anew whose images somebody removed meanwhile.
const TRIES: u32 = 3;

/// Sandboxes of one make on one engine.
#[derive(Clone)]
pub struct Sandboxes {
    inner: Arc<Inner>,
}

struct Inner {
    outer: Engine,
    config: SandboxConfig,
    /// So many are kept ready.
    spares: usize,
    make: OnceCell<Make>,
    /// One at a time counts the spares, and makes one.
    counting: Mutex<()>,
    making: Locked<JoinSet<()>>,
}

/// What sandboxes that can stand for each other have in common.
#[derive(Clone)]
struct Make {
    label: String,
    image: String,
    bases: String,
}

impl Sandboxes {
    /// Sandboxes of that configuration, of which up to `spares` are kept ready.
    pub fn new(outer: Engine, config: SandboxConfig, spares: usize) -> Self {
        let (make, counting, making) = (OnceCell::new(), Mutex::default(), Locked::default());
        Self { inner: Arc::new(Inner { outer, config, spares, make, counting, making }) }
    }

    /// A sandbox that nobody had before; with a way to the `outside`, where that is asked for.
    /// Another one is made ready meanwhile.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when none can be had, or what the engine's calls say.
    pub async fn claim(&self, outside: bool) -> Result<Sandbox, EngineError> {
        let inner = &self.inner;
        // Boxed, as all that can be made on the way lies in it.
        let (id, tunnel) = Box::pin(inner.take()).await?;
        let origin = (self.clone(), outside);
        let sandbox = Sandbox::enter(&inner.outer, id, tunnel, origin).await?;
        if inner.spares > 0 {
            let spare = Arc::clone(inner);
            let work = async move {
                // What fails here fails again for who needs it, and is told there.
                let _ = spare.replenish().await;
            };
            inner.making.lock().unwrap_or_else(PoisonError::into_inner).spawn(work);
        }
        Ok(sandbox)
    }

    /// Waits for what is being made, and leaves no more than one spare for whoever comes next.
    pub async fn settle(&self) {
        let mut making = {
            let mut making = self.inner.making.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *making)
        };
        let settling = async {
            while making.join_next().await.is_some() {}
            // Spares go by themselves an hour later.
            let _ = self.inner.shed(1).await;
        };
        let _in_time = tokio::time::timeout(SETTLING, settling).await;
    }
}

impl Inner {
    async fn make(&self) -> Result<&Make, EngineError> {
        let make = self.make.get_or_try_init(async || {
            let image = self.outer.image_id(IMAGE).await?.ok_or_else(no_image)?;
            let bases = bases::ensure(&self.outer, &self.config, &image).await?;
            let all = format!(
                "{} {image} {bases} {:?}",
                stamp(&self.config.program)?,
                self.config.limits
            );
            let mut label = hex(&Sha256::digest(all));
            label.truncate(16);
            Ok::<_, EngineError>(Make { label, image, bases })
        });
        make.await
    }

    /// A spare one, or else a new one.
    async fn take(&self) -> Result<(String, Tunnel), EngineError> {
        let make = self.make().await?.clone();
        for spare in self.spares(Some(&make.label)).await? {
            // One that ends at this moment is as good as none.
            if let Ok(Answer::Ready(tunnel)) = ask(&self.outer, &spare.id).await {
                // The name only tells others that it is no spare any more.
                let _ = self.outer.rename_sandbox(&spare.id, &name(TAKEN)).await;
                return Ok((spare.id, tunnel));
            }
        }
        for _ in 0..TRIES {
            let Some(id) = self.start(&make, TAKEN).await? else { continue };
            match ask(&self.outer, &id).await {
                Ok(Answer::Ready(tunnel)) => return Ok((id, tunnel)),
                Ok(Answer::Busy) => {}
                Ok(Answer::Unprepared) => {
                    let _ = self.outer.remove(&id).await;
                    bases::discard(&self.outer, &make.bases).await?;
                    bases::ensure(&self.outer, &self.config, &make.image).await?;
                }
                Err(error) => {
                    let _ = self.outer.remove(&id).await;
                    return Err(error);
                }
            }
        }
        Err(failed("others take each that is made".to_owned()))
    }

    async fn start(&self, make: &Make, names: &str) -> Result<Option<String>, EngineError> {
        let limits = serde_json::to_string(&self.config.limits)
            .map_err(|error| failed(error.to_string()))?;
        let purpose = Purpose {
            name: name(names),
            words: vec!["run".to_owned(), limits],
            label: (LABEL, make.label.clone()),
            disk: Some(VOLUME),
            bases: bases::mounted(&make.bases, false),
        };
        start(&self.outer, &self.config, &make.image, purpose).await
    }

    /// Makes a spare one, unless there are enough, of whatever make.
    async fn replenish(&self) -> Result<(), EngineError> {
        let make = self.make().await?.clone();
        let _alone = self.counting.lock().await;
        self.shed(self.spares).await?;
        if self.spares(Some(&make.label)).await?.len() < self.spares {
            self.start(&make, SPARE).await?;
        }
        Ok(())
    }

    /// Lets all spares go that are of another make, and of this one those above a number.
    async fn shed(&self, most: usize) -> Result<(), EngineError> {
        let make = self.make().await?;
        let (mut ours, others): (Vec<_>, Vec<_>) = self
            .spares(None)
            .await?
            .into_iter()
            .partition(|spare| spare.labels.get(LABEL) == Some(&make.label));
        ours.truncate(ours.len().saturating_sub(most));
        for spare in ours.into_iter().chain(others) {
            // Whoever asks has it: nobody else can be about to use it. It ends when it is let go.
            drop(ask(&self.outer, &spare.id).await);
        }
        Ok(())
    }

    /// The spares, those of one make only where that is given.
    async fn spares(&self, make: Option<&str>) -> Result<Vec<SandboxContainer>, EngineError> {
        let label = make.map_or(LABEL.to_owned(), |make| format!("{LABEL}={make}"));
        let mut found = self.outer.sandboxes(&label).await?;
        let prefix = format!("{NAME_PREFIX}{SPARE}");
        found.retain(|one| one.life == SandboxLife::Running && one.name.starts_with(&prefix));
        Ok(found)
    }
}

fn name(prefix: &str) -> String {
    format!("{prefix}{:08x}", rand::rng().random::<u32>())
}
