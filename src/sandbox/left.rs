//! What is left of sandboxes that nobody will use again.

use std::collections::HashMap;
use std::str::FromStr;

use super::bases;
use super::container::MAKER;
use super::sandboxes::LABEL;
use crate::engine::{Engine, EngineError, Owner, OwnerLife, SandboxLife};

/// How long a sandbox may take to end by itself, in seconds.
const ENDING: u32 = 10;

/// A part of a sandbox, on the engine around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Its container, which takes its disk with it.
    Container {
        /// The engine's id of it.
        id: String,
        /// Its name.
        name: String,
    },
    /// The disk of one whose container is gone.
    Disk {
        /// The volume's name.
        name: String,
    },
    /// The course's images, as they are prepared for sandboxes.
    Bases {
        /// The volume's name.
        name: String,
    },
}

impl Left {
    /// What nobody will use again; with `all`, also what is in use or kept ready.
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn list(outer: &Engine, all: bool) -> Result<Vec<Left>, EngineError> {
        let mut left = Vec::new();
        let mut sandboxes = outer.sandboxes(LABEL).await?;
        sandboxes.extend(outer.sandboxes(bases::LABEL).await?);
        for sandbox in sandboxes {
            let is_left = match sandbox.life {
                // It ends with its use, or by itself when nobody has wanted it for an hour.
                SandboxLife::Running => false,
                SandboxLife::Created => is_gone(&sandbox.labels),
                SandboxLife::Ended => true,
            };
            if all || is_left {
                left.push(Left::Container { id: sandbox.id, name: sandbox.name });
            }
        }
        for disk in outer.sandbox_disks(LABEL, true).await? {
            // The sandbox that it is for may be about to be created.
            if all || is_gone(&disk.labels) {
                left.push(Left::Disk { name: disk.name });
            }
        }
        // Else they stay, and are used again. The sandboxes that have them go before them.
        if all {
            let bases = outer.sandbox_disks(bases::LABEL, false).await?.into_iter();
            left.extend(bases.map(|volume| Left::Bases { name: volume.name }));
        }
        Ok(left)
    }

    /// What it is, in words.
    pub fn what(&self) -> &'static str {
        match self {
            Left::Container { .. } => "sandbox",
            Left::Disk { .. } => "sandbox's disk",
            Left::Bases { .. } => "prepared images",
        }
    }

    /// Its name on the engine.
    pub fn name(&self) -> &str {
        match self {
            Left::Container { name, .. } | Left::Disk { name } | Left::Bases { name } => name,
        }
    }

    /// Removes it. That it is gone already is fine.
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed.
    pub async fn remove(&self, outer: &Engine) -> Result<(), EngineError> {
        match self {
            Left::Container { id, .. } => {
                // One that runs has to thaw what is frozen in it; one that does not is fine.
                let _ = outer.stop(id, ENDING).await;
                outer.remove(id).await
            }
            Left::Disk { name } | Left::Bases { name } => outer.remove_sandbox_disk(name).await,
        }
    }
}

/// Whether who made it has ended. Whoever cannot be seen from here may still be about to start it.
fn is_gone(labels: &HashMap<String, String>) -> bool {
    let maker = labels.get(MAKER).and_then(|maker| Owner::from_str(maker).ok());
    maker.is_some_and(|owner| owner.is_alive() == OwnerLife::Dead)
}
