//! What happens to a container, as it happens or happened.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::{Stream, StreamExt};

use super::Engine;
use crate::engine::container::{ContainerEvent, ContainerEventKind, HealthStatus};
use crate::engine::error::{Cause, EngineError};

impl Engine {
    /// A container's events from `since` on: first those that already happened, then each as it
    /// comes. The stream has no end of its own; the caller bounds its wait. Take `since` from
    /// before the container was created, on the engine's own machine.
    ///
    /// An `Err` of [`EngineError::Watch`] is its last item: the engine failed or hung up.
    pub fn events(
        &self,
        container: &str,
        since: SystemTime,
    ) -> impl Stream<Item = Result<ContainerEvent, EngineError>> + Send + Unpin + use<> {
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
        let filters = HashMap::from([
            ("type".to_owned(), vec!["container".to_owned()]),
            ("container".to_owned(), vec![container.to_owned()]),
        ]);
        let options = EventsOptionsBuilder::default()
            .since(&format!("{}.{:09}", since.as_secs(), since.subsec_nanos()))
            .filters(&filters)
            .build();
        let container = container.to_owned();
        let hung_up =
            futures_util::stream::once(std::future::ready(Err(Cause::lost("the engine hung up"))));
        let events =
            self.docker.events(Some(options)).map(|event| event.map_err(Cause::from).map(read));
        Box::pin(events.chain(hung_up).map(move |event| {
            event.map_err(|cause| EngineError::Watch { container: container.clone(), cause })
        }))
    }
}

fn read(message: EventMessage) -> ContainerEvent {
    let action = message.action.unwrap_or_default();
    let attributes = message.actor.and_then(|actor| actor.attributes).unwrap_or_default();
    let kind = match action.as_str() {
        "health_status: healthy" => ContainerEventKind::Health(HealthStatus::Healthy),
        "health_status: unhealthy" => ContainerEventKind::Health(HealthStatus::Unhealthy),
        "health_status: starting" => ContainerEventKind::Health(HealthStatus::Starting),
        "die" => ContainerEventKind::Died {
            exit_code: attributes.get("exitCode").and_then(|code| code.parse().ok()),
        },
        "oom" => ContainerEventKind::Oom,
        _ => ContainerEventKind::Other(action),
    };
    let at = u64::try_from(message.time_nano.unwrap_or_default()).unwrap_or_default();
    ContainerEvent { at: Duration::from_nanos(at), kind }
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;

    fn kind(action: &str, exit_code: Option<&str>) -> ContainerEventKind {
        let attributes =
            exit_code.map(|code| HashMap::from([("exitCode".to_owned(), code.to_owned())]));
        let actor = EventActor { attributes, ..EventActor::default() };
        read(EventMessage {
            action: Some(action.to_owned()),
            actor: Some(actor),
            ..EventMessage::default()
        })
        .kind
    }

    #[test]
    fn events_are_read() {
        assert_eq!(
            kind("health_status: healthy", None),
            ContainerEventKind::Health(HealthStatus::Healthy)
        );
        assert_eq!(kind("die", Some("137")), ContainerEventKind::Died { exit_code: Some(137) });
        assert_eq!(kind("start", None), ContainerEventKind::Other("start".to_owned()));
    }
}
