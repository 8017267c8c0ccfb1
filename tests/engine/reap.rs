//! What a run leaves is found and removed, and nothing else.

use grade::engine::{BuildRequest, OwnedFilter, OwnedKind};

use crate::bench::{Bench, built};

fn docker(arguments: &[&str]) -> String {
    let output =
        std::process::Command::new("docker").args(arguments).output().expect("the docker command");
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn reaping_removes_ours_and_leaves_a_stranger_s() {
    let bench = Bench::new("reap").await;
    let image = bench.image("FROM busybox\nLABEL a=b\n").await;
    let ours = bench.started(&bench.spec(&image, &["sleep", "600"])).await;
    let stranger = format!("stranger-{}", bench.labels.run);
    // A stranger's container with our label, and one of our image: neither has both, label and name.
    let label = format!("grade.run={}", bench.labels.run);
    docker(&["create", "--name", &format!("{stranger}-a"), "--label", &label, "busybox", "true"]);
    docker(&["create", "--name", &format!("grade-{stranger}"), &image, "true"]);
    // A stranger's name for an image with our labels.
    docker(&["tag", &image, &format!("{stranger}:1")]);
    let owned = bench.engine.owned(&bench.all_of_it()).await.expect("a list");
    let kinds: Vec<_> = owned.iter().map(|object| (object.kind, object.running)).collect();
    assert_eq!(kinds, [(OwnedKind::Container, true), (OwnedKind::Image, false)]);
    assert_eq!((&owned[0].id, &owned[0].labels), (&ours, &bench.labels));
    let other = OwnedFilter { submission: Some("eve".to_owned()), ..bench.all_of_it() };
    assert_eq!(bench.engine.owned(&other).await, Ok(Vec::new()));
    let everything = bench.engine.owned(&OwnedFilter::default()).await.expect("a list");
    assert!(owned.iter().all(|object| everything.contains(object)));
    let engine = bench.engine.clone();
    bench.done().await;
    assert!(engine.inspect(&ours).await.is_err());
    for left in [format!("{stranger}-a"), format!("grade-{stranger}")] {
        assert!(engine.inspect(&left).await.is_ok(), "{left}");
        engine.remove(&left).await.expect("removed");
    }
    assert_eq!(engine.image_exists(&format!("{stranger}:1")).await, Ok(true));
    engine.remove_image(&format!("{stranger}:1")).await.expect("removed");
}

#[tokio::test]
async fn an_image_that_two_builds_came_to_is_removed_under_both_names() {
    let bench = Bench::new("names").await;
    let first = bench.request("FROM busybox\nENV A=b\n");
    let second = BuildRequest { name: "second".to_owned(), ..first.clone() };
    let image = built(&bench.build(first).await);
    assert_eq!(built(&bench.build(second).await), image);
    let owned = bench.engine.owned(&bench.all_of_it()).await.expect("a list");
    let mut names: Vec<_> = owned.into_iter().map(|object| object.name).collect();
    names.sort();
    let name = |last| format!("grade.local/{}/{last}:latest", bench.labels.run);
    assert_eq!(names, [name("image"), name("second")]);
    let engine = bench.engine.clone();
    bench.done().await;
    assert_eq!(engine.image_exists(&image).await, Ok(false));
}
