//! The context as the builder takes it: of what it asks for, entry by entry and piece by piece, straight from the disk.
//!
//! The protocol is fsutil's (<https://github.com/tonistiigi/fsutil>, `send.go`): we tell of every entry, the builder asks for the content of
//! files by their places in that order, and both say that they are done.

use std::collections::HashMap;
use std::io::Read;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSync;
use futures_util::Stream;
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::context::{Context, ContextError, Entry, EntryKind, Filter};
use crate::engine::build::Sent;

/// Bytes of a file in one message; the protocol's limit is 4 MiB.
const CHUNK: usize = 64 * 1024;
/// Messages that wait for the builder to take them.
const WAITING: usize = 8;
/// Paths that are kept of what was sent.
const PATHS: usize = 1_000;
/// The folders that a Dockerfile's builder asks for: both are ours.
const FOLDERS: [&str; 2] = ["context", "dockerfile"];

/// Go's bits for what an entry is, beside its permissions (`io/fs.FileMode`).
const GO_FOLDER: u32 = 1 << 31;
const GO_LINK: u32 = 1 << 27;
/// Those of Unix, and Go's for the same: set-user-id, set-group-id, sticky.
const SPECIAL: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];

/// A context that is being sent.
#[derive(Clone)]
pub(super) struct Sending(Arc<Shared>);

struct Shared {
    context: Context,
    entries: AtomicU64,
    sent: Mutex<Sent>,
    refused: Mutex<Option<ContextError>>,
}

impl Sending {
    pub(super) fn new(context: Context) -> Self {
        Self(Arc::new(Shared {
            context,
            entries: AtomicU64::new(0),
            sent: Mutex::default(),
            refused: Mutex::new(None),
        }))
    }

    /// What was sent up to now.
    pub(super) fn sent(&self) -> Sent {
        self.0.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why it was not sent whole.
    pub(super) fn refused(&self) -> Option<ContextError> {
        self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, error: ContextError) {
        self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn count(&self, entry: &Entry) -> Result<(), ContextError> {
        let entries = self.0.entries.fetch_add(1, Ordering::Relaxed) + 1;
        let mut sent = self.0.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let EntryKind::File(size) = entry.kind {
            sent.bytes = sent.bytes.saturating_add(size);
            sent.files += 1;
            if sent.paths.len() < PATHS {
                sent.paths.push(entry.path.clone());
            }
        }
        self.0.context.limits.allow(sent.bytes, entries)
    }
}

#[tonic::async_trait]
impl FileSync for Sending {
    type DiffCopyStream = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;
    type TarStreamStream = Self::DiffCopyStream;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let folder = values(request.metadata(), "dir-name");
        if folder.iter().any(|name| !FOLDERS.contains(&name.as_str())) {
            return Err(Status::not_found(format!("no such folder: {}", folder.join(" "))));
        }
        let filter = Filter {
            exclude: values(request.metadata(), "exclude-patterns"),
            include: values(request.metadata(), "include-patterns"),
            follow: values(request.metadata(), "followpaths"),
        };
        let (packets, receiver) = mpsc::channel(WAITING);
        let transfer = Transfer {
            sending: self.clone(),
            packets,
            files: Arc::default(),
            // Only what a build copies is its context; for the Dockerfile itself there is another request.
            counts: folder.iter().all(|name| name == "context"),
        };
        let telling = transfer.clone();
        tokio::task::spawn_blocking(move || telling.tell(&filter));
        tokio::spawn(transfer.answer(request.into_inner()));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("contexts are sent entry by entry"))
    }
}

/// The answer to one request.
#[derive(Clone)]
struct Transfer {
    sending: Sending,
    packets: mpsc::Sender<Result<Packet, Status>>,
    /// Files by their places, until the builder asks for them.
    files: Arc<Mutex<HashMap<u32, Entry>>>,
    counts: bool,
}

impl Transfer {
    /// Tells of all entries.
    fn tell(&self, filter: &Filter) {
        let mut place = 0;
        let walked = self.sending.0.context.walk(filter, &mut |entry| {
            if self.counts {
                self.sending.count(&entry)?;
            }
            let stat = stat(&entry);
            if matches!(entry.kind, EntryKind::File(_)) {
                self.files().insert(place, entry);
            }
            place += 1;
            // Whoever does not listen any more asks for nothing either.
            let _told = self.send(PacketType::PacketStat, |packet| packet.stat = Some(stat));
            Ok(())
        });
        let _told = match walked {
            Ok(()) => self.send(PacketType::PacketStat, |_| {}),
            Err(error) => self.fail(error),
        };
    }

    /// Sends what is asked for, until the builder is done.
    async fn answer(self, mut requests: Streaming<Packet>) {
        let (asked, mut places) = mpsc::unbounded_channel();
        let sender = self.clone();
        // Requests are taken while a file is on its way: the builder tells of many before it listens.
        let sending = tokio::spawn(async move {
            while let Some(place) = places.recv().await {
                let file = sender.clone();
                if tokio::task::spawn_blocking(move || file.send_file(place)).await.is_err() {
                    return;
                }
            }
        });
        while let Ok(Some(packet)) = requests.message().await {
            match packet.r#type() {
                PacketType::PacketReq => drop(asked.send(packet.id)),
                PacketType::PacketFin => {
                    let done = Packet { r#type: PacketType::PacketFin.into(), ..Packet::default() };
                    let _told = self.packets.send(Ok(done)).await;
                    break;
                }
                PacketType::PacketErr => break,
                PacketType::PacketStat | PacketType::PacketData => {}
            }
        }
        drop(asked);
        let _ended = sending.await;
    }

    fn send_file(&self, place: u32) -> Option<()> {
        let entry = self.files().remove(&place)?;
        let mut content = match self.sending.0.context.open(&entry) {
            Ok(content) => content,
            Err(error) => return self.fail(error),
        };
        let mut chunk = vec![0; CHUNK];
        loop {
            match content.read(&mut chunk) {
                Ok(count) => {
                    let data = chunk.get(..count).unwrap_or_default().to_vec();
                    self.send(PacketType::PacketData, |packet| {
                        packet.id = place;
                        packet.data = data;
                    })?;
                    if count == 0 {
                        return Some(());
                    }
                }
                Err(error) => {
                    let (path, reason) = (entry.path.into(), error.to_string());
                    return self.fail(ContextError::Read { path, reason });
                }
            }
        }
    }

    /// `None` when nobody listens any more.
    fn send(&self, kind: PacketType, fill: impl FnOnce(&mut Packet)) -> Option<()> {
        let mut packet = Packet { r#type: kind.into(), ..Packet::default() };
        fill(&mut packet);
        self.packets.blocking_send(Ok(packet)).ok()
    }

    fn fail(&self, error: ContextError) -> Option<()> {
        let words = error.to_string().into_bytes();
        self.sending.refuse(error);
        self.send(PacketType::PacketErr, |packet| packet.data = words)
    }

    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Entry>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values of a header; BuildKit escapes all of them where one has more than ASCII (`encodeStringForHeader`).
fn values(headers: &MetadataMap, name: &str) -> Vec<String> {
    let all = headers.get_all(name).iter();
    let texts = all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if headers.get(format!("{name}-encoded")).is_none() {
        return texts.collect();
    }
    let plain =
        |text: String| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    texts.map(plain).collect()
}

/// As Docker's client tells of it: whoever it belongs to here, it is root's there.
fn stat(entry: &Entry) -> Stat {
    let special = SPECIAL.iter().filter(|(unix, _)| entry.mode & unix != 0);
    let mode = special.fold(entry.mode & 0o777, |mode, (_, go)| mode | go);
    let stat = Stat { path: entry.path.clone(), mode, mod_time: entry.modified, ..Stat::default() };
    match &entry.kind {
        EntryKind::Folder => Stat { mode: mode | GO_FOLDER, ..stat },
        EntryKind::File(size) => Stat { size: i64::try_from(*size).unwrap_or(i64::MAX), ..stat },
        EntryKind::Link(target) => Stat {
            mode: GO_LINK | 0o777,
            size: i64::try_from(target.len()).unwrap_or_default(),
            linkname: target.clone(),
            ..stat
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_as_they_are_unless_they_are_escaped() {
        let mut headers = MetadataMap::new();
        for value in ["a+b", "100%25"] {
            headers.append("followpaths", value.parse().expect("a value"));
        }
        assert_eq!(values(&headers, "followpaths"), ["a+b", "100%25"]);
        headers.insert("followpaths-encoded", "1".parse().expect("a value"));
        headers.append("followpaths", "%C3%BC+%2B".parse().expect("a value"));
        assert_eq!(values(&headers, "followpaths"), ["a b", "100%", "ü +"]);
        assert_eq!(values(&headers, "dir-name"), Vec::<String>::new());
    }
}
