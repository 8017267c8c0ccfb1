//! Who is graded, how often, and what one submission's trouble does to the others: nothing.

use std::time::Duration;

use grade::batch::{End, Ended, News, Store, StoreError};
use grade::submission::Source;
use jiff::Timestamp;

use crate::class::Class;
use crate::fake::{Fake, Turn};

fn ended(news: &[News], student: &str) -> Vec<End> {
    let ends = news.iter().filter_map(|one| match one {
        News::Ended { name, end } if name == student => Some(end.clone()),
        _ => None,
    });
    ends.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_graded_once_and_the_next_run_grades_who_changed() {
    let class = Class::of(9);
    let (ran, fake) = class.run(Fake::new(class.plan())).await;
    assert!(matches!(ran.ended, Ended::Through) && ran.failed.is_empty());
    assert_eq!((ran.tally.graded, ran.tally.students(), fake.observed().len()), (9, 9, 9));
    assert!(fake.most() <= 3, "{} at a time", fake.most());
    let book = class.gradebook("out");
    assert_eq!(book["student-000"], "graded 1/4");
    assert_eq!(book["student-001"], "graded 4/4");

    let (ran, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!((ran.tally.graded, fake.observed().len()), (9, 0));
    assert!(matches!(ended(&ran.news, "student-001")[..], [End::Unchanged { .. }]));

    class.hand_in("student-000", Some(0));
    let (_, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed(), ["student-000"]);
    assert_eq!(class.gradebook("out")["student-000"], "graded 4/4");

    class.change_rubric("points = 3", "points = 5");
    let (_, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed().len(), 9);
    assert_eq!(class.gradebook("out")["student-001"], "graded 6/6");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_to_be_graded_afresh_is_so_once() {
    let mut class = Class::of(3);
    class.run(Fake::new(class.plan())).await;
    class.afresh_since = Some(Timestamp::now());
    let (_, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed().len(), 3);
    let (_, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_on_our_side_is_tried_again_so_often_and_harms_nobody_else() {
    let class = Class::of(6);
    let fake = Fake::new(class.plan())
        .plays("student-001", &[Turn::Fault, Turn::HalfFault])
        .plays("student-002", &[Turn::Fault; 9])
        .plays("student-004", &[Turn::Panic]);
    let (ran, fake) = class.run(fake).await;
    let times = |id: &str| fake.observed().iter().filter(|one| *one == id).count();
    assert_eq!([0, 1, 2, 3, 4, 5].map(|n| times(&format!("student-00{n}"))), [1, 3, 3, 1, 1, 1]);
    assert!(matches!(ran.ended, Ended::Through));
    assert_eq!(ran.tally.graded, 4);
    let open = |owed: &[grade::batch::Owed]| owed.iter().map(|one| one.id.clone()).collect();
    let (unjudged, unreached): (Vec<String>, Vec<String>) =
        (open(&ran.tally.unjudged), open(&ran.tally.unreached));
    assert_eq!((unjudged, unreached), (vec!["student-002".into()], vec!["student-004".into()]));
    assert!(matches!(ended(&ran.news, "student-004")[..], [End::Broken { .. }]));
    let book = class.gradebook("out");
    assert_eq!(book["student-001"], "graded 4/4");
    assert_eq!(book["student-002"], "provisional 0/0");

    // The next run tries exactly those again.
    let (ran, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed(), ["student-002", "student-004"]);
    assert_eq!(ran.tally.graded, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_out_before_is_not_given_up_for_less() {
    let class = Class::of(1);
    let half = [Turn::HalfFault, Turn::HalfFault, Turn::HalfFault];
    let (ran, _) = class.run(Fake::new(class.plan()).plays("student-000", &half)).await;
    assert_eq!(ran.tally.unjudged.len(), 1);
    assert_eq!(class.gradebook("out")["student-000"], "provisional 1/1");
    let nothing = Fake::new(class.plan()).plays("student-000", &[Turn::Fault; 3]);
    class.run(nothing).await;
    assert_eq!(class.gradebook("out")["student-000"], "provisional 1/1");
    // Within one run, too.
    class.hand_in("student-000", Some(0));
    let worse = [Turn::HalfFault, Turn::Fault, Turn::Fault];
    class.run(Fake::new(class.plan()).plays("student-000", &worse)).await;
    assert_eq!(class.gradebook("out")["student-000"], "provisional 1/1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_away_for_a_while_costs_nobody_anything() {
    let class = Class::of(6);
    let mut fake = Fake::new(class.plan());
    for student in 0..6 {
        fake = fake.plays(&format!("student-00{student}"), &[Turn::NoPlace; 4]);
    }
    let (ran, fake) = class.run(fake).await;
    assert_eq!((ran.tally.graded, fake.observed().len()), (6, 6));
    assert!(ran.news.iter().any(|one| matches!(one, News::Waits { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_does_not_come_back_ends_the_batch_and_blames_nobody() {
    let class = Class::of(12);
    let mut fake = Fake::new(class.plan());
    for student in 3..12 {
        fake = fake.plays(&format!("student-{student:03}"), &[Turn::NoPlace; 1000]);
    }
    let (ran, _) = class.run(fake).await;
    assert!(matches!(ran.ended, Ended::GaveUp { .. }), "{:?}", ran.ended);
    assert_eq!((ran.tally.graded, ran.tally.unreached.len()), (3, 9));
    assert!(ran.tally.is_open());
    assert_eq!(class.gradebook("out")["student-003"], "unreached -");

    let never = Fake::new(class.plan()).plays("student-003", &[Turn::NeverAPlace]);
    let (ran, _) = class.run(never).await;
    let Ended::GaveUp { advice, .. } = ran.ended else { panic!("{:?}", ran.ended) };
    assert_eq!(advice.as_deref(), Some("run ci/images"));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_hand_in_together_are_graded_once_and_each_has_a_line() {
    let mut class = Class::of(2);
    class.hand_in("team", Some(0));
    for id in ["ada", "ben"] {
        class.enroll(id, Ok(Source::Path(class.work("team"))), Some("team"));
    }
    class.enroll("cleo", Err("no repository in the roster".into()), None);
    class.enroll("dora", Ok(Source::Path(class.work("nowhere"))), None);
    let (ran, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed(), ["student-000", "student-001", "team"]);
    assert_eq!((ran.tally.graded, ran.tally.missing.len()), (4, 2));
    let book = class.gradebook("out");
    assert_eq!((book["ada"].as_str(), book["ben"].as_str()), ("graded 4/4", "graded 4/4"));
    assert_eq!((book["cleo"].as_str(), book["dora"].as_str()), ("missing -", "missing -"));

    // What was missing and is there now is graded, and what was there and is gone is missing.
    class.hand_in("nowhere", Some(1));
    std::fs::remove_dir_all(class.work("student-001")).expect("removed");
    class.run(Fake::new(class.plan())).await;
    let book = class.gradebook("out");
    assert_eq!(book["dora"], "graded 1/4");
    assert_eq!(book["student-001"], "missing -");
    // Back again and the same as ever, it need not be graded.
    class.hand_in("student-001", Some(0));
    let (_, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!(fake.observed(), [""; 0]);
    assert_eq!(class.gradebook("out")["student-001"], "graded 4/4");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_somebody_broke_is_set_aside_and_taken_again() {
    let class = Class::of(2);
    class.run(Fake::new(class.plan())).await;
    let folder = class.path("out/students/student-001");
    std::fs::write(folder.join("evidence.json"), "{").expect("written");
    let (ran, fake) = class.run(Fake::new(class.plan())).await;
    assert_eq!((ran.tally.graded, fake.observed()), (2, vec!["student-001".to_owned()]));
    assert!(ran.news.iter().any(|one| matches!(one, News::Note { .. })));
    let aside = std::fs::read_to_string(folder.join("evidence.unreadable.json"));
    assert_eq!(aside.expect("set aside"), "{");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_batches_do_not_write_into_one_folder() {
    let class = Class::of(1);
    let store = Store::open(&class.path("out")).expect("a store");
    let second = Store::open(&class.path("out"));
    assert!(matches!(second, Err(StoreError::InUse { .. })));
    assert!(Store::look(&class.path("out")).is_in_use());
    drop(store);
    assert!(!Store::look(&class.path("out")).is_in_use());
    let (ran, _) = class.run(Fake::new(class.plan())).await;
    assert_eq!(ran.tally.graded, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_long_delays_nobody() {
    let class = Class::of(9);
    let slow = Turn::Slow(Duration::from_millis(1500));
    let (ran, _) = class.run(Fake::new(class.plan()).plays("student-000", &[slow])).await;
    let ends: Vec<&String> = ran
        .news
        .iter()
        .filter_map(|one| match one {
            News::Ended { name, .. } => Some(name),
            _ => None,
        })
        .collect();
    assert_eq!((ends.len(), ends.last().map(|name| name.as_str())), (9, Some("student-000")));
}
