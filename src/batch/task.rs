//! One submission's turn: fetched, looked whether it was graded before, observed, and kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::news::{End, News};
use super::run::Shared;
use super::store::{Absence, AbsenceKind, StoreError};
use crate::engine::Cause;
use crate::evidence::Evidence;
use crate::judge::{Grade, Verdict, judge};
use crate::probe::Progress;
use crate::roster::Work;
use crate::submission::{FetchError, Fetched, Submission, Unreached};

/// A submission, and what all tasks share.
pub(super) struct Task {
    pub(super) shared: Arc<Shared>,
    pub(super) work: Work,
    /// How it is called in the news.
    pub(super) name: String,
}

/// Why a turn ended without an end to tell: the batch ends.
struct Ending;

impl Task {
    /// Has its turn, unless the batch ends.
    pub(super) async fn run(self) {
        if self.shared.end.is_cancelled() {
            return;
        }
        self.shared.tell(News::Began { name: self.name.clone() });
        if let Ok(end) = self.turn().await {
            self.shared.tell(News::Ended { name: self.name.clone(), end });
        }
    }

    async fn turn(&self) -> Result<End, Ending> {
        let fetched = match self.fetch().await? {
            Ok(fetched) => fetched,
            Err(error) => return self.absent(&error),
        };
        self.shared.was_reached(&self.work);
        for text in fetched.notes {
            self.shared.tell(News::Note { name: self.name.clone(), text });
        }
        let submission = fetched.submission;
        let before = self.before()?;
        let before = before.filter(|evidence| is_of(evidence, &submission));
        let judged = before.map(|evidence| {
            let grade = judge(&self.shared.batch.plan.rubric, &evidence);
            (evidence, grade)
        });
        if let Some((evidence, grade)) = &judged
            && self.is_current(evidence, grade)
        {
            self.keep(self.shared.batch.store.present(&self.work.folder))?;
            return Ok(End::Unchanged { score: grade.score() });
        }
        let (evidence, grade) = self.observe(&submission).await?;
        match judged {
            // What was found out before is not given up for less.
            Some((_, better)) if unjudged(&better) < unjudged(&grade) => {
                self.keep(self.shared.batch.store.present(&self.work.folder))?;
                self.report();
                Ok(end(&better))
            }
            _ => {
                self.keep(self.shared.batch.store.keep(&self.work.folder, &evidence))?;
                self.report();
                Ok(end(&grade))
            }
        }
    }

    /// Brings the submission here; what may be a passing failure is tried again.
    async fn fetch(&self) -> Result<Result<Fetched, FetchError>, Ending> {
        let mut waits = self.shared.batch.patience.waits.iter();
        loop {
            let fetching = self.shared.batch.fetcher.fetch(&self.work.source);
            let error = match self.unless_ended(fetching).await? {
                Ok(fetched) => return Ok(Ok(fetched)),
                Err(error) => error,
            };
            match waits.next().filter(|_| error.is_worth_retrying()) {
                Some(wait) => self.again(error.to_string(), *wait).await?,
                None => return Ok(Err(error)),
            }
        }
    }

    fn absent(&self, error: &FetchError) -> Result<End, Ending> {
        let because = error.to_string();
        let kind = match error {
            FetchError::Missing { .. } => AbsenceKind::Missing,
            FetchError::Unreached { why, .. } => {
                if *why == Unreached::Hidden {
                    self.shared.was_hidden(&self.work);
                }
                AbsenceKind::Unreached
            }
        };
        let absence = Absence { kind, because: because.clone() };
        self.keep(self.shared.batch.store.keep_absence(&self.work.folder, &absence))?;
        self.report();
        Ok(match kind {
            AbsenceKind::Missing => End::Missing { because },
            AbsenceKind::Unreached => End::Unreached { because },
        })
    }

    /// The evidence of an earlier run.
    fn before(&self) -> Result<Option<Evidence>, Ending> {
        let store = &self.shared.batch.store;
        match store.evidence(&self.work.folder) {
            Ok(before) => Ok(before),
            Err(error) => {
                let text = format!("{error}; it is set aside, and the submission graded again");
                self.shared.tell(News::Note { name: self.name.clone(), text });
                self.keep(store.set_aside(&self.work.folder))?;
                Ok(None)
            }
        }
    }

    /// Whether there is nothing to find out any more: the same rubric, asked in the same way, and
    /// every question answered.
    fn is_current(&self, evidence: &Evidence, grade: &Grade) -> bool {
        let batch = &self.shared.batch;
        let taken: Option<jiff::Timestamp> = evidence.started_at.parse().ok();
        (evidence.rubric.digest == batch.plan.rubric.digest || batch.was_regraded)
            && evidence.engine.as_ref().is_some_and(|one| one.mode == batch.observer.mode())
            && !grade.is_provisional()
            && batch.afresh_since.is_none_or(|since| taken.is_some_and(|taken| taken >= since))
    }

    /// Observes, and again where our side failed; the best of what was found out.
    async fn observe(&self, submission: &Submission) -> Result<(Evidence, Grade), Ending> {
        let waits = self.shared.batch.patience.waits.iter().copied().map(Some);
        let mut best: Option<(Evidence, Grade)> = None;
        for wait in waits.chain([None]) {
            let (evidence, took_all_its_time) = self.observe_once(submission).await?;
            let grade = judge(&self.shared.batch.plan.rubric, &evidence);
            let reason = first_reason(&grade);
            if best.as_ref().is_none_or(|(_, other)| unjudged(&grade) < unjudged(other)) {
                best = Some((evidence, grade));
            }
            // What took all its time will take it again.
            match (reason, wait) {
                (Some(reason), Some(wait)) if !took_all_its_time => {
                    self.again(reason, wait).await?;
                }
                _ => break,
            }
        }
        best.ok_or(Ending)
    }

    /// Observes once, as soon as there is an engine for it. Also tells whether it took all the time
    /// that there is.
    async fn observe_once(&self, submission: &Submission) -> Result<(Evidence, bool), Ending> {
        let shared = &self.shared;
        let mut tries = 0;
        loop {
            let (told, name) = (Arc::clone(&shared.batch.listen), self.name.clone());
            let listen = Box::new(move |progress| {
                if let Progress::Began { title } = progress {
                    told(News::Asks { name: name.clone(), title });
                }
            });
            let began = Instant::now();
            let stop = shared.end.clone();
            let observed = shared.batch.observer.observe(submission.clone(), listen, stop).await;
            match observed {
                Ok(outcome) => {
                    shared.weather.is_fine();
                    if let Some(text) = outcome.left_behind {
                        shared.tell(News::Note { name: self.name.clone(), text });
                    }
                    let took_all_its_time = began.elapsed() >= shared.batch.observer.limit();
                    return outcome.evidence.map(|one| (one, took_all_its_time)).ok_or(Ending);
                }
                Err(error) => {
                    let because = error.to_string();
                    let is_for_good = matches!(error.cause(), Cause::Unsupported { .. });
                    let wait =
                        shared.weather.is_foul(Instant::now(), tries, &shared.batch.patience);
                    let Some(after) = wait.filter(|_| !is_for_good) else {
                        shared.give_up(because, error.advice());
                        return Err(Ending);
                    };
                    shared.tell(News::Waits { because, after });
                    self.unless_ended(tokio::time::sleep(after)).await?;
                    tries += 1;
                }
            }
        }
    }

    /// Writes the student's reports. They can be made again from what is kept, so that a failure
    /// is no more than worth telling.
    fn report(&self) {
        if let Err(error) = self.shared.batch.books.write_student(&self.work.folder) {
            let text = error.to_string();
            self.shared.tell(News::Note { name: self.name.clone(), text });
        }
    }

    async fn again(&self, because: String, after: Duration) -> Result<(), Ending> {
        self.shared.tell(News::Again { name: self.name.clone(), because, after });
        self.unless_ended(tokio::time::sleep(after)).await
    }

    async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Result<T, Ending> {
        tokio::select! {
            () = self.shared.end.cancelled() => Err(Ending),
            done = work => Ok(done),
        }
    }

    /// Ends the batch when something cannot be kept: to go on would be work for nothing.
    fn keep<T>(&self, kept: Result<T, StoreError>) -> Result<T, Ending> {
        kept.map_err(|error| {
            self.shared.cannot_keep(&error);
            Ending
        })
    }
}

/// Whether evidence was taken of this very state of a submission.
fn is_of(evidence: &Evidence, submission: &Submission) -> bool {
    let (then, now) = (&evidence.submission, submission.provenance());
    then.digest == now.digest && then.commit == now.commit
}

fn unjudged(grade: &Grade) -> usize {
    grade.marks.iter().filter(|mark| mark.is_unjudged()).count()
}

/// Why something stayed unjudged, if anything did.
fn first_reason(grade: &Grade) -> Option<String> {
    grade.marks.iter().find_map(|mark| match &mark.verdict {
        Verdict::Unjudged(reason) => Some(reason.clone()),
        _ => None,
    })
}

fn end(grade: &Grade) -> End {
    match first_reason(grade) {
        Some(because) => End::Unjudged { because },
        None => End::Graded { score: grade.score() },
    }
}
