//! Builds: what they are told, what they tell, and how they are ended.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use grade::engine::{
    AgentUse, BuildEvent, BuildNetwork, BuildOutcome, BuildReport, BuildRequest, Created,
    OwnedKind, Owner, OwnerLife, SshKey, Step,
};

use crate::bench::{Bench, KIB, MINUTE, built, failure, words};

fn step<'a>(report: &'a BuildReport, instruction: &str) -> &'a Step {
    let found = report
        .steps
        .iter()
        .find(|step| step.instruction().is_some_and(|own| own.starts_with(instruction)));
    found.unwrap_or_else(|| panic!("no {instruction} in {:?}", report.steps))
}

/// Whether a process with `needle` in its command line runs on this machine.
fn runs(needle: &str) -> bool {
    let own = std::process::id().to_string();
    std::fs::read_dir("/proc").expect("a /proc").flatten().any(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        entry.file_name().to_string_lossy() != own
            && String::from_utf8_lossy(&command).contains(needle)
    })
}

async fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_build_gives_an_image_with_our_labels_and_tag() {
    let bench = Bench::new("labels").await;
    let image = bench.image("FROM busybox\nLABEL maintainer=Ada\nENV A=b\nUSER 7\nWORKDIR /w\nEXPOSE 8000\nVOLUME /v\nSTOPSIGNAL INT\nSHELL [\"sh\", \"-c\"]\nONBUILD RUN true\nHEALTHCHECK --interval=3s --retries=2 CMD true\nENTRYPOINT [\"sleep\"]\nCMD [\"9\"]\n").await;
    let info = bench.engine.image(&image).await.expect("an image");
    assert_eq!(info.id, image);
    assert_eq!(info.labels.get("maintainer").map(String::as_str), Some("Ada"));
    assert!(!info.labels.keys().any(|key| key.starts_with("grade.image.")), "{:?}", info.labels);
    assert!(info.env.contains(&"A=b".to_owned()), "{:?}", info.env);
    assert_eq!(
        (info.user.as_str(), info.workdir.as_str(), info.stop_signal.as_str()),
        ("7", "/w", "INT")
    );
    assert_eq!((info.exposed_ports, info.volumes), (words(&["8000/tcp"]), words(&["/v"])));
    assert_eq!((info.entrypoint, info.cmd), (words(&["sleep"]), words(&["9"])));
    assert_eq!((info.shell, info.onbuild), (words(&["sh", "-c"]), words(&["RUN true"])));
    let test = info.healthcheck.expect("a health check");
    assert_eq!(
        (test.test, test.interval, test.retries),
        (words(&["CMD-SHELL", "true"]), Duration::from_secs(3), 2)
    );
    assert_eq!((test.timeout, test.start_period), (Duration::ZERO, Duration::ZERO));
    assert!(
        info.size > 100_000
            && !info.layers.is_empty()
            && info.os == "linux"
            && !info.architecture.is_empty()
    );
    assert!(
        info.history.last().expect("a history").created_by.contains("CMD [\"9\"]"),
        "{:?}",
        info.history
    );
    let owned = bench.engine.owned(&bench.all_of_it()).await.expect("a list");
    assert_eq!(owned.len(), 1, "{owned:?}");
    assert_eq!((owned[0].kind, &owned[0].labels), (OwnedKind::Image, &bench.labels));
    assert_eq!(owned[0].name, format!("grade.local/{}/image:latest", bench.labels.run));
    assert_eq!(
        owned[0].labels.owner.parse::<Owner>().expect("an owner").is_alive(),
        OwnerLife::Alive
    );
    bench.done().await;
}

#[tokio::test]
async fn secrets_reach_the_build_and_unknown_ones_fail_where_required() {
    let bench = Bench::new("secret").await;
    let secrets = BTreeMap::from([("s".to_owned(), b"needle\n".to_vec().into())]);
    let request = bench
        .request("FROM busybox\nRUN --mount=type=secret,id=s sha256sum /run/secrets/s > /sum\n");
    let report = bench.build(BuildRequest { secrets, no_cache: true, ..request.clone() }).await;
    let run = bench
        .engine
        .run(&bench.spec(&built(&report), &["cat", "/sum"]), MINUTE, KIB)
        .await
        .expect("a run");
    // The SHA-256 of "needle\n".
    assert!(
        run.stdout.text().starts_with("d29210777777dac0b3d12f6a656a073c9ba717cf"),
        "{}",
        run.stdout.text()
    );
    let without = bench.build(BuildRequest { no_cache: true, ..request }).await;
    assert_eq!(failure(&without).exit_code, Some(1));
    let required = bench.request("FROM busybox\nRUN --mount=type=secret,id=other,required true\n");
    let report = bench.build(BuildRequest { no_cache: true, ..required }).await;
    assert!(failure(&report).message.contains("other"), "{report:?}");
    bench.done().await;
}

/// A client of an agent: keeps the first key, and has something signed.
const ASK: &str = r#"
import base64, os, socket, struct

def text(bytes):
    return struct.pack(">I", len(bytes)) + bytes

def ask(message):
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    agent.sendall(text(message))
    size = struct.unpack(">I", agent.recv(4, socket.MSG_WAITALL))[0]
    return agent.recv(size, socket.MSG_WAITALL)

keys = ask(b"\x0b")
key = keys[9:9 + struct.unpack(">I", keys[5:9])[0]]
signed = ask(b"\x0d" + text(key) + text(b"data") + struct.pack(">I", 0))
assert signed[0] == 14, signed
open("/key", "w").write(base64.b64encode(key).decode())
"#;

#[tokio::test]
async fn an_ssh_agent_answers_the_steps_that_mount_it() {
    let bench = Bench::new("agent").await;
    let key = SshKey::make();
    let ssh = BTreeMap::from([("default".to_owned(), key.clone())]);
    let ask = "FROM python:3.12-slim\nCOPY ask.py /\nRUN --mount=type=ssh python /ask.py\n";
    let request = bench.request_with(&[("Dockerfile", ask), ("ask.py", ASK)]);
    let request = BuildRequest { ssh: ssh.clone(), no_cache: true, ..request };
    let report = bench.build(request).await;
    let image = built(&report);
    let run = bench.engine.run(&bench.spec(&image, &["cat", "/key"]), MINUTE, KIB).await;
    assert_eq!(run.expect("a run").stdout.text(), key.public());
    let expected = AgentUse { mounted: 1, connections: 2, listed: 1, signed: 1 };
    assert_eq!(report.agents, expected);
    let env = bench.engine.image(&image).await.expect("an image").env;
    assert!(!env.iter().any(|one| one.starts_with("SSH_AUTH_SOCK")), "{env:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_socket_is_there_for_the_agents_that_are_forwarded_and_for_no_others() {
    let bench = Bench::new("socket").await;
    let ssh = BTreeMap::from([("default".to_owned(), SshKey::make())]);
    let test = |mount: &str| {
        let run = format!("RUN --mount=type=ssh{mount} test -S \"$SSH_AUTH_SOCK\"");
        BuildRequest { no_cache: true, ..bench.request(&format!("FROM busybox\n{run}\n")) }
    };
    let report = bench.build(BuildRequest { ssh: ssh.clone(), ..test("") }).await;
    built(&report);
    assert_eq!(report.agents, AgentUse { mounted: 1, ..AgentUse::default() });
    let report = bench.build(BuildRequest { ssh: ssh.clone(), ..test(",id=other") }).await;
    assert_eq!(failure(&report).exit_code, Some(1));
    assert_eq!(report.agents, AgentUse::default());
    let report = bench.build(BuildRequest { ssh, ..test(",id=other,required") }).await;
    assert!(failure(&report).message.contains("other"), "{report:?}");
    let report = bench.build(test("")).await;
    assert_eq!(failure(&report).exit_code, Some(1));
    let report = bench.build(test(",required")).await;
    assert!(failure(&report).message.contains("default"), "{report:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_failing_run_is_told_with_its_step_exit_code_and_log() {
    let bench = Bench::new("failing").await;
    let events = Mutex::new(Vec::new());
    let listen = |event| events.lock().expect("no panic").push(event);
    let dockerfile = "FROM busybox\nRUN echo \"\u{1b}[31mthe log\" && exit 3\nRUN echo never\n";
    let report = bench.engine.build(bench.request(dockerfile), &listen).await.expect("a report");
    let failure = failure(&report);
    assert_eq!(failure.exit_code, Some(3));
    assert!(
        !failure.message.contains("rpc error") && failure.message.contains("exit code: 3"),
        "{failure:?}"
    );
    let failed = &report.steps[failure.step.expect("a step")];
    assert_eq!(failed.log, "the log\n");
    assert!(
        failed.ran
            && failed.error.is_some()
            && failed.instruction().expect("one").starts_with("RUN echo")
    );
    assert!(!step(&report, "RUN echo never").ran);
    let events = events.into_inner().expect("no panic");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, BuildEvent::Log { line, .. } if line == "the log"))
    );
    bench.done().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_dockerfile_is_told_with_its_line() {
    let bench = Bench::new("parse").await;
    let report = bench.build(bench.request("FROM busybox\nFORM x\n")).await;
    assert_eq!((failure(&report).line, failure(&report).exit_code), (Some(2), None), "{report:?}");
    assert!(failure(&report).message.contains("unknown instruction: FORM"), "{report:?}");
    let report = bench.build(bench.request("FROM busybox\nCOPY missing /\n")).await;
    assert!(failure(&report).message.contains("missing"), "{report:?}");
    let report = bench
        .build(BuildRequest { target: Some("nope".to_owned()), ..bench.request("FROM busybox\n") })
        .await;
    assert!(failure(&report).message.contains("nope"), "{report:?}");
    let report = bench.build(bench.request_with(&[("Containerfile", "FROM busybox\n")])).await;
    assert!(failure(&report).message.contains("no such file"), "{report:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_syntax_line_fetches_nothing() {
    let bench = Bench::new("syntax").await;
    bench.image("# syntax=docker/dockerfile:1\nFROM busybox\nLABEL a=b\n").await;
    bench.done().await;
}

#[tokio::test]
async fn a_build_s_time_limit_kills_what_it_runs() {
    let bench = Bench::new("limit").await;
    let seconds = format!("{}", 100_000 + rand::random::<u32>() % 100_000);
    let request = bench.request(&format!("FROM busybox\nRUN sleep {seconds}\n"));
    let build = tokio::spawn({
        let engine = bench.engine.clone();
        let request = BuildRequest { time_limit: Duration::from_secs(3), ..request };
        async move { engine.build(request, &|_| {}).await }
    });
    let needle = format!("sleep\0{seconds}");
    eventually("the RUN runs", MINUTE, || runs(&needle)).await;
    let report = build.await.expect("no panic").expect("a report");
    assert_eq!(report.outcome, BuildOutcome::TimedOut);
    assert!(step(&report, "RUN sleep").ran);
    eventually("the RUN is gone", Duration::from_secs(3), || !runs(&needle)).await;
    bench.done().await;
}

#[tokio::test]
async fn what_was_built_before_is_taken_from_the_cache() {
    let bench = Bench::new("cache").await;
    let nonce = rand::random::<u64>();
    let dockerfile = format!("FROM busybox\nCOPY a /\nRUN echo {nonce}\n");
    let files = [("Dockerfile", dockerfile.as_str()), ("a", &nonce.to_string())];
    let first = bench.build(bench.request_with(&files)).await;
    assert!(!step(&first, "RUN").cached && !step(&first, "COPY").cached);
    let second = bench.build(bench.request_with(&files)).await;
    assert!(step(&second, "RUN").cached && step(&second, "COPY").cached);
    let anew = bench.build(BuildRequest { no_cache: true, ..bench.request_with(&files) }).await;
    assert!(!step(&anew, "RUN").cached);
    let changed =
        bench.build(bench.request_with(&[files[0], ("a", &format!("changed {nonce}"))])).await;
    assert!(!step(&changed, "COPY").cached && !step(&changed, "RUN").cached);
    bench.done().await;
}

#[tokio::test]
async fn a_build_without_network_sees_its_loopback_only() {
    let bench = Bench::new("network").await;
    let dockerfile = "FROM busybox\nARG V=none\nRUN ls /sys/class/net && echo v=$V\n";
    let args = BTreeMap::from([("V".to_owned(), "9".to_owned())]);
    let request = BuildRequest { no_cache: true, args, ..bench.request(dockerfile) };
    assert_eq!(step(&bench.build(request.clone()).await, "RUN").log, "lo\nv=9\n");
    let report = bench.build(BuildRequest { network: BuildNetwork::Default, ..request }).await;
    assert!(step(&report, "RUN").log.contains("eth0"), "{report:?}");
    bench.done().await;
}

#[tokio::test]
async fn builds_at_the_same_time_never_share_a_step_that_saw_a_secret() {
    let bench = Bench::new("shared-step").await;
    let dockerfile =
        "FROM busybox\nRUN --mount=type=secret,id=key cp /run/secrets/key /seen && sleep 1\n";
    let build = |name: &str| {
        let request = BuildRequest {
            name: name.to_owned(),
            no_cache: true,
            secrets: [("key".to_owned(), name.to_owned().into())].into(),
            ..bench.request(dockerfile)
        };
        bench.build(request)
    };
    let (one, two) = tokio::join!(build("one"), build("two"));
    for (report, secret) in [(one, "one"), (two, "two")] {
        let labels = &bench.labels;
        let (image, name) = (built(&report), format!("{secret}-{}", labels.run));
        let shelf = bench.engine.create_unstarted(&image, &name, labels).await;
        let Ok(Created::Container(shelf)) = shelf else { panic!("no container: {shelf:?}") };
        let seen = bench.engine.read_path(&shelf, "/seen", 10_000).await.expect("an answer");
        let tar = seen.expect("the file").tar;
        let mut archive = tar::Archive::new(tar.as_slice());
        let mut entry =
            archive.entries().expect("a tar").next().expect("an entry").expect("a file");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).expect("text");
        assert_eq!(text, secret);
    }
    bench.done().await;
}
