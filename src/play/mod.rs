//! Plays: what a submission's commands and the grader do on an engine, step by step, and what is there after each.
//!
//! | file | what is in it |
//! |---|---|
//! | `stage` | a fresh folder, a container for the commands, the wall before the engine, a registry |
//! | `command` | running the student's scripts and Compose files by the real tools |
//! | `steps` | what each step does |
//! | `shot` | what is there after a step |

mod command;
mod shot;
mod stage;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::context::ContextLimits;
use crate::engine::{EngineError, Labels};
use crate::evidence::Fault;
use crate::nonce::Values;
use crate::recipe::PlayRecipe;
use crate::sandbox::Sandbox;
use crate::submission::Submission;

pub use shot::{ContainerShot, Mount, Shot};
pub use stage::REGISTRY_IMAGE;

/// What a play is performed with.
pub struct Setting<'a> {
    /// Where.
    pub sandbox: &'a Arc<Sandbox>,
    /// What was handed in.
    pub submission: &'a Submission,
    /// How much of it is taken along.
    pub limits: ContextLimits,
    /// The values of the run.
    pub values: &'a Values,
    /// Whose the grader's own containers are.
    pub labels: Labels,
    /// The image that is there from the beginning: its id, and the name it gets.
    pub image: Option<(String, String)>,
    /// The exercise: what the folder is called.
    pub slug: &'a str,
    /// Different for each play of a run.
    pub number: u32,
}

impl Setting<'_> {
    /// The play's folder, below [`HOME`](crate::sandbox::HOME). One of its own in each play; its own
    /// name is what Compose calls a project.
    fn folder(&self) -> String {
        format!("{}/{}", self.number, self.slug)
    }
}

/// A play that was performed.
#[derive(Clone, Default)]
pub struct Played {
    /// What was there after each step, as far as it went.
    pub shots: Vec<(String, Shot)>,
    /// Why it did not go to its end.
    pub ended: Option<String>,
    /// The images there at its end: names, and ids.
    pub images: BTreeMap<String, String>,
    /// Where it was performed, for reading what is there: none where it was not.
    pub sandbox: Option<Arc<Sandbox>>,
    /// Where the folder is, below [`HOME`](crate::sandbox::HOME).
    pub folder: String,
}

impl Played {
    /// A regular file of the folder, whole; none when there is none, or it is too large.
    ///
    /// # Errors
    /// When our side failed.
    pub async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>, EngineError> {
        match &self.sandbox {
            Some(sandbox) => {
                sandbox.read_file(&format!("{}/{path}", self.folder), LARGEST_FILE).await
            }
            None => Ok(None),
        }
    }
}

/// Performs a play.
///
/// # Errors
/// When our side failed. Whatever the commands did is in the shots.
pub async fn perform(setting: &Setting<'_>, recipe: &PlayRecipe) -> Result<Played, Fault> {
    let mut stage = match stage::set(setting, recipe).await? {
        Ok(stage) => stage,
        Err(because) => return Ok(Played { ended: Some(because), ..Played::default() }),
    };
    let mut played = Played {
        sandbox: Some(Arc::clone(setting.sandbox)),
        folder: setting.folder(),
        ..Played::default()
    };
    for step in &recipe.steps {
        let shot = steps::perform(&mut stage, step).await?;
        if let Some(fault) = stage.record.events().faults.first() {
            return Err(Fault { message: fault.clone(), advice: None });
        }
        let goes_on = shot.done || step.go_on;
        played.shots.push((step.name.clone(), shot));
        if !goes_on {
            played.ended = Some(format!("the step before it failed ({})", step.name));
            break;
        }
    }
    played.images = stage.keep_images().await?;
    stage.close().await;
    Ok(played)
}

/// The most bytes of a file that are read back.
const LARGEST_FILE: usize = 256 << 20;
