//! Many submissions, so many of them at a time.

use std::path::PathBuf;

use futures_util::{StreamExt, TryStreamExt};

use crate::Outcome;

/// Does `work` for each submission, at most `at_once` of them at the same time, on all threads.
pub(crate) async fn each<W, F>(submissions: Vec<PathBuf>, at_once: usize, work: W) -> Outcome<()>
where
    W: Fn(PathBuf) -> F,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let tasks = futures_util::stream::iter(submissions)
        .map(|submission| tokio::spawn(work(submission)))
        .buffer_unordered(at_once);
    tasks.map(|task| task?).try_collect().await
}
