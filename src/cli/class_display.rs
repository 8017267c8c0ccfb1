//! How a batch goes on, on standard error: a line for each submission under way on a terminal, a
//! line for each that is done elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::said;
use crate::batch::{End, News};

/// The most characters of a name.
const NAME: usize = 40;
/// The most characters of a reason.
const REASON: usize = 160;

/// Shows what goes on with a class.
#[derive(Clone)]
pub(super) struct Display {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    all: usize,
    done: usize,
    /// Of those that are done, the ones that took time.
    graded: usize,
    began: Instant,
    drawn: Option<Drawn>,
}

/// What is drawn on a terminal.
struct Drawn {
    bars: MultiProgress,
    whole: ProgressBar,
    running: Vec<(String, ProgressBar)>,
}

impl Display {
    pub(super) fn new(all: usize, jobs: usize) -> Display {
        let drawn = super::grade::has_terminal().then(|| Drawn::new(all));
        let inner = Inner { all, done: 0, graded: 0, began: Instant::now(), drawn };
        let noun = if all == 1 { "submission" } else { "submissions" };
        inner.say(&format!("{all} {noun}, {jobs} at a time"));
        Display { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Shows one piece of news.
    pub(super) fn show(&self, news: &News) {
        self.edit(|inner| inner.show(news));
    }

    /// Says a sentence.
    pub(super) fn say(&self, text: &str) {
        self.edit(|inner| inner.say(text));
    }

    /// Takes everything off the screen.
    pub(super) fn finish(&self) {
        self.edit(|inner| {
            if let Some(drawn) = inner.drawn.take() {
                drawn.running.iter().for_each(|(_, bar)| bar.finish_and_clear());
                drawn.whole.finish_and_clear();
            }
        });
    }

    fn edit(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Inner {
    fn show(&mut self, news: &News) {
        match news {
            News::Began { name } => {
                if let Some(drawn) = &mut self.drawn {
                    drawn.began(name);
                }
            }
            News::Asks { name, title } => {
                if let Some(drawn) = &self.drawn {
                    drawn.message(name, &said(title, REASON));
                }
            }
            News::Again { name, because, after } => {
                let because = said(because, REASON);
                let after = after.as_secs();
                self.say(&format!("{}: {because}; once more in {after} s", said(name, NAME)));
            }
            News::Waits { because, after } => {
                let because = said(because, REASON);
                self.say(&format!("waiting {} s for the engine: {because}", after.as_secs()));
            }
            News::Note { name, text } => {
                self.say(&format!("{}: note: {}", said(name, NAME), said(text, REASON)));
            }
            News::Ended { name, end } => self.ended(name, end),
        }
    }

    fn ended(&mut self, name: &str, end: &End) {
        self.done += 1;
        self.graded += usize::from(!matches!(end, End::Unchanged { .. }));
        let left = left(self.all - self.done.min(self.all), self.graded, self.began.elapsed());
        if let Some(drawn) = &mut self.drawn {
            drawn.ended(name);
            drawn.whole.set_position(self.done as u64);
            drawn.whole.set_message(left.clone());
        }
        // On a terminal only what went wrong stays; elsewhere each line is all there is.
        if self.drawn.is_none() || end.is_open() || matches!(end, End::Missing { .. }) {
            let place = format!("{}/{}", self.done, self.all);
            let left = if left.is_empty() { left } else { format!(" ({left})") };
            self.say(&format!("{place} {}: {}{left}", said(name, NAME), words(end)));
        }
    }

    fn say(&self, text: &str) {
        match &self.drawn {
            Some(drawn) => drop(drawn.bars.println(text)),
            None => anstream::eprintln!("{text}"),
        }
    }
}

impl Drawn {
    fn new(all: usize) -> Drawn {
        let bars = MultiProgress::new();
        let whole = bars.add(ProgressBar::new(all as u64));
        whole.set_style(style("{pos}/{len} {bar:30} {elapsed} {wide_msg:.dim}"));
        whole.enable_steady_tick(Duration::from_secs(1));
        Drawn { bars, whole, running: Vec::new() }
    }

    fn began(&mut self, name: &str) {
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix} {elapsed:>4} {wide_msg:.dim}"));
        bar.set_prefix(said(name, NAME));
        bar.enable_steady_tick(Duration::from_millis(250));
        self.running.push((name.to_owned(), bar));
    }

    fn message(&self, name: &str, text: &str) {
        if let Some((_, bar)) = self.running.iter().find(|(one, _)| one == name) {
            bar.set_message(text.to_owned());
        }
    }

    fn ended(&mut self, name: &str) {
        if let Some(index) = self.running.iter().position(|(one, _)| one == name) {
            self.running.remove(index).1.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn words(end: &End) -> String {
    let because = |text: &str| said(text, REASON);
    match end {
        End::Unchanged { score } => format!("{}/{}, as before", score.earned, score.possible),
        End::Graded { score } => format!("{}/{}", score.earned, score.possible),
        End::Unjudged { because: why } => format!("unjudged: {}", because(why)),
        End::Missing { because: why } => format!("nothing handed in: {}", because(why)),
        End::Unreached { because: why } => format!("not reached: {}", because(why)),
        End::Broken { because: why } => format!("not graded: {}", because(why)),
    }
}

/// How long it still takes, when the rest takes as long as what was graded so far.
fn left(remaining: usize, graded: usize, elapsed: Duration) -> String {
    if graded == 0 || remaining == 0 {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "a class is small")]
    let seconds = elapsed.as_secs_f64() * remaining as f64 / graded as f64;
    match seconds {
        ..60.0 => "less than a minute left".into(),
        60.0..5400.0 => format!("about {:.0} min left", seconds / 60.0),
        _ => format!("about {:.1} h left", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_from_what_was_graded() {
        let minute = Duration::from_secs(60);
        assert_eq!(left(50, 0, minute), "");
        assert_eq!(left(0, 10, minute), "");
        assert_eq!(left(10, 60, minute), "less than a minute left");
        assert_eq!(left(50, 10, minute), "about 5 min left");
        assert_eq!(left(1000, 5, minute), "about 3.3 h left");
    }

    #[test]
    fn a_name_that_is_no_name_does_nothing_to_the_screen() {
        assert_eq!(said("\u{1b}[2J\u{7}Robert\n::error::x", NAME), "Robert ::error::x");
        assert_eq!(said("::error::##[error]x", NAME), "\u{2060}::error::##\u{2060}[error]x");
    }
}
