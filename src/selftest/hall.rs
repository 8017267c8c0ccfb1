//! Where trials take place: on the engine at hand, or in sandboxes.
//!
//! An exercise whose answer is commands gets a sandbox for each trial, as a student's submission
//! does: plays have an engine's names for themselves. The trials of any other exercise share the
//! engine of one sandbox, each in a room that is cleaned: a new sandbox takes longer than most builds.
//! They share its build cache, too, as submissions do that are graded with `--engine host`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;

use super::{Exercise, Only, Trial};
use crate::engine::{Engine, EngineError};
use crate::plan::Plan;
use crate::sandbox::{Sandbox, Sandboxes};
use crate::session::Place;

/// Where trials take place.
pub enum Hall {
    /// On the engine at hand, all of them.
    Host(Engine),
    /// In sandboxes on the engine at hand.
    Sandboxes {
        /// The engine at hand.
        outer: Engine,
        /// The sandboxes.
        sandboxes: Sandboxes,
    },
}

impl Hall {
    /// The engine at hand.
    pub fn engine(&self) -> &Engine {
        match self {
            Self::Host(engine) | Self::Sandboxes { outer: engine, .. } => engine,
        }
    }

    /// Whether an exercise's trials can take place here.
    pub fn has_room_for(&self, exercise: &Exercise) -> bool {
        matches!(self, Self::Sandboxes { .. }) || !exercise.has_plays()
    }
}

/// The place of one exercise's trials.
pub(super) struct Venue<'a> {
    hall: &'a Hall,
    plan: &'a Plan,
    shared: Mutex<Option<Arc<Sandbox>>>,
    /// Trials that have not ended.
    open: AtomicUsize,
}

impl<'a> Venue<'a> {
    pub(super) fn new(hall: &'a Hall, exercise: &'a Exercise) -> Self {
        let open = AtomicUsize::new(exercise.trials.len());
        Self { hall, plan: &exercise.plan, shared: Mutex::default(), open }
    }

    /// A place for one of the trials.
    ///
    /// # Errors
    /// When there is no sandbox to be had.
    pub(super) async fn place(&self, trial: &Trial) -> Result<Place, EngineError> {
        if trial.only() == Some(Only::Host) {
            return Ok(Place::Host(self.hall.engine().clone()));
        }
        let sandboxes = match self.hall {
            Hall::Host(engine) => return Ok(Place::Host(engine.clone())),
            Hall::Sandboxes { sandboxes, .. } => sandboxes,
        };
        let claim = async || Place::sandbox(sandboxes, &self.plan.rubric).await;
        if !self.plan.rubric.plays.is_empty() {
            return claim().await;
        }
        let mut shared = self.shared.lock().await;
        let sandbox = match &*shared {
            Some(sandbox) => sandbox,
            None => match claim().await? {
                Place::Sandbox(sandbox) => shared.insert(sandbox),
                place @ Place::Host(_) => return Ok(place),
            },
        };
        Ok(Place::Host(sandbox.engine.clone()))
    }

    /// Tells that one of the trials has ended; with the last one, the sandbox that they share ends.
    pub(super) async fn leave(&self) {
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(sandbox) = self.shared.lock().await.take()
        {
            sandbox.leave().await;
        }
    }
}
