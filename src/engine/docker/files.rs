//! Files into and out of containers, running or never started.

use std::io;
use std::path::Path;
use std::pin::Pin;

use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio_util::io::StreamReader;

use super::cause::{bounded, call, call_or_refusal, into_io, refusal};
use super::{CALL_LIMIT, Engine};
use crate::engine::container::{PathArchive, PathStat, Put};
use crate::engine::error::{Cause, EngineError, is_disk_full};

/// What is at a path, as a tar that comes in pieces; see [`Engine::open_path`].
pub type PathReader = StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>, Bytes>;

impl Engine {
    /// Writes a file, owned by root, at an absolute path whose folder is there.
    ///
    /// # Errors
    /// [`EngineError::Copy`] when the engine failed.
    pub async fn put_file(
        &self,
        container: &str,
        path: &str,
        bytes: &[u8],
        mode: u32,
    ) -> Result<Put, EngineError> {
        let failed = |cause| EngineError::Copy {
            container: container.to_owned(),
            path: path.to_owned(),
            cause,
        };
        let (folder, tar) = packed(path, bytes, mode).map_err(failed)?;
        let options = UploadToContainerOptionsBuilder::default()
            .path(&folder)
            .no_overwrite_dir_non_dir("true")
            .build();
        let uploading =
            self.docker.upload_to_container(container, Some(options), bollard::body_full(tar));
        match call_or_refusal(uploading).await.map_err(failed)? {
            Ok(()) => Ok(Put::Written),
            Err((_, message)) if !self.is_inside() && is_disk_full(&message) => {
                Err(failed(Cause::DiskFull { detail: message }))
            }
            Err((status, message))
                if (400..500).contains(&status) && status != 404
                    || self.can_read(container).await =>
            {
                Ok(Put::Refused { message })
            }
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// Unpacks a tar into a container's folder, owners included.
    ///
    /// # Errors
    /// [`EngineError::Copy`] when the engine failed or has no place for it.
    pub async fn put_tar(
        &self,
        container: &str,
        folder: &str,
        tar: Vec<u8>,
    ) -> Result<(), EngineError> {
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        let body = bollard::body_full(tar.into());
        call(self.docker.upload_to_container(container, Some(options), body)).await.map_err(
            |cause| EngineError::Copy {
                container: container.to_owned(),
                path: folder.to_owned(),
                cause,
            },
        )
    }

    /// What is at an absolute path, without following a link at its end; none when nothing is.
    ///
    /// # Errors
    /// [`EngineError::Copy`] when the engine failed. A container that is not there looks like a
    /// path that is not.
    pub async fn stat_path(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<PathStat>, EngineError> {
        let failed = |cause| EngineError::Copy {
            container: container.to_owned(),
            path: path.to_owned(),
            cause,
        };
        let options = ContainerArchiveInfoOptionsBuilder::default().path(path).build();
        let asking = self.docker.get_container_archive_info(container, Some(options));
        match call_or_refusal(asking).await.map_err(failed)? {
            Ok(stat) => Ok(Some(PathStat {
                name: stat.name,
                size: u64::try_from(stat.size).unwrap_or_default(),
                mode: stat.file_mode,
                link_target: stat.link_target,
                modified: stat.modification_time.unwrap_or_default(),
            })),
            Err((404, _)) => Ok(None),
            Err(_) if self.can_read(container).await => Ok(None),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// What is at an absolute path, as a tar of at most `limit` bytes; none when nothing is. A link
    /// at the path's end is given as a link.
    ///
    /// # Errors
    /// [`EngineError::Copy`] when the engine failed or there is no such container.
    pub async fn read_path(
        &self,
        container: &str,
        path: &str,
        limit: usize,
    ) -> Result<Option<PathArchive>, EngineError> {
        let reading = async {
            let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
            let mut chunks =
                std::pin::pin!(self.docker.download_from_container(container, Some(options)));
            let mut archive = PathArchive { tar: Vec::new(), truncated: false };
            loop {
                match chunks.try_next().await {
                    Ok(Some(chunk)) => {
                        let room = limit.saturating_sub(archive.tar.len());
                        archive.tar.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                        if chunk.len() > room {
                            archive.truncated = true;
                            return Ok(Some(archive));
                        }
                    }
                    Ok(None) => return Ok(Some(archive)),
                    Err(error) if refusal(&error).is_some() && self.can_read(container).await => {
                        return Ok(None);
                    }
                    Err(error) => return Err(Cause::from(error)),
                }
            }
        };
        bounded(CALL_LIMIT, reading).await.map_err(|cause| EngineError::Copy {
            container: container.to_owned(),
            path: path.to_owned(),
            cause,
        })
    }

    /// What is at an absolute path, as a tar of any size, read while it comes; none when nothing is.
    /// A link at the path's end is given as a link. Dropping the reader ends the transfer.
    ///
    /// # Errors
    /// [`EngineError::Copy`] when the engine failed or there is no such container; inside the
    /// reader's own error when it failed later, or was silent for minutes.
    pub async fn open_path(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<PathReader>, EngineError> {
        let (container, path) = (container.to_owned(), path.to_owned());
        let options = DownloadFromContainerOptionsBuilder::default().path(&path).build();
        let pieces = self.docker.download_from_container(&container, Some(options));
        let (of, at) = (container.clone(), path);
        let failed =
            move |cause| EngineError::Copy { container: of.clone(), path: at.clone(), cause };
        let silent = || Cause::Timeout { seconds: CALL_LIMIT.as_secs() };
        let mut pieces = Box::pin(tokio_stream::StreamExt::timeout(pieces, CALL_LIMIT));
        // The first piece tells whether there is anything.
        let first = match pieces.next().await {
            Some(Ok(Err(error)))
                if refusal(&error).is_some() && self.can_read(&container).await =>
            {
                return Ok(None);
            }
            Some(Ok(Err(error))) => return Err(failed(Cause::from(error))),
            Some(Err(_)) => return Err(failed(silent())),
            Some(Ok(Ok(piece))) => Some(Ok(piece)),
            None => None,
        };
        let rest = pieces.map(move |piece| {
            let cause = match piece {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(error)) => Cause::from(error),
                Err(_) => silent(),
            };
            Err(into_io(failed(cause)))
        });
        Ok(Some(StreamReader::new(Box::pin(stream::iter(first).chain(rest)))))
    }

    /// Whether the engine can look into a container at all. If it can, and cannot at some path, then
    /// there is nothing at that path, or what makes it none: a file where a folder would have to be,
    /// links in a circle, a link to a name that is too long. Engines have many words for these.
    async fn can_read(&self, container: &str) -> bool {
        let options = ContainerArchiveInfoOptionsBuilder::default().path("/").build();
        let asking = self.docker.get_container_archive_info(container, Some(options));
        matches!(call_or_refusal(asking).await, Ok(Ok(_)))
    }
}

/// A folder and a tar with one file for it.
fn packed(path: &str, bytes: &[u8], mode: u32) -> Result<(String, Bytes), Cause> {
    let split = Path::new(path).parent().zip(Path::new(path).file_name());
    let (folder, name) = split.ok_or_else(|| Cause::Other(format!("{path:?} names no file")))?;
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(bytes.len()).unwrap_or_default());
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, name, bytes)
        .and_then(|()| tar.into_inner())
        .map(|tar| (folder.display().to_string(), Bytes::from(tar)))
        .map_err(|error| Cause::Other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_packed_for_its_folder() {
        let (folder, tar) = packed("/tmp/broken", b"x", 0o644).expect("packed");
        assert_eq!(folder, "/tmp");
        let mut archive = tar::Archive::new(&tar[..]);
        let entry = archive.entries().expect("a tar").next().expect("a file").expect("whole");
        assert_eq!(entry.path().expect("a path").to_str(), Some("broken"));
        assert_eq!((entry.header().uid().ok(), entry.header().gid().ok()), (Some(0), Some(0)));
        assert!(packed("/", b"", 0o644).is_err());
    }
}
