//! Containers that run to their end, and commands in running ones.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use grade::engine::{ContainerSpec, EngineError, ExecRequest, Limits, Signalled};

use crate::bench::{Bench, KIB, MINUTE, words};

#[tokio::test]
async fn a_run_tells_output_exit_code_and_input() {
    let bench = Bench::new("run").await;
    let mut spec =
        bench.spec("busybox", &["sh", "-c", "cat; echo $V; pwd; id -u; echo err >&2; exit 7"]);
    spec.stdin = Some(b"input\n".to_vec());
    spec.env = BTreeMap::from([("V".to_owned(), "value".to_owned())]);
    spec.user = Some("5".to_owned());
    spec.workdir = Some("/tmp".to_owned());
    let report = bench.engine.run(&spec, MINUTE, KIB).await.expect("a report");
    assert_eq!(report.stdout.text(), "input\nvalue\n/tmp\n5\n");
    assert_eq!((report.stderr.text().as_str(), report.exit_code), ("err\n", Some(7)));
    assert!(!report.timed_out && !report.oom_killed && report.refused.is_none());
    assert_eq!(bench.engine.owned(&bench.all_of_it()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_refused() {
    let bench = Bench::new("refused").await;
    let directory = bench.spec("busybox", &["/tmp"]);
    let missing = bench.spec("busybox", &["nope"]);
    let nobody =
        ContainerSpec { user: Some("ghost".to_owned()), ..bench.spec("busybox", &["true"]) };
    let nowhere = ContainerSpec {
        workdir: Some("/etc/passwd".to_owned()),
        ..bench.spec("busybox", &["true"])
    };
    for spec in [directory, missing, nobody, nowhere] {
        let report = bench.engine.run(&spec, MINUTE, KIB).await.expect("a report");
        assert!(report.refused.is_some() && report.exit_code.is_none(), "{report:?}");
    }
    let image = bench.image("FROM scratch\nLABEL a=b\n").await;
    let report = bench.engine.run(&bench.spec(&image, &[]), MINUTE, KIB).await.expect("a report");
    assert!(report.refused.is_some(), "{report:?}");
    let error = bench.engine.run(&bench.spec("grade.local/no-such-image", &[]), MINUTE, KIB).await;
    assert!(matches!(error, Err(EngineError::Create { .. })), "{error:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_flood_of_output_is_bounded_and_killed() {
    let bench = Bench::new("flood").await;
    let limit = Duration::from_secs(2);
    let report = bench
        .engine
        .run(&bench.spec("busybox", &["yes"]), limit, 64 * KIB)
        .await
        .expect("a report");
    assert!(
        report.timed_out && report.exit_code.is_none() && report.stdout.truncated,
        "{:?}",
        report.took
    );
    assert_eq!(report.stdout.bytes.len(), 64 * KIB);
    assert!(report.took < Duration::from_secs(20), "{:?}", report.took);
    assert_eq!(bench.engine.owned(&bench.all_of_it()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_program_that_takes_too_much_memory_is_killed() {
    let bench = Bench::new("memory").await;
    let hog = bench.spec("busybox", &["sh", "-c", "x=x; while true; do x=$x$x; done"]);
    let spec = ContainerSpec { limits: Limits { memory: 32 << 20, ..Limits::default() }, ..hog };
    let report = bench.engine.run(&spec, MINUTE, KIB).await.expect("a report");
    assert!(report.oom_killed && report.exit_code == Some(137), "{report:?}");
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_no_container() {
    let bench = Bench::new("dropped").await;
    let spec = bench.spec("busybox", &["sleep", "600"]);
    let given_up =
        tokio::time::timeout(Duration::from_secs(2), bench.engine.run(&spec, MINUTE, KIB)).await;
    assert!(given_up.is_err());
    let began = Instant::now();
    while !bench.engine.owned(&bench.all_of_it()).await.expect("a list").is_empty() {
        assert!(began.elapsed() < MINUTE, "it stays");
    }
}

#[tokio::test]
async fn a_command_runs_in_a_running_container() {
    let bench = Bench::new("exec").await;
    let id = bench.started(&bench.spec("busybox", &["sleep", "600"])).await;
    let ask = |command: &[&str], limit| ExecRequest {
        command: words(command),
        user: Some("3".to_owned()),
        env: BTreeMap::from([("V".to_owned(), "v".to_owned())]),
        time_limit: limit,
        output_limit: KIB,
    };
    let report = bench
        .engine
        .exec(&id, &ask(&["sh", "-c", "id -u; echo $V; echo e >&2; exit 4"], MINUTE))
        .await;
    let report = report.expect("a report");
    assert_eq!((report.stdout.text().as_str(), report.stderr.text().as_str()), ("3\nv\n", "e\n"));
    assert_eq!((report.exit_code, report.refused, report.timed_out), (Some(4), None, false));
    let report = bench.engine.exec(&id, &ask(&["nope"], MINUTE)).await.expect("a report");
    assert!(report.refused.is_some() && report.exit_code.is_none(), "{report:?}");
    let nobody = ExecRequest { user: Some("ghost".to_owned()), ..ask(&["true"], MINUTE) };
    let report = bench.engine.exec(&id, &nobody).await.expect("a report");
    assert!(report.refused.is_some() && report.exit_code.is_none(), "{report:?}");
    let report = bench
        .engine
        .exec(&id, &ask(&["sleep", "600"], Duration::from_millis(300)))
        .await
        .expect("a report");
    assert!(report.timed_out && report.exit_code.is_none(), "{report:?}");
    assert_eq!(bench.engine.kill(&id, "KILL").await, Ok(Signalled::Sent));
    let began = Instant::now();
    while bench.engine.inspect(&id).await.expect("a state").running {
        assert!(began.elapsed() < MINUTE);
    }
    assert_eq!(bench.engine.inspect(&id).await.expect("a state").exit_code, Some(137));
    assert_eq!(bench.engine.kill(&id, "KILL").await, Ok(Signalled::NotRunning));
    let report = bench.engine.exec(&id, &ask(&["true"], MINUTE)).await.expect("a report");
    assert!(report.refused.is_some(), "{report:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_name_that_somebody_has_keeps_no_container_from_being_made() {
    let bench = Bench::new("name").await;
    let spec = bench.spec("busybox", &["sleep", "600"]);
    let (first, second) = (bench.started(&spec).await, bench.started(&spec).await);
    assert_ne!(first, second);
    bench.done().await;
}

#[tokio::test]
async fn the_end_of_a_container_is_awaited_and_one_that_is_gone_is_at_its_end() {
    let bench = Bench::new("ends").await;
    let id = bench.started(&bench.spec("busybox", &["sh", "-c", "read line; exit 3"])).await;
    // Nobody writes to it, so that it ends at once.
    assert_eq!(bench.engine.ends_within(&id, MINUTE).await, Ok(true));
    assert_eq!(bench.engine.ends_within(&id, MINUTE).await, Ok(true));
    assert_eq!(bench.engine.ends_within("grade-no-such-container", MINUTE).await, Ok(true));
    let id = bench.started(&bench.spec("busybox", &["sleep", "600"])).await;
    assert_eq!(bench.engine.ends_within(&id, Duration::from_millis(300)).await, Ok(false));
    bench.done().await;
}
