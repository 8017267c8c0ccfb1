//! Progress on standard error: a line for each question under way on a terminal, plain lines
//! elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::engine::BuildEvent;
use crate::judge::line;
use crate::probe::Progress;

/// Shows what goes on.
#[derive(Clone)]
pub(super) struct Display {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    bars: Option<MultiProgress>,
    running: Vec<(String, ProgressBar)>,
}

impl Display {
    pub(super) fn new() -> Display {
        let bars = super::grade::has_terminal().then(MultiProgress::new);
        Display { inner: Arc::new(Mutex::new(Inner { bars, running: Vec::new() })) }
    }

    /// Shows one piece of news.
    pub(super) fn show(&self, progress: &Progress) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Began { title } => inner.began(title),
            Progress::Ended { title } => inner.ended(title),
            Progress::Build(BuildEvent::Started { step }) => inner.step(step),
            Progress::Build(_) => {}
        }
    }

    /// Takes everything off the screen.
    pub(super) fn finish(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, bar) in inner.running.drain(..) {
            bar.finish_and_clear();
        }
    }
}

impl Inner {
    fn began(&mut self, title: &str) {
        let Some(bars) = &self.bars else {
            anstream::eprintln!("… {title}");
            return;
        };
        let bar = bars.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed:>4} {wide_msg:.dim}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.push((title.to_owned(), bar));
    }

    fn ended(&mut self, title: &str) {
        if let Some(index) = self.running.iter().position(|(one, _)| one == title) {
            self.running.remove(index).1.finish_and_clear();
        }
    }

    /// A build's step is shown beside the question that began first: it is the one that waits.
    fn step(&mut self, step: &str) {
        if let Some((_, bar)) = self.running.first() {
            bar.set_message(line(step, 120));
        }
    }
}
