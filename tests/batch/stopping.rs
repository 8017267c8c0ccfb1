//! Stopped at any moment, a class goes on from there; in the end it is as if it never was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use grade::batch::Ended;
use tokio_util::sync::CancellationToken;

use crate::class::{Class, steady};
use crate::fake::{Fake, Turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_was_stopped_ends_like_one_that_was_not() {
    let class = Class::of(12);
    let (_, _) = class.run_into("whole", None, Fake::new(class.plan()), Default::default()).await;
    let whole = steady(&class.path("whole"));
    assert!(whole.len() > 12 * 3, "{whole:?}");

    let mut graded = 0;
    for round in 0_u64.. {
        assert!(round < 50, "it comes to an end");
        let stop = CancellationToken::new();
        let later = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30 + round * 17 % 90)).await;
            later.cancel();
        });
        let mut fake = Fake::new(class.plan());
        for student in 0..12 {
            let slow = Turn::Slow(Duration::from_millis(10 + student * 5));
            fake = fake.plays(&format!("student-{student:03}"), &[slow]);
        }
        let (ran, _) = class.run_into("stopped", None, fake, stop).await;
        assert!(ran.tally.graded >= graded, "nobody is lost");
        graded = ran.tally.graded;
        if matches!(ran.ended, Ended::Through) {
            break;
        }
    }
    let unlike = |files: &BTreeMap<PathBuf, String>| {
        let paths = files.keys().chain(whole.keys());
        paths.filter(|path| files.get(*path) != whole.get(*path)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(unlike(&steady(&class.path("stopped"))), Vec::<PathBuf>::new());
}
