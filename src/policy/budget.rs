//! How much one play may have us do: our own processor time is what a flood would take.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::no::No;
use super::record::Record;

/// Connections, requests, and pieces of the engine's answers that were read for them.
const REQUESTS: u64 = 30_000;
/// An answer of that many bytes is as much work as a request.
const PIECE: usize = 32 * 1024;
/// Bytes that containers tell: logs, attached streams, statistics, events.
const OUTPUT: u64 = 64 << 20;
/// What a piece of it costs at least: a log of short lines comes line by line.
const LINE: usize = 1024;
/// Bytes of all connections, in both directions.
const CARRIED: u64 = 4 << 30;
/// The most containers: each is described after each step.
const CONTAINERS: usize = 200;

const TOO_MANY: &str = "your commands asked the engine more often than this course allows";
const TOO_TALKATIVE: &str =
    "your commands read more of what containers print than this course allows";
const TOO_LARGE: &str = "your commands sent and received more bytes than this course allows";
const TOO_FULL: &str = "your commands made more containers than this course allows";

/// What a play has used up.
#[derive(Debug, Default)]
pub(super) struct Budget {
    requests: AtomicU64,
    output: AtomicU64,
    carried: AtomicU64,
    containers: AtomicUsize,
}

impl Budget {
    /// A request, or as much work as so many.
    pub(super) fn request(&self, count: u64) -> Result<(), No> {
        match self.requests.fetch_add(count, Ordering::Relaxed).saturating_add(count) {
            used if used <= REQUESTS => Ok(()),
            // The first is told; the others only cost.
            used if used - count <= REQUESTS => Err(No::Refused(TOO_MANY.to_owned())),
            _ => Err(No::Busy(TOO_MANY.to_owned())),
        }
    }

    /// Answers of the engine's that were read as a whole.
    pub(super) fn read(&self, bytes: usize) -> Result<(), No> {
        match bytes / PIECE {
            0 => Ok(()),
            pieces => self.request(u64::try_from(pieces).unwrap_or(u64::MAX)),
        }
    }

    /// Room for a container more.
    pub(super) fn container(&self) -> Result<(), No> {
        if self.containers.fetch_add(1, Ordering::Relaxed) < CONTAINERS {
            Ok(())
        } else {
            Err(No::Refused(TOO_FULL.to_owned()))
        }
    }
}

/// Counts what containers tell; the sentence when it is too much.
pub(super) fn told(record: &Record, call: &str, bytes: usize) -> Result<(), &'static str> {
    spend(&record.budget().output, OUTPUT, bytes.max(LINE), record, call, TOO_TALKATIVE)
}

fn spend(
    used: &AtomicU64,
    most: u64,
    bytes: usize,
    record: &Record,
    call: &str,
    sentence: &'static str,
) -> Result<(), &'static str> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let before = used.fetch_add(bytes, Ordering::Relaxed);
    if before.saturating_add(bytes) <= most {
        return Ok(());
    }
    if before <= most {
        record.refuse(sentence, call.to_owned());
    }
    Err(sentence)
}

/// A student's connection, with every byte counted. It breaks when there were too many.
pub(super) struct Counted<S> {
    pub(super) stream: S,
    pub(super) record: Arc<Record>,
}

impl<S> Counted<S> {
    fn count(&self, bytes: usize) -> io::Result<()> {
        spend(
            &self.record.budget().carried,
            CARRIED,
            bytes,
            &self.record,
            "a connection",
            TOO_LARGE,
        )
        .map_err(io::Error::other)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(self.count(buffer.filled().len().saturating_sub(before)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.count(written)?;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn the_first_request_too_many_is_a_refusal_and_the_others_only_cost() {
        let budget = Budget::default();
        assert_eq!(budget.request(REQUESTS), Ok(()));
        assert!(matches!(budget.request(1), Err(No::Refused(_))));
        assert!(matches!(budget.request(1), Err(No::Busy(_))));
        let budget = Budget::default();
        assert_eq!(budget.read(PIECE - 1), Ok(()));
        assert_eq!(budget.requests.load(Ordering::Relaxed), 0);
        assert_eq!(budget.read(3 * PIECE), Ok(()));
        assert_eq!(budget.requests.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn output_is_bounded_over_all_and_said_once() {
        let record = Record::default();
        let most = usize::try_from(OUTPUT).unwrap();
        assert_eq!(told(&record, "logs", most), Ok(()));
        assert_eq!(told(&record, "logs", 1), Err(TOO_TALKATIVE));
        assert_eq!(told(&record, "attach", 1), Err(TOO_TALKATIVE));
        let refusals = record.events().refusals;
        assert_eq!((refusals.len(), refusals[0].call.as_str()), (1, "logs"));
    }

    #[test]
    fn containers_are_bounded() {
        let budget = Budget::default();
        assert!((0..CONTAINERS).all(|_| budget.container().is_ok()));
        assert!(matches!(budget.container(), Err(No::Refused(_))));
    }

    #[tokio::test]
    async fn a_connection_breaks_when_too_much_came() {
        let record = Arc::new(Record::default());
        let (mut student, wall) = tokio::io::duplex(64);
        let mut wall = Counted { stream: wall, record: Arc::clone(&record) };
        student.write_all(b"some").await.unwrap();
        let mut heard = [0; 4];
        wall.read_exact(&mut heard).await.unwrap();
        assert_eq!(record.budget().carried.load(Ordering::Relaxed), 4);
        record.budget().carried.store(CARRIED, Ordering::Relaxed);
        assert!(wall.write_all(b"more").await.is_err());
        assert_eq!(record.events().refusals.len(), 1);
    }
}
