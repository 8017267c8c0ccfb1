//! What happens to a container whose health check is watched.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use futures_util::{Stream, StreamExt};

use crate::engine::{ContainerEvent, ContainerEventKind, EngineError, HealthStatus};
use crate::probe::Room;

/// The events of one container, from its creation on.
pub(in crate::probe) struct Watch {
    events: Pin<Box<dyn Stream<Item = Result<ContainerEvent, EngineError>> + Send>>,
    /// Whether the container was seen to end.
    pub(super) ended: bool,
}

impl Watch {
    /// Watches a container; events since `since` are told again, so none is missed.
    pub(in crate::probe) fn of(room: &Room, container: &str, since: SystemTime) -> Watch {
        Watch { events: Box::pin(room.engine.events(container, since)), ended: false }
    }

    /// Waits for healthy: the time it took, or `None` when it did not come in time.
    pub(in crate::probe) async fn healthy(
        &mut self,
        limit: Duration,
    ) -> Result<Option<Duration>, EngineError> {
        self.status(HealthStatus::Healthy, limit).await
    }

    /// Waits for unhealthy, likewise.
    pub(super) async fn unhealthy(
        &mut self,
        limit: Duration,
    ) -> Result<Option<Duration>, EngineError> {
        self.status(HealthStatus::Unhealthy, limit).await
    }

    /// Whether it is healthy for so long. A check may miss once on a busy machine; what counts is
    /// that it comes back by itself.
    pub(super) async fn stays(&mut self, long: Duration) -> Result<bool, EngineError> {
        let fell = self.unhealthy(long).await?.is_some();
        let back = !fell || self.healthy(long).await?.is_some();
        Ok(back && !self.ended)
    }

    /// Waits until so many more checks have ended, or the container has.
    pub(super) async fn checks(
        &mut self,
        mut count: u32,
        limit: Duration,
    ) -> Result<(), EngineError> {
        let waiting = async {
            while count > 0 && !self.ended {
                let Some(event) = self.events.next().await else { return Ok(()) };
                match event?.kind {
                    ContainerEventKind::Died { .. } => self.ended = true,
                    ContainerEventKind::Other(action) if action == "exec_die" => count -= 1,
                    _ => {}
                }
            }
            Ok(())
        };
        tokio::time::timeout(limit, waiting).await.unwrap_or(Ok(()))
    }

    async fn status(
        &mut self,
        wanted: HealthStatus,
        limit: Duration,
    ) -> Result<Option<Duration>, EngineError> {
        let began = Instant::now();
        let waiting = async {
            while let Some(event) = self.events.next().await {
                match event?.kind {
                    ContainerEventKind::Health(status) if status == wanted => {
                        return Ok(Some(began.elapsed()));
                    }
                    ContainerEventKind::Died { .. } => {
                        self.ended = true;
                        return Ok(None);
                    }
                    _ => {}
                }
            }
            Ok(None)
        };
        tokio::time::timeout(limit, waiting).await.unwrap_or(Ok(None))
    }
}
