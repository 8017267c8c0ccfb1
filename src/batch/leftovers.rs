//! What dead processes left on the engine, removed before a batch begins.

use jiff::Timestamp;

use crate::engine::{Engine, EngineError, OwnedFilter, OwnerLife};
use crate::sandbox;

/// A sandbox that was made and not started within that many seconds never will be.
const STARTING: i64 = 10 * 60;

/// Removes what processes of this machine made and did not live to remove, and sandboxes that were
/// never started. Sandboxes that run empty themselves, and are used again. Tells how much it was.
///
/// # Errors
/// When the engine failed.
pub async fn clear(engine: &Engine) -> Result<usize, EngineError> {
    let mut removed = 0;
    let now = Timestamp::now().as_second();
    for sandbox in engine.sandboxes(sandbox::LABEL).await? {
        if !sandbox.running && now.saturating_sub(sandbox.created) > STARTING {
            engine.remove(&sandbox.id).await?;
            removed += 1;
        }
    }
    for object in engine.owned(&OwnedFilter::default()).await? {
        if object.owner_life() == OwnerLife::Dead {
            engine.remove_owned(&object).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
