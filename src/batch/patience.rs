//! How often what fails on our side is tried again, and how long is waited.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much patience a batch has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The waits before a submission is tried again; when they are used up, it is left unjudged.
    pub waits: Vec<Duration>,
    /// How long an engine may be away that was there before.
    pub outage: Duration,
    /// How long one may be away that was never there.
    pub start: Duration,
    /// The longest wait for an engine until it is looked for again.
    pub look: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            waits: vec![Duration::from_secs(3), Duration::from_secs(20)],
            outage: Duration::from_secs(10 * 60),
            start: Duration::from_secs(60),
            look: Duration::from_secs(20),
        }
    }
}

/// Whether the engine is away, as all of a batch's workers know it together.
#[derive(Debug, Default)]
pub(super) struct Weather {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    was_fine: bool,
    away_since: Option<Instant>,
}

impl Weather {
    /// The engine gave a place.
    pub(super) fn is_fine(&self) {
        *self.lock() = State { was_fine: true, away_since: None };
    }

    /// The engine gave none; how long to wait before it is looked for again, or nothing when that
    /// has been going on for too long. `tries` counts those of the one who asks.
    pub(super) fn is_foul(
        &self,
        now: Instant,
        tries: u32,
        patience: &Patience,
    ) -> Option<Duration> {
        let mut state = self.lock();
        let since = *state.away_since.get_or_insert(now);
        let limit = if state.was_fine { patience.outage } else { patience.start };
        let wait = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(tries));
        (now.saturating_duration_since(since) < limit).then_some(wait.min(patience.look))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_was_there_is_waited_for_longer_than_one_that_never_was() {
        let (weather, patience) = (Weather::default(), Patience::default());
        let began = Instant::now();
        let foul = |after, tries| weather.is_foul(began + after, tries, &patience);
        assert_eq!(foul(Duration::ZERO, 0), Some(Duration::from_secs(1)));
        assert_eq!(foul(Duration::ZERO, 9), Some(patience.look));
        assert_eq!(foul(patience.start, 1), None);
        weather.is_fine();
        assert!(foul(patience.start, 0).is_some());
        assert!(foul(patience.start * 2, 1).is_some());
        assert_eq!(foul(patience.start + patience.outage, 2), None);
    }
}
