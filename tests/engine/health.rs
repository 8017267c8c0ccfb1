//! Health checks, and what breaks them.

use std::time::{Duration, Instant, SystemTime};

use futures_util::{Stream, StreamExt};
use grade::engine::{
    ContainerEvent, ContainerEventKind, ContainerSpec, EngineError, ExecRequest, HealthStatus,
    HealthTiming, Put, Signalled, Started,
};

use crate::bench::{Bench, KIB, MINUTE, words};

const TIMING: HealthTiming = HealthTiming {
    interval: Duration::from_millis(200),
    timeout: None,
    start_period: Duration::ZERO,
};

async fn next_health(
    events: &mut (impl Stream<Item = Result<ContainerEvent, EngineError>> + Unpin),
) -> HealthStatus {
    loop {
        let event = tokio::time::timeout(MINUTE, events.next())
            .await
            .expect("in time")
            .expect("open")
            .expect("an event");
        if let ContainerEventKind::Health(status) = event.kind {
            return status;
        }
    }
}

#[tokio::test]
async fn health_is_told_by_events_also_by_those_that_passed() {
    let bench = Bench::new("health").await;
    let image = bench.image("FROM busybox\nHEALTHCHECK --retries=1 CMD test ! -e /tmp/broken || { echo ill; exit 1; }\nCMD sleep 600\n").await;
    let since = SystemTime::now();
    let spec = ContainerSpec { health: Some(TIMING), ..bench.spec(&image, &[]) };
    let id = bench.started(&spec).await;
    let mut events = bench.engine.events(&id, since);
    assert_eq!(next_health(&mut events).await, HealthStatus::Healthy);
    // A second listener, who comes late, hears of it as well.
    assert_eq!(next_health(&mut bench.engine.events(&id, since)).await, HealthStatus::Healthy);
    assert_eq!(bench.engine.put_file(&id, "/tmp/broken", b"", 0o644).await, Ok(Put::Written));
    assert_eq!(next_health(&mut events).await, HealthStatus::Unhealthy);
    let health = bench.engine.inspect(&id).await.expect("a state").health.expect("a health check");
    assert_eq!(health.status, HealthStatus::Unhealthy);
    let last = health.log.last().expect("a check");
    assert_eq!((last.exit_code, last.output.as_str()), (1, "ill\n"));
    bench.engine.stop(&id, 0).await.expect("stopped");
    let died = loop {
        let event = tokio::time::timeout(MINUTE, events.next())
            .await
            .expect("in time")
            .expect("open")
            .expect("an event");
        if let ContainerEventKind::Died { exit_code } = event.kind {
            break exit_code;
        }
    };
    assert_eq!(died, Some(137));
    assert_eq!(bench.engine.restart(&id).await, Ok(Started::Started));
    assert!(bench.engine.inspect(&id).await.expect("a state").running);
    bench.done().await;
}

#[tokio::test]
async fn a_frozen_container_does_nothing_but_its_health_check() {
    let bench = Bench::new("freeze").await;
    // A shell-form CMD with a child: a signal to process 1 alone would not stop the counting.
    let dockerfile = "FROM busybox\nHEALTHCHECK --retries=1 CMD a=$(cat /tmp/n); sleep 0.3; test \"$a\" != \"$(cat /tmp/n)\"\nUSER 9\nCMD (i=0; while true; do i=$((i+1)); echo $i > /tmp/n; sleep 0.05; done) & wait\n";
    let image = bench.image(dockerfile).await;
    let since = SystemTime::now();
    let id =
        bench.started(&ContainerSpec { health: Some(TIMING), ..bench.spec(&image, &[]) }).await;
    let mut events = bench.engine.events(&id, since);
    assert_eq!(next_health(&mut events).await, HealthStatus::Healthy);
    assert_eq!(bench.engine.freeze(&id).await, Ok(Signalled::Sent));
    assert_eq!(next_health(&mut events).await, HealthStatus::Unhealthy);
    assert!(bench.engine.inspect(&id).await.expect("a state").running);
    bench.engine.kill(&id, "KILL").await.expect("killed");
    let began = Instant::now();
    while bench.engine.freeze(&id).await != Ok(Signalled::NotRunning) {
        assert!(began.elapsed() < MINUTE);
    }
    bench.done().await;
}

#[tokio::test]
async fn a_frozen_server_leaves_what_runs_beside_it_and_what_it_was_sent_is_seen() {
    let bench = Bench::new("server").await;
    let dockerfile = "FROM busybox\nUSER 9\nCMD httpd -f -p 8000 -h /etc & while true; do i=$((i+1)); echo $i > /tmp/n; sleep 0.05; done\n";
    let image = bench.image(dockerfile).await;
    let id = bench.started(&bench.spec(&image, &[])).await;
    let run = async |command: &str| {
        let request = ExecRequest {
            command: words(&["sh", "-c", command]),
            time_limit: MINUTE,
            output_limit: KIB,
            ..ExecRequest::default()
        };
        bench.engine.exec(&id, &request).await.expect("a run").exit_code
    };
    let ask = "wget -q -T 1 -O /dev/null http://127.0.0.1:8000/passwd";
    let began = Instant::now();
    while run(ask).await != Some(0) {
        assert!(began.elapsed() < MINUTE);
    }
    assert_eq!(bench.engine.freeze_server(&id, 8000).await, Ok(Signalled::Sent));
    let waiting = async || -> Vec<u32> {
        let sockets = bench.engine.tcp_sockets(&id, 8000).await.expect("sockets").expect("told");
        let here = sockets.iter().filter(|socket| socket.port == 8000 && !socket.listens);
        here.map(|socket| socket.unread).filter(|unread| *unread > 1).collect()
    };
    assert_eq!(waiting().await, [0; 0]);
    assert_ne!(run(ask).await, Some(0));
    assert_eq!(waiting().await.len(), 1);
    assert_eq!(run("a=$(cat /tmp/n); sleep 0.5; test $a != $(cat /tmp/n)").await, Some(0));
    assert_eq!(bench.engine.thaw(&id).await, Ok(Signalled::Sent));
    assert_eq!(run(ask).await, Some(0));
    // Where nobody listens, all are meant.
    assert_eq!(bench.engine.freeze_server(&id, 9).await, Ok(Signalled::Sent));
    assert_ne!(run("a=$(cat /tmp/n); sleep 0.5; test $a != $(cat /tmp/n)").await, Some(0));
    bench.done().await;
}

#[tokio::test]
async fn without_a_shell_one_process_can_be_frozen_and_two_cannot() {
    let bench = Bench::new("shell").await;
    let image = bench.image("FROM scratch\nCOPY --from=busybox /bin/busybox /busybox\n").await;
    let alone = bench.started(&bench.spec(&image, &["/busybox", "sleep", "600"])).await;
    assert_eq!(bench.engine.freeze(&alone).await, Ok(Signalled::Sent));
    bench.engine.remove(&alone).await.expect("removed");
    let spec = bench.spec(&image, &["/busybox", "sh", "-c", "/busybox sleep 600 & wait"]);
    let two = bench.started(&spec).await;
    let list = ExecRequest {
        command: words(&["/busybox", "ps"]),
        time_limit: MINUTE,
        output_limit: KIB,
        ..ExecRequest::default()
    };
    let since = Instant::now();
    while !bench
        .engine
        .exec(&two, &list)
        .await
        .expect("a list")
        .stdout
        .text()
        .lines()
        .any(|line| line.ends_with("0:00 /busybox sleep 600"))
    {
        assert!(since.elapsed() < MINUTE);
    }
    assert_eq!(bench.engine.freeze(&two).await, Ok(Signalled::Resisted));
    bench.done().await;
}
