//! What a grade counts for: the earned points, less what a late submission costs, or what an
//! instructor has decided instead. Pure, like all of judging.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

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

/// The inverse of printing.
impl FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Points, String> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let hundredths = match (is_digits(rest), rest.len()) {
            (true, 1) => rest.parse::<u64>().ok().map(|tenths| tenths * 10),
            (true, 2) => rest.parse().ok(),
            _ => None,
        };
        let whole =
            Some(whole).filter(|whole| is_digits(whole)).and_then(|w| w.parse::<u64>().ok());
        whole
            .zip(hundredths)
            .and_then(|(whole, rest)| whole.checked_mul(100)?.checked_add(rest).map(Points))
            .ok_or_else(|| "points are whole or have one or two places, such as 9 or 9.5".into())
    }
}

/// When a submission was handed in, against when it was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// It may be handed in at any time.
    #[default]
    Free,
    /// It was handed in by then.
    InTime,
    /// It was handed in so long after.
    Late(Duration),
    /// Nobody knows when it was handed in: a folder without a commit. It is not held late.
    Unknown,
}

impl Timing {
    /// Compares the two. `handed_in` is the committer's time of what was graded: the student's own
    /// clock, which nobody can vouch for.
    pub fn of(due: Option<Timestamp>, handed_in: Option<Timestamp>) -> Timing {
        match (due, handed_in) {
            (None, _) => Timing::Free,
            (Some(_), None) => Timing::Unknown,
            (Some(due), Some(handed_in)) => {
                // In whole seconds, as commits have them.
                let by = handed_in.as_second().saturating_sub(due.as_second());
                match u64::try_from(by) {
                    Ok(by @ 1..) => Timing::Late(Duration::from_secs(by)),
                    _ => Timing::InTime,
                }
            }
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

/// What an instructor has decided for one student.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The points that count, whatever was earned; `None` leaves them as they are.
    pub counts: Option<Points>,
    /// Nothing is lost for being late.
    pub excused: bool,
    /// When their submission is due, instead of the class's time.
    pub due: Option<Timestamp>,
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
    /// It was due at some time, and nobody knows when it was handed in: not held late, which a
    /// report says.
    pub undated: bool,
    /// The instructor's decision.
    pub decision: Option<Decision>,
    /// The points that count; `None` while the grade is provisional and nobody has decided.
    pub counts: Option<Points>,
}

impl Standing {
    /// What a score counts for. `provisional` says that something stayed unjudged, so that no score
    /// may be published.
    pub fn of(
        score: Score,
        provisional: bool,
        timing: Timing,
        policy: Option<LatePolicy>,
        decision: Option<Decision>,
    ) -> Standing {
        let earned = Points::whole(score.earned);
        let excused = decision.as_ref().is_some_and(|decision| decision.excused);
        let late_by = match timing {
            Timing::Late(by) if !by.is_zero() => Some(by),
            _ => None,
        };
        let late = late_by.map(|by| {
            let percent = policy.filter(|_| !excused).map_or(0, |policy| policy.percent(by));
            // A part of a hundredth is the student's.
            Late { by, lost: Points(earned.0 * u64::from(percent) / 100) }
        });
        let left = Points(earned.0 - late.map_or(0, |late| late.lost.0));
        let decided = decision.as_ref().and_then(|decision| decision.counts);
        let counts = decided.or((!provisional).then_some(left));
        Standing { late, undated: timing == Timing::Unknown, decision, counts }
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

    fn counts(timing: Timing, decision: Option<Decision>) -> Option<Points> {
        Standing::of(SEVEN, false, timing, Some(POLICY), decision).counts
    }

    fn late(hours: u32) -> Timing {
        Timing::Late(HOUR * hours)
    }

    fn at(time: &str) -> Option<Timestamp> {
        Some(time.parse().unwrap())
    }

    #[test]
    fn each_day_that_has_begun_costs_up_to_the_cap() {
        assert_eq!(counts(Timing::Free, None), Some(Points(700)));
        assert_eq!(counts(Timing::InTime, None), Some(Points(700)));
        assert_eq!(counts(late(1), None), Some(Points(700)));
        let longer = Timing::Late(HOUR + Duration::from_secs(1));
        assert_eq!(counts(longer, None), Some(Points(630)));
        assert_eq!(counts(late(25), None), Some(Points(560)));
        assert_eq!(counts(late(24 * 300), None), Some(Points(350)));
    }

    #[test]
    fn lateness_is_told_although_nothing_is_lost() {
        let standing = Standing::of(SEVEN, false, late(1), None, None);
        assert_eq!(standing.late, Some(Late { by: HOUR, lost: Points(0) }));
    }

    #[test]
    fn a_decision_comes_before_all_else() {
        let excused = Decision { excused: true, ..Decision::default() };
        assert_eq!(counts(late(48), Some(excused)), Some(Points(700)));
        let decided = Decision { counts: Some(Points(925)), ..Decision::default() };
        assert_eq!(counts(late(48), Some(decided)), Some(Points(925)));
    }

    #[test]
    fn nothing_counts_while_something_is_unjudged_and_nobody_has_decided() {
        let none = Standing::of(SEVEN, true, Timing::Free, Some(POLICY), None);
        assert_eq!(none.counts, None);
        let decided = Decision { counts: Some(Points(500)), ..Decision::default() };
        let standing = Standing::of(SEVEN, true, Timing::Free, Some(POLICY), Some(decided));
        assert_eq!(standing.counts, Some(Points(500)));
    }

    #[test]
    fn a_submission_is_late_from_the_second_after_it_was_due() {
        let due = at("2026-10-01T23:59:00+02:00");
        assert_eq!(Timing::of(due, at("2026-10-01T21:59:00Z")), Timing::InTime);
        let second = Timing::Late(Duration::from_secs(1));
        assert_eq!(Timing::of(due, at("2026-10-01T21:59:01Z")), second);
        assert_eq!(Timing::of(due, at("2026-10-02T21:59:00Z")), late(24));
        assert_eq!(Timing::of(None, at("2026-10-02T21:59:00Z")), Timing::Free);
        assert_eq!(Timing::of(due, Some(Timestamp::MIN)), Timing::InTime);
        assert!(matches!(Timing::of(Some(Timestamp::MIN), Some(Timestamp::MAX)), Timing::Late(_)));
    }

    #[test]
    fn a_submission_of_unknown_time_is_not_late_and_said_to_be_undated() {
        let timing = Timing::of(at("2026-10-01T23:59:00+02:00"), None);
        let standing = Standing::of(SEVEN, false, timing, Some(POLICY), None);
        assert_eq!((standing.late, standing.counts), (None, Some(Points(700))));
        assert!(standing.undated);
        assert!(!Standing::of(SEVEN, false, Timing::InTime, Some(POLICY), None).undated);
    }

    #[test]
    fn points_print_as_they_are_written() {
        assert_eq!(Points(700).to_string(), "7");
        assert_eq!(Points(705).to_string(), "7.05");
    }

    #[test]
    fn points_have_at_most_two_places() {
        for (text, points) in
            [("9", 900), ("9.5", 950), ("9.05", 905), ("0.0", 0), ("120.25", 12_025)]
        {
            assert_eq!(text.parse(), Ok(Points(points)), "{text}");
        }
        for text in
            ["", "9.555", "-1", "+1", "9.", ".5", "1e3", "nan", "9,5", "99999999999999999999"]
        {
            assert!(text.parse::<Points>().is_err(), "{text}");
        }
    }
}
