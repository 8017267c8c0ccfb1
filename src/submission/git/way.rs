//! The way to a repository: what libgit2 is told to connect to.
//!
//! libgit2 speaks git's protocol, and that only. Its own TLS and ssh would bring OpenSSL along, in a
//! program that is put into sandboxes of other systems; they send credentials after redirects, know
//! nothing of the user's `~/.ssh/config`, and wait without end, as their time-outs are set by unsafe
//! calls. So https and ssh end in a relay of this process, on a port of the loopback interface and
//! under a name that nobody can guess: credentials, certificates, redirects, amounts and the reasons
//! of failures are its business.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::RngExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use url::Url;

use super::{https, login, ssh};
use crate::submission::address::Address;
use crate::submission::fetch::{FetchError, FetchLimits, Missing, Unreached, disk};
use crate::unit::show_bytes;

/// A way that is open.
pub(super) struct Way {
    /// What libgit2 connects to.
    pub(super) url: String,
    /// The address, as it may be shown.
    pub(super) shown: String,
    /// Whether a server may be asked for a part of the history.
    pub(super) is_remote: bool,
    pub(super) state: Arc<State>,
    /// The relay runs in it.
    _runtime: Option<Runtime>,
}

/// What is known of a way.
pub(super) struct State {
    trouble: Mutex<Option<FetchError>>,
    received: AtomicU64,
    most: u64,
}

impl State {
    fn new(limits: &FetchLimits) -> Arc<State> {
        let (trouble, received) = (Mutex::new(None), AtomicU64::new(0));
        Arc::new(State { trouble, received, most: limits.received })
    }

    /// Notes why nothing will come, unless that is known; libgit2 only notices that nothing does.
    pub(super) fn fail(&self, error: FetchError) {
        self.lock().get_or_insert(error);
    }

    /// What went wrong.
    pub(super) fn take(&self) -> Option<FetchError> {
        self.lock().take()
    }

    /// Counts bytes that came; an error when they are too many.
    pub(super) fn count(&self, bytes: usize) -> std::io::Result<()> {
        let before = self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        if before.saturating_add(bytes as u64) > self.most {
            self.fail(too_much(self.most));
            return Err(std::io::Error::other("too much"));
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<FetchError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal of a repository that does not end.
pub(super) fn too_much(most: u64) -> FetchError {
    let text = format!("the repository is larger than {}", show_bytes(most));
    FetchError::missing(Missing::TooLarge, text)
}

impl Way {
    /// Opens the way to an address.
    pub(super) fn to(address: Address, limits: &FetchLimits) -> Result<Way, FetchError> {
        let shown = address.to_string();
        let state = State::new(limits);
        let way = |url: String, is_remote, runtime| Way {
            url,
            shown: shown.clone(),
            is_remote,
            state: state.clone(),
            _runtime: runtime,
        };
        let (runtime, url) = match address {
            Address::Folder(path) => return Ok(way(folder(&path)?, false, None)),
            Address::Git(url) => return Ok(way(url.into(), true, None)),
            Address::Http { url, login } => {
                let logins = login::Logins::new(&url, login);
                let relay = https::Relay::new(url, logins, limits, state.clone())?;
                let (runtime, at, name) = listen(|listener, name| relay.serve(listener, name))?;
                (runtime, format!("http://{at}/{name}"))
            }
            Address::Ssh(address) => {
                let state = state.clone();
                let (runtime, at, name) =
                    listen(|listener, name| ssh::serve(listener, name, address, state))?;
                (runtime, format!("git://{at}/{name}"))
            }
        };
        Ok(way(url, true, Some(runtime)))
    }
}

/// A folder as an address; libgit2 takes a bare path for a name of a remote at times.
fn folder(path: &Path) -> Result<String, FetchError> {
    let shown = path.display();
    let whole =
        std::path::absolute(path).map_err(|error| disk(&format!("find {shown}"), &error))?;
    let url = Url::from_file_path(whole);
    let no_address = || FetchError::unreached(Unreached::Address, format!("{shown} is no address"));
    url.map(String::from).map_err(|()| no_address())
}

/// Runs a relay on a free port, under a name that nobody can guess.
fn listen<F>(
    serve: impl FnOnce(TcpListener, String) -> F,
) -> Result<(Runtime, SocketAddr, String), FetchError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let failed = |error: std::io::Error| disk("open a port on the loopback interface", &error);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(failed)?;
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let name = crate::nonce::hex(&rand::rng().random::<[u8; 16]>());
    runtime.spawn(serve(listener, name.clone()));
    Ok((runtime, at, name))
}
