//! A registry's mirror with the course's images, for the sandbox's engine alone: `docker build --pull` and
//! `docker pull` find them there, as they would find them in the world.
//!
//! It serves what was prepared, and nothing is kept for it: a manifest is made when it is asked for, and a
//! layer's tar is put together from its files, as the engine itself does it for `docker save`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::engine::TAG_PREFIX;
use crate::nonce::hex;

/// Where the engine finds it. No container does: each has a network of its own.
pub(super) const ADDRESS: &str = "127.0.0.1:1071";
/// What of a layer's tar is sent at once.
const PIECE: usize = 256 << 10;
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Serves the images that an engine with these data has.
pub(super) async fn open(data: PathBuf) -> io::Result<()> {
    let listener = TcpListener::bind(ADDRESS).await?;
    let store = Arc::new(Store { data });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let store = Arc::clone(&store);
            let service = service_fn(move |request| {
                let store = Arc::clone(&store);
                async move { Ok::<_, Infallible>(answer(request, store).await) }
            });
            // How a client goes makes no difference.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(())
}

async fn answer(request: Request<Incoming>, store: Arc<Store>) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    if !matches!(method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let found = tokio::task::spawn_blocking(move || store.find(&path)).await;
    match found {
        Ok(Ok(Some(found))) => found.into_response(method == Method::HEAD),
        Ok(Ok(None)) => plain(StatusCode::NOT_FOUND),
        Ok(Err(_)) | Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// What is asked for.
enum Found {
    /// The registry is there.
    Base,
    Whole {
        kind: &'static str,
        digest: String,
        bytes: Vec<u8>,
    },
    Layer(Layer),
}

impl Found {
    fn into_response(self, only_head: bool) -> Response<Body> {
        let (kind, digest, length) = match &self {
            Self::Base => return plain(StatusCode::OK),
            Self::Whole { kind, digest, bytes } => (*kind, digest.clone(), bytes.len() as u64),
            Self::Layer(layer) => ("application/octet-stream", layer.diff.clone(), layer.size),
        };
        let body = match self {
            _ if only_head => Empty::new().map_err(|never| match never {}).boxed_unsync(),
            Self::Whole { bytes, .. } => {
                Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
            }
            Self::Layer(layer) => layer.into_body(),
            Self::Base => return plain(StatusCode::OK),
        };
        let response = Response::builder()
            .header("content-type", kind)
            .header("content-length", length)
            .header("docker-content-digest", digest)
            .header("docker-distribution-api-version", "registry/2.0");
        response.body(body).unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// The data of the engine in which the images were prepared.
struct Store {
    data: PathBuf,
}

#[derive(Deserialize)]
struct Repositories {
    #[serde(rename = "Repositories")]
    all: BTreeMap<String, BTreeMap<String, String>>,
}

impl Store {
    fn find(&self, path: &str) -> io::Result<Option<Found>> {
        let Some(path) = path.strip_prefix("/v2/") else { return Ok(None) };
        if path.is_empty() {
            return Ok(Some(Found::Base));
        }
        if let Some((name, wanted)) = path.rsplit_once("/manifests/") {
            return self.manifest(name.strip_prefix("library/").unwrap_or(name), wanted);
        }
        match path.rsplit_once("/blobs/") {
            Some((_, digest)) => self.blob(digest),
            None => Ok(None),
        }
    }

    /// The ids of the images that have a name which others may know, by name and tag.
    fn images(&self) -> io::Result<BTreeMap<String, String>> {
        let file = File::open(self.data.join("image/overlay2/repositories.json"))?;
        let known: Repositories = serde_json::from_reader(BufReader::new(file))?;
        let all = known.all.into_values().flatten();
        Ok(all.filter(|(name, _)| !name.starts_with(TAG_PREFIX) && !name.contains('@')).collect())
    }

    fn manifest(&self, name: &str, wanted: &str) -> io::Result<Option<Found>> {
        for (known, id) in self.images()? {
            let Some((repository, tag)) = known.rsplit_once(':') else { continue };
            let by_digest = wanted.starts_with("sha256:");
            if repository != name || !(by_digest || tag == wanted) {
                continue;
            }
            let bytes = self.manifest_of(&id)?;
            let digest = digest_of(&bytes);
            if !by_digest || digest == wanted {
                return Ok(Some(Found::Whole { kind: MANIFEST, digest, bytes }));
            }
        }
        Ok(None)
    }

    fn manifest_of(&self, id: &str) -> io::Result<Vec<u8>> {
        let config = self.config(id)?;
        let layers = self.layers(&config)?.into_iter().map(|layer| {
            json!({
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar",
                "size": layer.size, "digest": layer.diff,
            })
        });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": config.len(), "digest": id,
            },
            "layers": layers.collect::<Vec<_>>(),
        });
        Ok(serde_json::to_vec(&manifest)?)
    }

    /// An image's configuration, byte for byte: its digest is the image's id.
    fn config(&self, id: &str) -> io::Result<Vec<u8>> {
        let name = id.strip_prefix("sha256:").unwrap_or(id);
        std::fs::read(self.data.join("image/overlay2/imagedb/content/sha256").join(name))
    }

    fn layers(&self, config: &[u8]) -> io::Result<Vec<Layer>> {
        let config: Json = serde_json::from_slice(config)?;
        let diffs = config["rootfs"]["diff_ids"].as_array().into_iter().flatten();
        let mut chain = String::new();
        diffs
            .filter_map(Json::as_str)
            .map(|diff| {
                chain = match chain.as_str() {
                    "" => diff.to_owned(),
                    below => digest_of(format!("{below} {diff}").as_bytes()),
                };
                Layer::of(&self.data, diff, chain.trim_start_matches("sha256:"))
            })
            .collect()
    }

    fn blob(&self, digest: &str) -> io::Result<Option<Found>> {
        for id in self.images()?.into_values() {
            let config = self.config(&id)?;
            if id == digest {
                let (kind, digest) = ("application/octet-stream", id);
                return Ok(Some(Found::Whole { kind, digest, bytes: config }));
            }
            if let Some(layer) = self.layers(&config)?.into_iter().find(|one| one.diff == digest) {
                return Ok(Some(Found::Layer(layer)));
            }
        }
        Ok(None)
    }
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// A layer: its files, and what lies between them in its tar.
struct Layer {
    diff: String,
    size: u64,
    /// How its tar was made: the engine's own notes.
    split: PathBuf,
    files: PathBuf,
}

/// A line of these notes: bytes of the tar, or a file whose content comes next.
#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: u8,
    name: Option<String>,
    size: Option<u64>,
    payload: Option<String>,
}

/// A [`Part`] of this kind is bytes of the tar.
const SEGMENT: u8 = 2;

impl Layer {
    fn of(data: &Path, diff: &str, chain: &str) -> io::Result<Self> {
        let known = data.join("image/overlay2/layerdb/sha256").join(chain);
        let folder = std::fs::read_to_string(known.join("cache-id"))?;
        let files = data.join("overlay2").join(folder.trim()).join("diff");
        let split = known.join("tar-split.json.gz");
        let mut layer = Self { diff: diff.to_owned(), size: 0, split, files };
        for part in layer.parts()? {
            layer.size += match part? {
                Part { kind: SEGMENT, payload, .. } => decoded(payload)?.len() as u64,
                file => file.size.unwrap_or(0),
            };
        }
        Ok(layer)
    }

    fn parts(&self) -> io::Result<impl Iterator<Item = io::Result<Part>> + use<>> {
        let notes = BufReader::new(GzDecoder::new(File::open(&self.split)?));
        Ok(notes.lines().map(|line| Ok(serde_json::from_str(&line?)?)))
    }

    /// Gives the tar, piece by piece, until nobody wants it.
    fn tell(&self, mut give: impl FnMut(Vec<u8>) -> bool) -> io::Result<()> {
        for part in self.parts()? {
            let part = part?;
            if part.kind == SEGMENT {
                if !give(decoded(part.payload)?) {
                    return Ok(());
                }
                continue;
            }
            let mut left = part.size.unwrap_or(0);
            if left == 0 {
                continue;
            }
            let mut file = File::open(self.files.join(part.name.unwrap_or_default()))?;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                let mut piece = vec![0; most];
                file.read_exact(&mut piece)?;
                left -= most as u64;
                if !give(piece) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn into_body(self) -> Body {
        let (sender, pieces) = mpsc::channel::<io::Result<Vec<u8>>>(4);
        tokio::task::spawn_blocking(move || {
            let told = self.tell(|piece| sender.blocking_send(Ok(piece)).is_ok());
            if let Err(error) = told {
                // Nobody may be left to hear it.
                let _ = sender.blocking_send(Err(error));
            }
        });
        let pieces = stream::unfold(pieces, |mut pieces| async move {
            let piece = pieces.recv().await?;
            Some((piece.map(|bytes| Frame::data(bytes.into())), pieces))
        });
        StreamBody::new(pieces).boxed_unsync()
    }
}

fn decoded(payload: Option<String>) -> io::Result<Vec<u8>> {
    STANDARD.decode(payload.unwrap_or_default()).map_err(io::Error::other)
}
