//! What a grade counts for: the earned points, less what a late submission costs, or what an
//! instructor has decided instead. Pure, like all of judging.

use std::fmt;
use std::time::Duration;

use super::Score;

/// Hundredths of a point, so that nothing is lost in adding up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Points(pub u64);

impl Points {
    /// Whole points.
    pub fn whole(points: u32) -> Points {
        Points(u64::from(points) * 100)
    }

    /// As programs read it.
    #[expect(clippy::cast_precision_loss, reason = "a score is far below 2^53 hundredths")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 100.0
    }
}

/// Whole, or with two places.
impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, rest) => write!(f, "{whole}.{rest:02}"),
        }
    }
}

/// What being late costs. Percents are of the points that were earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatePolicy {
    /// Up to so much nothing is lost.
    pub grace: Duration,
    /// Percent lost for each day that has begun after the due time.
    pub per_day: u32,
    /// The most percent that is lost.
    pub cap: u32,
}

/// What an instructor has decided for one submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The points that count, whatever was earned; `None` leaves them as they are.
    pub counts: Option<Points>,
    /// Nothing is lost for being late.
    pub excused: bool,
    /// Why; shown in the gradebook.
    pub reason: String,
}

/// What being late came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// How long after the due time it was handed in.
    pub by: Duration,
    /// What that costs.
    pub lost: Points,
}

/// What a grade counts for, beside what was earned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Handed in after the due time.
    pub late: Option<Late>,
    /// The instructor's decision.
    pub decision: Option<Decision>,
    /// The points that count; `None` while the grade is provisional and nobody has decided.
    pub counts: Option<Points>,
}

impl Standing {
    /// What a score counts for. `late_by` is how long after the due time it was handed in;
    /// `provisional` says that something stayed unjudged, so that no score may be published.
    pub fn of(
        score: Score,
        provisional: bool,
        late_by: Option<Duration>,
        policy: Option<LatePolicy>,
        decision: Option<Decision>,
    ) -> Standing {
        let earned = Points::whole(score.earned);
        let excused = decision.as_ref().is_some_and(|decision| decision.excused);
        let late = late_by.filter(|by| !by.is_zero()).map(|by| {
            let percent = policy.filter(|_| !excused).map_or(0, |policy| policy.percent(by));
            // A part of a hundredth is the student's.
            Late { by, lost: Points(earned.0 * u64::from(percent) / 100) }
        });
        let left = Points(earned.0 - late.map_or(0, |late| late.lost.0));
        let decided = decision.as_ref().and_then(|decision| decision.counts);
        let counts = decided.or((!provisional).then_some(left));
        Standing { late, decision, counts }
    }
}

impl LatePolicy {
    /// The percent lost by a submission that is late by so much.
    fn percent(self, by: Duration) -> u32 {
        const DAY: u64 = 24 * 60 * 60;
        if by <= self.grace {
            return 0;
        }
        let days = by.as_secs().div_ceil(DAY);
        let percent = days.saturating_mul(u64::from(self.per_day));
        u32::try_from(percent).unwrap_or(u32::MAX).min(self.cap).min(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const POLICY: LatePolicy = LatePolicy { grace: HOUR, per_day: 10, cap: 50 };
    const SEVEN: Score = Score { earned: 7, possible: 10 };

    fn counts(late_by: Option<Duration>, decision: Option<Decision>) -> Option<Points> {
        Standing::of(SEVEN, false, late_by, Some(POLICY), decision).counts
    }

    #[test]
    fn each_day_that_has_begun_costs_up_to_the_cap() {
        assert_eq!(counts(None, None), Some(Points(700)));
        assert_eq!(counts(Some(HOUR), None), Some(Points(700)));
        assert_eq!(counts(Some(HOUR + Duration::from_secs(1)), None), Some(Points(630)));
        assert_eq!(counts(Some(25 * HOUR), None), Some(Points(560)));
        assert_eq!(counts(Some(24 * 300 * HOUR), None), Some(Points(350)));
    }

    #[test]
    fn lateness_is_told_although_nothing_is_lost() {
        let standing = Standing::of(SEVEN, false, Some(HOUR), None, None);
        assert_eq!(standing.late, Some(Late { by: HOUR, lost: Points(0) }));
    }

    #[test]
    fn a_decision_comes_before_all_else() {
        let excused = Decision { counts: None, excused: true, reason: "ill".into() };
        assert_eq!(counts(Some(48 * HOUR), Some(excused)), Some(Points(700)));
        let decided =
            Decision { counts: Some(Points(925)), excused: false, reason: "oral exam".into() };
        assert_eq!(counts(Some(48 * HOUR), Some(decided)), Some(Points(925)));
    }

    #[test]
    fn nothing_counts_while_something_is_unjudged_and_nobody_has_decided() {
        let none = Standing::of(SEVEN, true, None, Some(POLICY), None);
        assert_eq!(none.counts, None);
        let decided = Decision { counts: Some(Points(500)), excused: false, reason: "x".into() };
        let standing = Standing::of(SEVEN, true, None, Some(POLICY), Some(decided));
        assert_eq!(standing.counts, Some(Points(500)));
    }

    #[test]
    fn points_print_as_they_are_written() {
        assert_eq!(Points(700).to_string(), "7");
        assert_eq!(Points(705).to_string(), "7.05");
    }
}
