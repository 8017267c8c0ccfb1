//! Whose fault it is cannot be chosen by the submission: `FAULTS.md` has the list. Each case here
//! once came out, or could come out, as our failure, which takes no points.

use std::io::Write as _;

use grade::engine::{Endpoint, Engine};
use grade::evidence::{Evidence, Outcome};
use grade::fact::{Facts, Value};
use grade::plan;
use grade::sandbox::{SandboxConfig, SandboxLimits, Sandboxes};
use grade::session::{LIMITS, Place, Session, sandbox_config};
use grade::submission::Submission;

const HEAD: &str = "format = \"grade/rubric/v1\"\nslug = \"trial\"\ntitle = \"t\"\nlesson = \"l\"\n\
    [limits]\nbuild = \"60s\"\n[values]\nword = { random = 20 }\n\
    [builds.submission]\nnetwork = \"none\"\n";

/// A disk that is soon full.
const DISK: u64 = 512 << 20;

/// One probe, worth a point.
fn probe(id: &str, kind: &str, with: &str, expect: &str) -> String {
    format!(
        "[[probe]]\nid = \"{id}\"\ntitle = \"{id}\"\nkind = \"{kind}\"\nwith = {{ {with} }}\n\
         expect = {{ {expect} }}\npoints = 1\n"
    )
}

/// What is observed of a submission with this Dockerfile, in a sandbox with a disk of so many bytes.
async fn observe_on(disk: u64, dockerfile: &[u8], probes: &str) -> Evidence {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    std::fs::write(work.join("Dockerfile"), dockerfile).unwrap();
    let rubric = folder.path().join("trial.toml");
    std::fs::write(&rubric, format!("{HEAD}{probes}")).unwrap();
    let plan = plan::load(&rubric).unwrap_or_else(|error| panic!("{error}"));
    let endpoint = Endpoint::resolve(None).expect("an engine is configured");
    let outer = Engine::connect(&endpoint).await.expect("these tests need a Docker Engine");
    let config = sandbox_config(env!("CARGO_BIN_EXE_grade").into());
    let limits = SandboxLimits { disk, ..config.limits };
    let sandboxes = Sandboxes::new(outer, SandboxConfig { limits, ..config }, 0);
    let place = Place::sandbox(&sandboxes, &plan.rubric).await.expect("a sandbox: run ci/setup");
    let session = Session { submission: Submission::open(&work).unwrap(), given: None };
    let outcome = session.run(&plan, place, Box::new(|_| {}), std::future::pending()).await;
    outcome.evidence.expect("nobody stopped it")
}

async fn observe(dockerfile: &[u8], probes: &str) -> Evidence {
    observe_on(LIMITS.disk, dockerfile, probes).await
}

/// The facts of the one observation that there is of a kind.
#[track_caller]
fn facts<'a>(evidence: &'a Evidence, kind: &str) -> &'a Facts {
    match outcome(evidence, kind) {
        Outcome::Observed(facts) => facts,
        other => panic!("{kind} has no facts: {other:?}"),
    }
}

#[track_caller]
fn outcome<'a>(evidence: &'a Evidence, kind: &str) -> &'a Outcome {
    let mut found = evidence.observations.iter().filter(|found| found.ask.kind == kind);
    &found.next().expect("an observation").outcome
}

#[track_caller]
fn text<'a>(facts: &'a Facts, name: &str) -> &'a str {
    match facts.get(name) {
        Some(Value::Text(text)) => text,
        other => panic!("{name}: {other:?} in {facts:?}"),
    }
}

/// Dockerfiles that do not build, and what is said of them.
fn failing() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let comments = "# and so on and so on and so on and so on and so on\n".repeat(20_000);
    let stages: String = (0..400).map(|n| format!("FROM busybox AS s{n}\n")).collect();
    let cases: &[(&str, &str, &str)] = &[
        ("words in an instruction", "FROM busybox\nENV 'context canceled'\n", "context"),
        (
            "words in a path",
            "FROM busybox\nCOPY [\"no active session no space left on device\", \"/\"]\n",
            "not found",
        ),
        (
            "words in a command",
            "FROM busybox\nRUN echo 'failed to mount: context canceled'; exit 3\n",
            "exit code: 3",
        ),
        (
            "words of the runtime",
            "FROM busybox\nRUN echo 'runc run failed: unable to start'; exit 3\n",
            "exit code: 3",
        ),
        ("no such program", "FROM busybox\nRUN [\"/no/such\"]\n", "/no/such"),
        ("words in a user", "FROM busybox\nUSER cgroup\nRUN true\n", "unable to find user"),
        ("a typing mistake in FROM", "FROM busybx\n", "there is no image busybx here"),
        ("names like trouble", "FROM x509/toomanyrequests:1\n", "there is no image x509/too"),
        ("a registry of one's own", "FROM 127.0.0.1:9/x509:1\n", "there is no image 127.0.0.1:9/"),
        ("an image of the grader's", "FROM registry:2\n", "there is no image registry:2 here"),
        ("another", "FROM grade.local/tools:1\n", "there is no image grade.local/tools:1"),
        (
            "a digest that nothing has",
            "FROM busybox@sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
            "there is no image busybox@",
        ),
        (
            "COPY --from what is not there",
            "FROM busybox\nCOPY --from=other:1 /a /\n",
            "no image other:1",
        ),
        (
            "ADD from a server that does not answer",
            "FROM busybox\nADD http://127.0.0.1:9/x /\n",
            "refused",
        ),
        ("no network of the host's", "FROM busybox\nRUN --network=host true\n", "not allowed"),
    ];
    let mut cases: Vec<(&str, Vec<u8>, &str)> =
        cases.iter().map(|(what, text, said)| (*what, text.as_bytes().to_vec(), *said)).collect();
    let mut add = |what, text: Vec<u8>, said| cases.push((what, text, said));
    let long = format!("FROM busybox\nRUN false\n{comments}");
    add("a failing Dockerfile of a megabyte", long.into(), "exit code: 1");
    add("hundreds of stages", format!("{stages}RUN exit 7\n").into(), "exit code: 7");
    let long = format!("FROM busybox\nRUN exit 9 {}\n", "x".repeat(60_000));
    add("a command of 60 kB", long.into(), "exit 9 x");
    add("bytes that are no text", b"FROM busybox\nRUN echo '\xff\xfe' && exit 5\n".to_vec(), "");
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_is_the_submission_s_whatever_it_says() {
    let builds = probe("builds", "build", "", "succeeded = true");
    for (what, dockerfile, said) in failing() {
        let evidence = observe(&dockerfile, &builds).await;
        let facts = facts(&evidence, "build");
        assert_eq!(facts["succeeded"], Value::Bool(false), "{what}");
        assert!(text(facts, "error").contains(said), "{what}: {facts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_cannot_start_is_the_submission_s_whatever_it_says() {
    let runs = probe("runs", "run", "", "started = true");
    for (what, dockerfile) in [
        ("a program called like trouble", "CMD [\"cgroup iptables no such container\"]"),
        ("a user called like trouble", "USER cgroup\nCMD [\"true\"]"),
        ("a folder that is a file", "RUN touch /tmp/f\nWORKDIR /tmp/f/no space left on device"),
        ("a folder that becomes a file", "WORKDIR /w\nRUN cd / && rmdir /w && touch /w"),
        ("no shell", "RUN rm /bin/sh\nCMD echo transport is closing"),
        ("users in a folder", "RUN rm /etc/passwd && mkdir /etc/passwd\nUSER ada"),
        ("a volume where a file is", "VOLUME /bin/busybox"),
    ] {
        let evidence = observe(format!("FROM busybox\n{dockerfile}\n").as_bytes(), &runs).await;
        match outcome(&evidence, "run") {
            Outcome::Observed(facts) => {
                assert_eq!(facts["started"], Value::Bool(false), "{what}: {facts:?}");
            }
            Outcome::Unreached { .. } => {}
            Outcome::Faulted(fault) => panic!("{what}: {fault:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_and_files_are_looked_through() {
    let long = "n".repeat(255);
    let dockerfile = format!(
        "FROM python:3.12-slim\n\
         RUN python3 -c \"import os, socket; os.mkdir(b'/h'); \
         open(b'/h/\\xff\\xfe\\x01 \\x1b[31m', 'w').close(); open('/h/{long}', 'w').close(); \
         os.mkfifo('/h/pipe'); socket.socket(socket.AF_UNIX).bind('/h/sock'); \
         os.mknod('/h/device', 0o20600, os.makedev(1, 5)); \
         open('/h/one', 'w').close(); os.link('/h/one', '/h/two'); \
         os.truncate('/h/one', 3 << 30); \
         os.symlink('b' * 300, '/h/far'); os.symlink('loop', '/h/loop'); \
         os.chown('/h/two', 2**31, 2**31)\"\n"
    );
    let probes = [
        probe("far", "file", "path = \"/h/far\"", "exists = false"),
        probe("find", "find", "path = '^/h/two$'", "count = 1"),
        probe("leak", "leak", "needle = \"${word}\"", "leaked = false"),
        probe("image", "image", "", "os = \"linux\""),
        probe("layers", "layers", "leave_out = \"x\"", "layers = 1"),
    ];
    let evidence = observe(dockerfile.as_bytes(), &probes.concat()).await;
    assert_eq!(facts(&evidence, "file")["exists"], Value::Bool(false));
    assert_eq!(facts(&evidence, "find")["count"], Value::Int(1));
    assert_eq!(facts(&evidence, "image")["os"], Value::Text("linux".into()));
    // A file that says it has 3 GB is more than is read of an image.
    for kind in ["leak", "layers"] {
        let Outcome::Unreached { because } = outcome(&evidence, kind) else {
            panic!("{kind}: {:?}", outcome(&evidence, kind));
        };
        assert!(because.contains("2.0 GB"), "{because}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_does_against_being_mended_is_its_own() {
    // Once broken, the marker is a folder that `rm -f` does not remove.
    let dockerfile = "FROM busybox\nCMD [\"sleep\", \"600\"]\n\
        HEALTHCHECK --interval=1s --retries=1 CMD if [ -e /tmp/broken ]; then \
        rm -f /tmp/broken; mkdir -p /tmp/broken; yes | head -c 300000; exit 1; fi\n";
    let health = probe("falls", "health", "break = \"file\"", "became_unhealthy = true");
    let evidence = observe(dockerfile.as_bytes(), &health).await;
    let facts = facts(&evidence, "health");
    assert_eq!(facts["became_unhealthy"], Value::Bool(true), "{facts:?}");
    assert_eq!(facts["recovered"], Value::Bool(false), "{facts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_container_that_resists_it_is_answered() {
    let exec = probe("says", "exec", "command = [\"id\"], user = \"ada\"", "exit_code = 0");
    for (what, dockerfile) in [
        ("users in a folder", "CMD rm /etc/passwd; mkdir /etc/passwd; sleep 600"),
        ("a container that ends at once", "CMD [\"true\"]"),
        ("no processes left", "CMD while :; do sleep 600 & done"),
    ] {
        let evidence = observe(format!("FROM busybox\n{dockerfile}\n").as_bytes(), &exec).await;
        assert!(!matches!(outcome(&evidence, "exec"), Outcome::Faulted(_)), "{what}: {evidence:?}");
    }
    let flood = probe("says", "exec", "command = [\"yes\"], time_limit = \"2s\"", "exit_code = 0");
    let evidence = observe(b"FROM busybox\nCMD [\"sleep\", \"600\"]\n", &flood).await;
    assert_eq!(facts(&evidence, "exec")["timed_out"], Value::Bool(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_much_to_say_is_read() {
    let mut dockerfile = b"FROM busybox\n".to_vec();
    // The builder takes minutes for thousands of variables; labels cost it nothing.
    let pairs = |what: &str, count: u32| -> String {
        (0..count).map(|n| format!(" {what}{n}={}", "b".repeat(10))).collect()
    };
    writeln!(dockerfile, "ENV{}", pairs("A", 100)).unwrap();
    for n in 0..20 {
        writeln!(dockerfile, "LABEL{}", pairs(&format!("l{n}_"), 100)).unwrap();
    }
    let evidence = observe(&dockerfile, &probe("image", "image", "", "os = \"linux\"")).await;
    assert!(matches!(facts(&evidence, "image")["env"], Value::Map(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_a_limit_of_the_submission() {
    // The image takes more than half of it, so that nothing is left for an export.
    let dockerfile = "FROM busybox\nRUN head -c 300m /dev/zero > /big\n";
    let leak = probe("leak", "leak", "needle = \"${word}\"", "leaked = false");
    let evidence = observe_on(DISK, dockerfile.as_bytes(), &leak).await;
    let Outcome::Unreached { because } = outcome(&evidence, "leak") else { panic!("{evidence:?}") };
    assert!(because.contains("disk"), "{because}");
}
