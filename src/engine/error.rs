//! What can fail on our side of an engine call: the operation with its noun, and the cause.

use std::io;

/// Why the engine cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// There is no socket at the path.
    NoSocket,
    /// Nobody listens, or the host's name is unknown.
    Refused,
    /// The socket is there, this user may not open it.
    Denied,
    /// The connection broke in the middle of an operation.
    Lost,
}

/// What lies behind a failed operation. Never the submission's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The engine does not answer, or stopped answering.
    #[error("the engine cannot be reached: {detail}")]
    Unreachable {
        /// How it shows.
        reach: Reach,
        /// The operating system's words.
        detail: String,
    },
    /// The engine's disk is full.
    #[error("the engine's disk is full: {detail}")]
    DiskFull {
        /// The engine's words.
        detail: String,
    },
    /// A base image could not be fetched, because of the network or its registry.
    #[error("the base image {reference} could not be fetched: {detail}")]
    BaseImage {
        /// The image's name, as the engine writes it (`docker.io/library/python:3`).
        reference: String,
        /// The engine's words.
        detail: String,
    },
    /// No answer came within the time that such an answer may take.
    #[error("no answer within {seconds} s")]
    Timeout {
        /// The bound that was hit, in whole seconds.
        seconds: u64,
    },
    /// The engine, or a file it is found by, has a form that this program does not support.
    #[error("{detail}")]
    Unsupported {
        /// What is not supported.
        detail: String,
        /// What to do instead.
        advice: String,
    },
    /// The engine answered, and not as its documentation says, or with an error of its own.
    #[error("{0}")]
    Other(String),
}

/// A failed engine operation, with its noun and its cause. See [`EngineError::advice`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's message says what failed")]
pub enum EngineError {
    #[error("failed to choose an engine: {cause}")]
    Choose { cause: Cause },
    #[error("failed to connect to {endpoint}: {cause}")]
    Connect { endpoint: String, cause: Cause },
    #[error("failed to build the image {name}: {cause}")]
    Build { name: String, cause: Cause },
    #[error("failed to create the container {name}: {cause}")]
    Create { name: String, cause: Cause },
    #[error("failed to start the container {container}: {cause}")]
    Start { container: String, cause: Cause },
    #[error("failed to restart the container {container}: {cause}")]
    Restart { container: String, cause: Cause },
    #[error("failed to stop the container {container}: {cause}")]
    Stop { container: String, cause: Cause },
    #[error("failed to signal the container {container}: {cause}")]
    Signal { container: String, cause: Cause },
    #[error("failed to freeze the container {container}: {cause}")]
    Freeze { container: String, cause: Cause },
    #[error("failed to run the container {container}: {cause}")]
    Run { container: String, cause: Cause },
    #[error("failed to run a command in the container {container}: {cause}")]
    Exec { container: String, cause: Cause },
    #[error("failed to inspect {object}: {cause}")]
    Inspect { object: String, cause: Cause },
    #[error("failed to watch the events of the container {container}: {cause}")]
    Watch { container: String, cause: Cause },
    #[error("failed to copy {path} from or to the container {container}: {cause}")]
    Copy { container: String, path: String, cause: Cause },
    #[error("failed to export the image {image}: {cause}")]
    Export { image: String, cause: Cause },
    #[error("failed to list what earlier runs left: {cause}")]
    List { cause: Cause },
    #[error("failed to get a sandbox: {cause}")]
    Sandbox { cause: Cause },
    #[error("failed to remove {object}: {cause}")]
    Remove { object: String, cause: Cause },
}

impl EngineError {
    /// What lies behind the failure.
    pub fn cause(&self) -> &Cause {
        match self {
            Self::Choose { cause }
            | Self::Connect { cause, .. }
            | Self::Build { cause, .. }
            | Self::Create { cause, .. }
            | Self::Start { cause, .. }
            | Self::Restart { cause, .. }
            | Self::Stop { cause, .. }
            | Self::Signal { cause, .. }
            | Self::Freeze { cause, .. }
            | Self::Run { cause, .. }
            | Self::Exec { cause, .. }
            | Self::Inspect { cause, .. }
            | Self::Watch { cause, .. }
            | Self::Copy { cause, .. }
            | Self::Export { cause, .. }
            | Self::List { cause }
            | Self::Sandbox { cause }
            | Self::Remove { cause, .. } => cause,
        }
    }

    /// What the person at the keyboard can do about it, as one sentence without a full stop.
    pub fn advice(&self) -> Option<String> {
        self.cause().advice()
    }

    /// The error of an engine that lies behind one of a stream, such as an image's export.
    pub fn behind(error: &io::Error) -> Option<&EngineError> {
        let mut behind = error.get_ref().map(|error| error as &(dyn std::error::Error + 'static));
        while let Some(error) = behind {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            // An I/O error hides its own.
            behind = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }
}

impl Cause {
    /// What can be done about it, as one sentence without a full stop.
    pub fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Unreachable { reach, .. } => match reach {
                Reach::NoSocket => {
                    "start the engine with `sudo systemctl start docker`, or name another one in DOCKER_HOST"
                }
                Reach::Refused => {
                    "see that the engine runs (`sudo systemctl start docker`) and that DOCKER_HOST names it"
                }
                Reach::Denied => {
                    "add your user to the docker group with `sudo usermod -aG docker $USER` and log in again"
                }
                Reach::Lost => "see whether the engine still runs (`docker info`), then try again",
            },
            Self::DiskFull { .. } => {
                "free space on the engine's disk (`docker system df` shows what takes it), then try again"
            }
            Self::BaseImage { reference, .. } => {
                return Some(format!(
                    "see that `docker pull {reference}` works on this machine, then try again"
                ));
            }
            Self::Timeout { .. } => {
                "see whether the engine answers (`docker info`) and is not overloaded, then try again"
            }
            Self::Unsupported { advice, .. } => advice,
            Self::Other(_) => return None,
        };
        Some(advice.to_owned())
    }

    /// Sorts an I/O error of a connection.
    pub(super) fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let reach = match error.kind() {
            Kind::NotFound => Reach::NoSocket,
            Kind::PermissionDenied => Reach::Denied,
            Kind::ConnectionRefused
            | Kind::TimedOut
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::AddrNotAvailable => Reach::Refused,
            _ => Reach::Lost,
        };
        Self::Unreachable { reach, detail: error.to_string() }
    }

    /// Sorts the engine's own words about an error.
    pub(super) fn of_message(message: impl Into<String>) -> Self {
        let detail = message.into();
        if is_disk_full(&detail) { Self::DiskFull { detail } } else { Self::Other(detail) }
    }

    /// The connection ended before its answer.
    pub(crate) fn lost(detail: impl Into<String>) -> Self {
        Self::Unreachable { reach: Reach::Lost, detail: detail.into() }
    }
}

/// Whether the engine's message says that its disk is full.
pub(super) fn is_disk_full(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["no space left on device", "disk quota exceeded"].iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_socket_advises_to_start_the_engine() {
        let cause = Cause::of_io(&io::Error::from(io::ErrorKind::NotFound));
        let error = EngineError::Connect { endpoint: "unix:///nowhere".to_owned(), cause };
        assert!(error.to_string().starts_with("failed to connect to unix:///nowhere"));
        assert!(error.advice().is_some_and(|advice| advice.contains("systemctl start docker")));
    }

    #[test]
    fn a_forbidden_socket_advises_the_docker_group() {
        let cause = Cause::of_io(&io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(cause.advice().is_some_and(|advice| advice.contains("usermod -aG docker")));
    }

    #[test]
    fn a_broken_pipe_is_a_lost_connection() {
        let cause = Cause::of_io(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(cause, Cause::Unreachable { reach: Reach::Lost, .. }));
    }

    #[test]
    fn the_engine_s_error_is_found_behind_a_stream_s() {
        let cause = Cause::DiskFull { detail: String::new() };
        let engine = EngineError::Export { image: "x".to_owned(), cause };
        let plain = io::Error::other(engine.clone());
        assert_eq!(EngineError::behind(&plain), Some(&engine));
        let nested = io::Error::other(io::Error::other(engine.clone()));
        assert_eq!(EngineError::behind(&nested), Some(&engine));
        assert_eq!(EngineError::behind(&io::Error::other("x")), None);
    }

    #[test]
    fn a_full_disk_is_told_from_other_errors() {
        let full = Cause::of_message("write /x: No space left on device");
        assert!(matches!(full, Cause::DiskFull { .. }));
        assert!(matches!(Cause::of_message("no such thing"), Cause::Other(_)));
    }
}
