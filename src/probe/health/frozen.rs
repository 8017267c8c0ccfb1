//! What is seen of a server that is frozen: who asked it, and who only seemed to.

use crate::engine::{EngineError, TcpSocket};
use crate::fact::Facts;
use crate::probe::Room;

/// More than the end of a connection that sent nothing.
const ASKED: u32 = 2;
/// So many checks have to say well, the first of them left out: it may have begun before.
const WELL: usize = 3;

/// The last check before the server froze.
pub(super) struct Before {
    last: Option<String>,
}

impl Before {
    pub(super) async fn of(room: &Room, container: &str) -> Result<Before, EngineError> {
        let health = room.engine.inspect(container).await?.health;
        Ok(Before {
            last: health.and_then(|health| health.log.last().map(|one| one.start.clone())),
        })
    }

    /// Whether each of several checks connected to the server and said that all is well. What a
    /// monitor beside it asks connects less often than checks come.
    pub(super) async fn is_blind(
        &self,
        room: &Room,
        container: &str,
        port: u16,
    ) -> Result<Facts, EngineError> {
        let log = room.engine.inspect(container).await?.health.map(|health| health.log);
        let checks = log.unwrap_or_default();
        let old = checks.iter().position(|check| Some(&check.start) == self.last.as_ref());
        let new = &checks[old.map_or(0, |old| old + 1)..];
        let well = new.iter().skip(1).take_while(|check| check.exit_code == 0).count();
        if well < WELL {
            return Ok(Facts::new());
        }
        let Some(here) = here(room, container, port).await? else { return Ok(Facts::new()) };
        let waiting = here.iter().find(|socket| socket.listens).map_or(0, |socket| socket.unread);
        let blind = usize::try_from(waiting).is_ok_and(|waiting| waiting >= well);
        Ok(Facts::from([("blind".to_owned(), blind.into())]))
    }
}

/// Whether the frozen server was asked: what it was sent waits in the kernel until it goes on, also
/// when whoever sent it has given up.
pub(super) async fn asked(
    room: &Room,
    container: &str,
    port: Option<u16>,
) -> Result<Facts, EngineError> {
    let Some(port) = port else { return Ok(Facts::new()) };
    let Some(here) = here(room, container, port).await? else { return Ok(Facts::new()) };
    let asked = here.iter().any(|socket| !socket.listens && socket.unread >= ASKED);
    Ok(Facts::from([("asked".to_owned(), asked.into())]))
}

/// The sockets of a port; none when nothing can tell.
async fn here(
    room: &Room,
    container: &str,
    port: u16,
) -> Result<Option<Vec<TcpSocket>>, EngineError> {
    let sockets = room.engine.tcp_sockets(container, port).await?.unwrap_or_default();
    let here: Vec<TcpSocket> = sockets.into_iter().filter(|socket| socket.port == port).collect();
    Ok(Some(here).filter(|here| !here.is_empty()))
}
