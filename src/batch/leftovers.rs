//! What dead processes left on the engine, removed before a batch begins.

use crate::engine::{Engine, EngineError, OwnedFilter, OwnerLife};
use crate::sandbox::Left;

/// Removes what processes of this machine made and did not live to remove, and what is left of
/// sandboxes. Those that run empty themselves, and are used again. Tells how much it was.
///
/// # Errors
/// When the engine failed.
pub async fn clear(engine: &Engine) -> Result<usize, EngineError> {
    let mut removed = 0;
    for left in Left::list(engine, false).await? {
        left.remove(engine).await?;
        removed += 1;
    }
    for object in engine.owned(&OwnedFilter::default()).await? {
        if object.owner_life() == OwnerLife::Dead {
            engine.remove_owned(&object).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
