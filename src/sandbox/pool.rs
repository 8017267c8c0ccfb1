//! The sandboxes of a class: no more than so many, each used again by whoever has its place.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Sandbox, Wish};
use crate::engine::{Engine, EngineError};

/// Sandboxes for so many at the same time. Whoever comes when all are taken waits.
pub struct Pool {
    outer: Engine,
    wish: Wish,
    /// One for each place; a taken one is false. The id is that of the sandbox used there last.
    places: Mutex<Vec<Place>>,
    free: Semaphore,
}

#[derive(Clone, Debug, Default)]
struct Place {
    is_taken: bool,
    last: Option<String>,
}

/// A place in the pool with a sandbox in it; free again when it is dropped.
pub struct Seat<'a> {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    _taken: Taken<'a>,
}

/// A place that is taken until this is dropped.
struct Taken<'a> {
    pool: &'a Pool,
    index: usize,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Pool {
    /// A pool of that many places, which has no sandbox yet.
    pub fn new(outer: Engine, wish: Wish, size: usize) -> Self {
        let size = size.max(1);
        let places = Mutex::new(vec![Place::default(); size]);
        Self { outer, wish, places, free: Semaphore::new(size) }
    }

    /// A place, and a sandbox for it: the one that was there last, or else one that nobody has, or
    /// a new one.
    ///
    /// # Errors
    /// As for [`Sandbox::claim`].
    pub async fn claim(&self) -> Result<Seat<'_>, EngineError> {
        // It is never closed, and without a permit a place is free all the same.
        let permit = self.free.acquire().await.ok();
        let (index, last, others) = self.take();
        let taken = Taken { pool: self, index, _permit: permit };
        let sandbox =
            Sandbox::claim_beside(&self.outer, &self.wish, last.as_deref(), &others).await?;
        self.edit(|places| places[index].last = Some(sandbox.id.clone()));
        Ok(Seat { sandbox: Arc::new(sandbox), _taken: taken })
    }

    /// A free place, the sandbox it had last, and those of all others.
    fn take(&self) -> (usize, Option<String>, Vec<String>) {
        self.edit(|places| {
            // One that has a warm sandbox is better than one that has none.
            let free = (0..places.len()).filter(|index| !places[*index].is_taken);
            let index = free.max_by_key(|index| places[*index].last.is_some()).unwrap_or_default();
            places[index].is_taken = true;
            let others = places.iter().enumerate().filter(|(other, _)| *other != index);
            let others = others.filter_map(|(_, other)| other.last.clone()).collect();
            (index, places[index].last.clone(), others)
        })
    }

    fn edit<T>(&self, change: impl FnOnce(&mut Vec<Place>) -> T) -> T {
        change(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.pool.edit(|places| places[self.index].is_taken = false);
    }
}
