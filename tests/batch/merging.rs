//! One class on several machines comes to the same as on one.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::fake::{Fake, Turn};

async fn sharded(class: &Class, of: u32) {
    for k in 1..=of {
        let (out, shard) = (format!("shard-{k}"), format!("{k}/{of}"));
        let fake = Fake::new(class.plan());
        class.run_into(&out, Some(&shard), fake, Default::default()).await;
    }
}

/// The gradebook without its times.
fn book(class: &Class, out: &str) -> BTreeMap<String, String> {
    class.gradebook(out)
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_merged_are_the_class() {
    let mut class = Class::of(20);
    class.enroll("zoe", Err("no repository".into()), None);
    class.run(Fake::new(class.plan())).await;
    // Another order on another machine makes no difference.
    sharded(&class, 2).await;
    class.roster.members.reverse();
    class.run_into("shard-3", Some("3/3"), Fake::new(class.plan()), Default::default()).await;
    for k in [1, 2] {
        let (out, shard) = (format!("shard-{k}"), format!("{k}/3"));
        std::fs::remove_dir_all(class.path(&out)).expect("removed");
        class.run_into(&out, Some(&shard), Fake::new(class.plan()), Default::default()).await;
    }
    let sizes: Vec<usize> = (1..=3).map(|k| book(&class, &format!("shard-{k}")).len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 21, "{sizes:?}");
    let (code, said, told) =
        class.grade(&["merge", "shard-1", "shard-2", "shard-3", "--out", "all"]);
    assert_eq!((code, told.as_str()), (0, ""), "{said}");
    assert!(said.contains("21 students: 20 graded, 1 without a submission"), "{said}");
    assert_eq!(book(&class, "all"), book(&class, "out"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_shard_is_told_and_blames_nobody() {
    let class = Class::of(10);
    sharded(&class, 2).await;
    let (code, said, told) = class.grade(&["merge", "shard-1", "--out", "all"]);
    assert_eq!(code, 3, "{said}");
    assert!(told.contains("in no folder"), "{told}");
    assert!(said.contains("not reached"), "{said}");
    // The other one can be added later.
    let (code, said, _) = class.grade(&["merge", "shard-2", "--out", "all"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("10 students: 10 graded"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_results_the_one_that_says_more_counts_and_then_the_later_one() {
    let class = Class::of(2);
    let faulty = Fake::new(class.plan()).plays("student-000", &[Turn::Fault; 3]);
    class.run_into("a", None, Fake::new(class.plan()), Default::default()).await;
    class.run_into("b", None, faulty, Default::default()).await;
    let (code, said, told) = class.grade(&["merge", "b", "a", "--out", "all"]);
    assert_eq!(code, 0, "{said}");
    assert!(told.contains("student-000 is in several folders: that in a counts, not that in b"));
    assert!(told.contains("student-001 is in several folders: that in b counts, not that in a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_do_not_belong_together_are_refused_before_anything_is_written() {
    let class = Class::of(2);
    class.run_into("a", None, Fake::new(class.plan()), Default::default()).await;
    class.change_rubric("points = 3", "points = 4");
    class.run_into("b", None, Fake::new(class.plan()), Default::default()).await;
    let (code, _, told) = class.grade(&["merge", "a", "b", "--out", "all"]);
    assert_eq!(code, 2);
    assert!(told.contains("different rubrics") && told.contains("grade regrade b"), "{told}");
    assert!(!class.path("all").exists());
    let (code, _, told) = class.grade(&["merge", "a", "work", "--out", "all"]);
    assert_eq!(code, 2);
    assert!(told.contains("no class"), "{told}");
}
