//! bollard's errors as causes, and bounds on calls.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bollard::errors::Error;

use super::CALL_LIMIT;
use crate::engine::error::Cause;

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { message, .. } => Self::of_message(message),
            Error::DockerStreamError { error } => Self::of_message(error),
            Error::RequestTimeoutError => Self::Timeout { seconds: CALL_LIMIT.as_secs() },
            Error::IOError { err } => Self::of_io(&err),
            Error::HyperResponseError { err } => Self::lost(chain(&err)),
            other => Self::Other(chain(&other)),
        }
    }
}

/// An error with all that lies behind it; hyper's own words are only "connection error".
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// The status and the words of an engine that said no.
pub(super) fn refusal(error: &Error) -> Option<(u16, &str)> {
    match error {
        Error::DockerResponseServerError { status_code, message } => Some((*status_code, message)),
        _ => None,
    }
}

/// Waits no longer than `limit`.
pub(super) async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer,
        Err(_) => Err(Cause::Timeout { seconds: limit.as_secs() }),
    }
}

/// One bollard call, bounded.
pub(super) async fn call<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Cause> {
    bounded(CALL_LIMIT, async { future.await.map_err(Cause::from) }).await
}

/// One bollard call, bounded; that the engine says no is data.
pub(super) async fn call_or_refusal<T>(
    future: impl Future<Output = Result<T, Error>>,
) -> Result<Result<T, (u16, String)>, Cause> {
    bounded(CALL_LIMIT, async {
        match future.await {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) => match refusal(&error) {
                Some((status, message)) => Ok(Err((status, message.to_owned()))),
                None => Err(Cause::from(error)),
            },
        }
    })
    .await
}

/// An error as readers of a stream expect it; the engine's error is inside.
pub(super) fn into_io(error: impl Into<Box<dyn StdError + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}
