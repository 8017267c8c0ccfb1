//! Grading a class: every submission an island, so many at a time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::books::Books;
use super::news::{End, News};
use super::observer::Observer;
use super::patience::{Patience, Weather};
use super::store::{Absence, AbsenceKind, Store, StoreError};
use super::task::Task;
use crate::plan::Plan;
use crate::roster::Work;
use crate::submission::Fetcher;

/// A class to be graded.
pub struct Batch {
    /// By which rubric.
    pub plan: Arc<Plan>,
    /// Where what is observed is kept.
    pub store: Arc<Store>,
    /// What makes reports of it.
    pub books: Arc<Books>,
    /// What brings submissions here.
    pub fetcher: Fetcher,
    /// What observes them.
    pub observer: Arc<dyn Observer>,
    /// How many at a time.
    pub jobs: usize,
    /// Evidence that was taken before does not count.
    pub afresh_since: Option<Timestamp>,
    /// Whether evidence that was taken by another rubric counts, as it was regraded by this one.
    pub was_regraded: bool,
    /// How often what fails on our side is tried again.
    pub patience: Patience,
    /// Hears what goes on.
    pub listen: Arc<dyn Fn(News) + Send + Sync>,
    /// Ends it: what is under way is then not graded.
    pub stop: CancellationToken,
}

/// How a batch ended.
#[derive(Debug)]
pub enum Ended {
    /// Every submission had its turn.
    Through,
    /// It was told to stop.
    Stopped,
    /// The engine was away for too long, or the disk said no: the rest had no turn.
    GaveUp {
        /// Why.
        because: String,
        /// What to do about it.
        advice: Option<String>,
    },
}

/// What a batch's tasks share.
pub(super) struct Shared {
    pub(super) batch: Batch,
    pub(super) weather: Weather,
    /// Where repositories were had from: those whose neighbours were are simply not there.
    reached: Mutex<BTreeSet<String>>,
    /// What was not to be found, or not for us to see.
    hidden: Mutex<Vec<Hidden>>,
    gave_up: Mutex<Option<Ended>>,
    /// Ends all tasks, for whatever reason.
    pub(super) end: CancellationToken,
}

struct Hidden {
    folder: String,
    neighbourhood: String,
}

impl Batch {
    /// Grades all works that are not graded yet. `name` is how a work is called in the news.
    pub async fn run(self, works: Vec<(Work, String)>) -> Ended {
        let end = self.stop.child_token();
        let jobs = self.jobs.max(1);
        let shared = Arc::new(Shared {
            batch: self,
            weather: Weather::default(),
            reached: Mutex::default(),
            hidden: Mutex::default(),
            gave_up: Mutex::default(),
            end,
        });
        let tasks = futures_util::stream::iter(works).map(|(work, name)| {
            let shared = Arc::clone(&shared);
            async move {
                let (told, folder) = (name.clone(), work.folder.clone());
                let task = Task { shared: Arc::clone(&shared), work, name };
                // On a task of its own, so that a panic is one submission's.
                if let Err(error) = tokio::spawn(task.run()).await {
                    shared.broke(told, &folder, &error.to_string());
                }
            }
        });
        tasks.buffer_unordered(jobs).for_each(|()| async {}).await;
        shared.settle()
    }
}

impl Shared {
    pub(super) fn tell(&self, news: News) {
        (self.batch.listen)(news);
    }

    /// A bug of ours ended a task.
    fn broke(&self, name: String, folder: &str, error: &str) {
        let because = format!("a bug in grade: {error}");
        let absence = Absence { kind: AbsenceKind::Unreached, because: because.clone() };
        if let Err(error) = self.batch.store.keep_absence(folder, &absence) {
            self.cannot_keep(&error);
        }
        self.tell(News::Ended { name, end: End::Broken { because } });
    }

    /// Ends the batch early.
    pub(super) fn give_up(&self, because: String, advice: Option<String>) {
        lock(&self.gave_up).get_or_insert(Ended::GaveUp { because, advice });
        self.end.cancel();
    }

    /// Ends the batch early, as nothing can be kept any more.
    pub(super) fn cannot_keep(&self, error: &StoreError) {
        let advice = "see whether the disk is full; what was kept so far is whole".to_owned();
        self.give_up(error.to_string(), Some(advice));
    }

    pub(super) fn was_reached(&self, work: &Work) {
        if let Some(neighbourhood) = neighbourhood(work) {
            lock(&self.reached).insert(neighbourhood);
        }
    }

    pub(super) fn was_hidden(&self, work: &Work) {
        if let Some(neighbourhood) = neighbourhood(work) {
            lock(&self.hidden).push(Hidden { folder: work.folder.clone(), neighbourhood });
        }
    }

    /// A host that says "not found" says the same of what our credentials may not see. Where they
    /// saw another repository of the same owner, there is nothing to be seen.
    fn settle(&self) -> Ended {
        let reached = lock(&self.reached);
        let hidden = lock(&self.hidden);
        let missing = hidden.iter().filter(|one| reached.contains(&one.neighbourhood));
        for one in missing {
            let because = "there is no such repository".to_owned();
            let absence = Absence { kind: AbsenceKind::Missing, because };
            if let Err(error) = self.batch.store.keep_absence(&one.folder, &absence) {
                self.cannot_keep(&error);
            }
        }
        match lock(&self.gave_up).take() {
            _ if self.batch.stop.is_cancelled() => Ended::Stopped,
            Some(ended) => ended,
            None => Ended::Through,
        }
    }
}

/// The host and owner of a repository.
fn neighbourhood(work: &Work) -> Option<String> {
    match &work.source {
        crate::submission::Source::Git(git) => {
            let (owner, _) = git.url.trim_end_matches('/').rsplit_once('/')?;
            Some(owner.to_ascii_lowercase())
        }
        crate::submission::Source::Path(_) => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
