//! Leaving the room: nothing stays on the engine of what was made in it.

use futures_util::future::join_all;

use super::Room;
use crate::engine::{EngineError, OwnedFilter, OwnedKind, OwnedObject};

impl Room {
    /// Removes everything that was made in this room.
    ///
    /// # Errors
    /// The first failure, after everything was tried.
    pub async fn leave(&self) -> Result<(), EngineError> {
        let filter = OwnedFilter {
            run: Some(self.run.id.clone()),
            submission: Some(self.run.submission.clone()),
        };
        let mut made = self.engine.owned(&filter).await?;
        // Containers before what they use. All at once, but for the names of one image: of two that
        // go together, both may find themselves the last.
        made.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        let one_image = |one: &OwnedObject, other: &OwnedObject| one.id == other.id;
        let (containers, others) =
            made.split_at(made.partition_point(|object| object.kind == OwnedKind::Container));
        let mut first = Ok(());
        for together in [containers, others] {
            let removing = together.chunk_by(one_image).map(|names| self.remove(names));
            first = join_all(removing).await.into_iter().fold(first, Result::and);
        }
        first
    }

    async fn remove(&self, objects: &[OwnedObject]) -> Result<(), EngineError> {
        let mut first = Ok(());
        for object in objects {
            let removed = self.engine.remove_owned(object).await;
            first = first.and(removed);
        }
        first
    }
}
