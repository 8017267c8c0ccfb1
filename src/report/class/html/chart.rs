//! The distribution of scores as bars.

/// The most bars, so that each can be told from the next.
const MOST: u32 = 25;
/// The chart, in its own units: the room for bars, and for the words above and below.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 140;
const ABOVE: u32 = 20;

/// A chart of bars that stand side by side.
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
}

/// How many students earned so many points.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// The points: `7`, or `5–9`.
    pub(super) points: String,
    /// How many students.
    pub(super) students: usize,
    /// Its left edge.
    pub(super) left: u32,
    /// Its upper edge.
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Chart {
    /// The distribution of earned points among the possible ones.
    pub(super) fn new(earned: &[u32], possible: u32) -> Chart {
        let step = (possible + 1).div_ceil(MOST).max(1);
        let count = possible / step + 1;
        let mut students = vec![0_usize; count as usize];
        for earned in earned {
            students[(earned / step).min(count - 1) as usize] += 1;
        }
        let most = students.iter().copied().max().unwrap_or_default().max(1);
        let slot = WIDTH / count;
        let bars = (0..count).zip(students).map(|(place, students)| {
            let height = u32::try_from(students * HEIGHT as usize / most).unwrap_or(HEIGHT);
            // One among many is seen, too.
            let height = if students == 0 { 0 } else { height.max(2) };
            let (from, to) = (place * step, (place * step + step - 1).min(possible));
            Bar {
                points: if from == to { from.to_string() } else { format!("{from}–{to}") },
                students,
                left: place * slot + slot / 10,
                top: ABOVE + HEIGHT - height,
                width: slot - slot / 5,
                height,
            }
        });
        Chart { bars: bars.collect() }
    }

    /// The line that the bars stand on.
    pub(super) fn ground(&self) -> u32 {
        ABOVE + HEIGHT
    }

    /// The box that holds all of it.
    pub(super) fn view(&self) -> String {
        format!("0 0 {WIDTH} {}", ABOVE + HEIGHT + 24)
    }
}

impl Bar {
    /// Where the words above and below stand.
    pub(super) fn middle(&self) -> u32 {
        self.left + self.width / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(earned: &[u32], possible: u32) -> Vec<(String, usize)> {
        let bars = Chart::new(earned, possible).bars;
        bars.into_iter().map(|bar| (bar.points, bar.students)).collect()
    }

    #[test]
    fn every_score_has_its_bar() {
        let bars = shown(&[0, 3, 3], 3);
        let expected = [("0", 1), ("1", 0), ("2", 0), ("3", 2)];
        assert_eq!(bars, expected.map(|(points, students)| (points.to_owned(), students)));
        assert_eq!(shown(&[], 0), [("0".to_owned(), 0)]);
    }

    #[test]
    fn many_points_share_bars_and_nobody_falls_out() {
        for possible in [24, 25, 26, 60, 99, 100, 101, 5000] {
            let earned: Vec<u32> = (0..=possible).collect();
            let bars = shown(&earned, possible);
            assert!(bars.len() <= 25, "{possible}: {}", bars.len());
            let students: usize = bars.iter().map(|(_, students)| students).sum();
            assert_eq!(students, earned.len());
            let last = bars.last().unwrap();
            assert!(last.0.ends_with(&possible.to_string()), "{possible}: {last:?}");
        }
        assert_eq!(shown(&[7], 3).last().unwrap().1, 1);
    }

    #[test]
    fn bars_stay_inside() {
        for possible in [1, 10, 24, 100] {
            let chart = Chart::new(&[0, 1, 1], possible);
            for bar in &chart.bars {
                assert!(bar.left + bar.width <= WIDTH, "{bar:?}");
                assert_eq!(bar.top + bar.height, chart.ground(), "{bar:?}");
            }
        }
    }
}
