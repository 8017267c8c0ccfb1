//! The sandbox, seen from outside: what a submission can take, what its commands can reach, and
//! what is left of it on the engine around it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use grade::engine::{Created, Endpoint, Engine, Labels, Owner, SandboxSpec, Sifting};
use grade::evidence::{Evidence, Outcome};
use grade::fact::{Facts, Value};
use grade::plan;
use grade::sandbox::{LABEL, MAKER, Sandbox, SandboxConfig, SandboxLimits, Sandboxes};
use grade::session::{Place, Session};
use grade::sift::Wanted;
use grade::submission::Submission;

/// Little, so that it is taken soon; how much it is changes nothing in how it is held.
const LITTLE: SandboxLimits = SandboxLimits { memory: 256 << 20, processes: 200, disk: 512 << 20 };

const HEAD: &str = "format = \"grade/rubric/v1\"\nslug = \"trial\"\ntitle = \"t\"\nlesson = \"l\"\n\
    [builds.submission]\nnetwork = \"none\"\n";
const BUILDS: &str = "[[probe]]\nid = \"builds\"\ntitle = \"b\"\nkind = \"build\"\n\
    expect = { succeeded = true }\npoints = 1\n";
const PLAYS: &str = "[plays.life]\ntime = \"120s\"\nsteps = [{ name = \"first\", do = \"run\", script = \"run.sh\" }]\n\
    [[probe]]\nid = \"starts\"\ntitle = \"s\"\nkind = \"stage\"\n\
    with = { play = \"life\", step = \"first\" }\nexpect = { done = true }\npoints = 1\n";

/// One test at a time: what is on the engine is compared before and after.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The engine at hand; a missing one is a loud failure, never a skipped test.
async fn engine() -> Engine {
    let endpoint = Endpoint::resolve(None).expect("an engine is configured");
    Engine::connect(&endpoint).await.expect("these tests need a Docker Engine: run ci/setup")
}

/// Sandboxes of a test's own make.
fn sandboxes(engine: &Engine, limits: SandboxLimits, spares: usize) -> Sandboxes {
    let program = env!("CARGO_BIN_EXE_grade").into();
    let config = SandboxConfig { limits, bases: vec!["busybox".into()], own: vec![], program };
    Sandboxes::new(engine.clone(), config, spares)
}

/// A sandbox of this test's own make.
async fn sandbox(engine: &Engine, limits: SandboxLimits) -> Arc<Sandbox> {
    let sandboxes = sandboxes(engine, limits, 0);
    Arc::new(sandboxes.claim(false).await.expect("a sandbox: run ci/setup"))
}

/// What is observed of a submission of these files.
async fn observe(sandbox: &Arc<Sandbox>, probes: &str, files: &[(&str, &str)]) -> Evidence {
    observe_in(Place::Sandbox(Arc::clone(sandbox)), probes, files).await
}

async fn observe_in(place: Place, probes: &str, files: &[(&str, &str)]) -> Evidence {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    for (name, text) in files {
        std::fs::write(work.join(name), text).unwrap();
    }
    let rubric = folder.path().join("trial.toml");
    std::fs::write(&rubric, format!("{HEAD}{probes}")).unwrap();
    let plan = plan::load(&rubric).unwrap_or_else(|error| panic!("{error}"));
    let session = Session { submission: Submission::open(&work).unwrap(), given: None };
    let outcome = session.run(&plan, place, Box::new(|_| {}), std::future::pending()).await;
    outcome.evidence.expect("nobody stopped it")
}

/// The facts of the one observation there is.
fn facts(evidence: &Evidence) -> &Facts {
    match &evidence.observations[0].outcome {
        Outcome::Observed(facts) => facts,
        other => panic!("no facts: {other:?}"),
    }
}

fn text<'a>(facts: &'a Facts, name: &str) -> &'a str {
    match facts.get(name) {
        Some(Value::Text(text)) => text,
        other => panic!("{name}: {other:?} in {facts:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_all_there_is_reads_which_limit_it_was_and_the_next_feels_nothing() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let takes = [
        ("memory", "RUN tail /dev/zero", "all the memory"),
        ("processes", "RUN f() { f | f & }; f; sleep 5; exit 1", "as many processes"),
        ("disk", "RUN cat /dev/zero > /full", "disk"),
    ];
    for (limit, run, sentence) in takes {
        let sandbox = sandbox(&engine, LITTLE).await;
        let dockerfile = format!("FROM busybox\n{run}\n");
        let evidence = observe(&sandbox, BUILDS, &[("Dockerfile", &dockerfile)]).await;
        let facts = facts(&evidence);
        assert_eq!(facts["succeeded"], Value::Bool(false), "{run}: {facts:?}");
        assert_eq!(text(facts, "limit"), limit, "{facts:?}");
        assert!(text(facts, "error").contains(sentence), "{facts:?}");
        drop(sandbox);
        // Whoever comes next finds all of it free again.
        let sandbox = self::sandbox(&engine, LITTLE).await;
        // What a sandbox has of prepared images is found, too.
        let said = self::run(&["clean", "--all", "--dry-run"]);
        assert!(said.contains("would remove prepared images grade-bases-"), "{said}");
        let modest = "FROM busybox\nRUN head -c 100m /dev/zero > /some && sleep 0.1\n";
        let evidence = observe(&sandbox, BUILDS, &[("Dockerfile", modest)]).await;
        assert_eq!(self::facts(&evidence)["succeeded"], Value::Bool(true), "after {limit}");
    }
}

/// What a script might try, and what it is told: each is refused by the wall before the engine, or
/// by what the commands' own container is.
const REFUSED: &[(&str, &str)] = &[
    ("docker run --privileged busybox id", "asked for --privileged"),
    ("docker run --device /dev/loop0 busybox id", "asked for --device"),
    ("docker run --device-cgroup-rule 'b *:* rwm' busybox id", "asked for --device-cgroup-rule"),
    ("docker run --gpus all busybox id", "asked for --gpus"),
    ("docker run --network host busybox id", "asked for --network host"),
    ("docker run --pid host busybox id", "asked for --pid host"),
    ("docker run --ipc host busybox id", "asked for --ipc host"),
    ("docker run --uts host busybox id", "asked for --uts host"),
    ("docker run --userns host busybox id", "asked for --userns host"),
    ("docker run --cgroupns host busybox id", "asked for --cgroupns host"),
    ("docker run --cgroup-parent / busybox id", "asked for --cgroup-parent"),
    ("docker run --cap-add SYS_ADMIN busybox id", "asked for --cap-add CAP_SYS_ADMIN"),
    ("docker run --cap-add ALL busybox id", "asked for --cap-add ALL"),
    ("docker run --security-opt seccomp=unconfined busybox id", "seccomp=unconfined"),
    ("docker run --security-opt apparmor=unconfined busybox id", "apparmor=unconfined"),
    ("docker run --security-opt systempaths=unconfined busybox id", "systempaths=unconfined"),
    ("docker run --sysctl net.core.somaxconn=1 busybox id", "asked for --sysctl"),
    ("docker run --oom-kill-disable busybox id", "asked for --oom-kill-disable"),
    ("docker run --runtime another busybox id", "asked for --runtime"),
    ("docker run --log-driver syslog busybox id", "asked for --log-driver"),
    ("docker run -v /:/host busybox cat /host/etc/shadow", "a mount of /"),
    ("docker run -v /run/docker.sock:/s busybox id", "a mount of /run/docker.sock"),
    ("docker run -v /proc:/p busybox cat /p/1/environ", "a mount of /proc"),
    ("docker run -v $PWD/../..:/up busybox ls /up", "a mount of"),
    ("docker run --mount type=bind,src=/etc,dst=/e busybox id", "a mount of /etc"),
    (
        "docker run --mount type=volume,dst=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/ busybox ls /x",
        "a volume with the options",
    ),
    ("docker volume create --opt type=none --opt o=bind --opt device=/ all", "the options"),
    ("docker network create -d host again", "network"),
    ("docker build --network host -f bad.Dockerfile .", "network"),
    ("docker swarm init", "docker swarm"),
    ("docker plugin install --grant-all-permissions vieux/sshfs", "docker plugin"),
    (
        "curl -sf --unix-socket /run/docker.sock -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
        -d '{\"Image\":\"busybox\",\"HostConfig\":{\"Privileged\":true}}' http://x/containers/create",
        "asked for --privileged",
    ),
];

/// What needs no engine to be tried, and what the container of the commands keeps from them.
const KEPT_AWAY: &[&str] = &[
    "docker run --sysctl kernel.core_pattern=x busybox id",
    "mount -t tmpfs none /mnt",
    "unshare -Ur id",
    "nsenter -t 1 -m id",
    "chroot / id",
    "mknod /tmp/disk b 7 0",
    "sh -c 'echo x > /proc/sys/kernel/core_pattern'",
    "sh -c 'echo x > /proc/sysrq-trigger'",
    "sh -c 'echo x > /usr/bin/docker'",
    "sh -c 'mkdir /sys/fs/cgroup/mine'",
    "test -e /run/grade-control.sock",
    "test -e /disk",
    "cat /etc/shadow",
    "su -c id",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_tries_each_refused_thing_gains_nothing() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let canary = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&canary, "canary-of-the-machine\n").unwrap();
    let pattern = || std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let (before, named) = (pattern(), left());

    let canary_path = canary.path().display();
    let own = format!("docker run -v {canary_path}:/c busybox cat /c");
    let tries = REFUSED.iter().map(|(words, _)| *words).chain(KEPT_AWAY.iter().copied());
    let tries: Vec<&str> = tries.chain([own.as_str()]).collect();
    let mut script = String::from("#!/bin/sh\n");
    for (number, words) in tries.iter().enumerate() {
        script += &format!("{words} >out 2>&1 && echo \"GAINED {number}\"\ncat out\n");
    }
    // That what is allowed goes through shows that it is not all refused for another reason.
    script += "docker run --rm busybox echo ALLOWED && exit 0\n";
    let bad = "FROM busybox\nRUN --network=host true\n";
    let sandbox = sandbox(&engine, SandboxLimits { memory: 512 << 20, ..LITTLE }).await;
    let files = [("run.sh", script.as_str()), ("bad.Dockerfile", bad)];
    let evidence = observe(&sandbox, PLAYS, &files).await;
    let facts = facts(&evidence);

    let said = text(facts, "stdout");
    let gained: Vec<&str> = said.lines().filter(|line| line.contains("GAINED")).collect();
    assert!(gained.is_empty(), "{gained:?} of {tries:#?}\n{said}");
    assert!(said.contains("ALLOWED"), "{said}");
    let Some(Value::List(refusals)) = facts.get("refusals") else { panic!("{facts:?}") };
    for (words, sentence) in REFUSED {
        let told = refusals.iter().any(|refusal| refusal.contains(sentence));
        assert!(told, "{words}: no sentence has {sentence:?}: {refusals:#?}");
    }
    // Seen from outside: one container, the allowed one, came to be in there; nothing out here.
    assert_eq!(facts["created"], Value::Int(1), "{facts:?}");
    assert!(!serde_json::to_string(&evidence).unwrap().contains("canary-of-the-machine"));
    assert_eq!(pattern(), before);
    drop(sandbox);
    assert_eq!(left(), named);
}

/// All that the docker command can list on the engine at hand, but for sandboxes and what is theirs.
fn left() -> BTreeSet<String> {
    let docker = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("the docker CLI");
        assert!(output.status.success(), "docker {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let label = format!("label={LABEL}");
    let format = "{{.ID}},{{.Mounts}}";
    let sandboxes = docker(&["ps", "-a", "--no-trunc", "-f", &label, "--format", format]);
    let own: BTreeSet<&str> = sandboxes.lines().flat_map(|line| line.split(',')).collect();
    let lists: [&[&str]; 4] = [
        &["ps", "-aq", "--no-trunc"],
        &["images", "-aq", "--no-trunc"],
        &["volume", "ls", "-q"],
        &["network", "ls", "-q", "--no-trunc"],
    ];
    let all: String = lists.iter().map(|list| docker(list)).collect();
    // What is prepared for all sandboxes stays.
    let is_own = |id: &str| own.contains(id) || id.starts_with("grade-bases-");
    all.lines().filter(|id| !is_own(id)).map(str::to_owned).collect()
}

/// The command on a solution, with the engine in a sandbox as it is unless said otherwise.
fn grade(slug: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("assignments").join(slug).join("solution");
    let ran = run(&[folder.to_str().unwrap(), "--assignment", slug, "--strict"]);
    assert!(ran.contains("Score 10 / 10"), "{ran}");
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_grade"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_gradings_leave_the_engine_as_it_was_but_for_a_warm_sandbox() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let before = left();
    let warm = async || engine.sandboxes(LABEL).await.unwrap();
    let is_new = {
        let known: BTreeSet<String> = warm().await.into_iter().map(|one| one.id).collect();
        move |id: &String| !known.contains(id)
    };
    for slug in ["oci-labels", "share-save-load"].repeat(5) {
        grade(slug);
    }
    assert_eq!(left(), before);
    // Those that were used may be on their way out.
    let is_spare = |name: &String| name.starts_with("grade-spare-");
    let spare = warm().await.into_iter().filter(|one| is_new(&one.id)).map(|one| one.name);
    let spare: Vec<String> = spare.filter(is_spare).collect();
    assert!(spare.len() <= 1, "one for the next command, whatever the exercise: {spare:?}");
}

/// Each container leaves a process behind that its parent does not wait for. They count
/// against what the sandbox may have.
#[tokio::test(flavor = "multi_thread")]
async fn no_process_stays_that_has_ended() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let warm = async || engine.sandboxes(LABEL).await.unwrap().into_iter().map(|one| one.id);
    let known: BTreeSet<String> = warm().await.collect();
    let sandbox = sandbox(&engine, LITTLE).await;
    let script = "for i in 1 2 3; do docker run --rm busybox true; done\n";
    let evidence = observe(&sandbox, PLAYS, &[("run.sh", script)]).await;
    assert_eq!(facts(&evidence)["created"], Value::Int(3));
    let made: Vec<String> = warm().await.filter(|id| !known.contains(id)).collect();
    let [made] = made.as_slice() else { panic!("{made:?}") };
    let first = Command::new("docker").args(["inspect", "-f", "{{.State.Pid}}", made]).output();
    let first = String::from_utf8(first.unwrap().stdout).unwrap();
    let ended = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let stats =
            processes.filter_map(|one| std::fs::read_to_string(one.path().join("stat")).ok());
        let is_ended = |stat: &String| {
            let mut rest = stat.rsplit(") ").next().unwrap().split(' ');
            (rest.next(), rest.next()) == (Some("Z"), Some(first.trim()))
        };
        stats.filter(is_ended).collect::<Vec<_>>()
    };
    let began = std::time::Instant::now();
    let mut stayed = ended();
    // There are always some that end just now.
    while !stayed.is_empty() && began.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stayed = ended();
    }
    assert_eq!(stayed, Vec::<String>::new());
    drop(sandbox);
}

/// A sandbox that is being made is not running yet, and one whose engine was killed leaves its disk.
#[tokio::test(flavor = "multi_thread")]
async fn clean_removes_what_is_left_of_sandboxes_and_none_that_is_being_made() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let this = Owner::this_process().expect("a /proc");
    let gone = this.to_string().replace(&format!(":{}:", std::process::id()), ":4194305:");
    let create = async |maker: &str| {
        let spec = SandboxSpec {
            name: format!("sandbox-{:08x}", rand::random::<u32>()),
            image: "busybox".to_owned(),
            command: vec!["true".to_owned()],
            env: Vec::new(),
            labels: [(LABEL, "trial"), (MAKER, maker)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            memory: 64 << 20,
            pids: 64,
            cpus: 0.5,
            disk: Some("/sandbox".to_owned()),
            shared: None,
        };
        engine.create_sandbox(&spec).await.unwrap().expect("nobody has that name")
    };
    let (ours, theirs) = (create(&this.to_string()).await, create(&gone).await);
    let bereft = create(&gone).await;
    // An engine that was killed may have left others.
    let before = engine.sandbox_disks(LABEL, true).await.unwrap().len();
    engine.remove_keeping_volumes(&bereft).await.unwrap();
    assert_eq!(engine.sandbox_disks(LABEL, true).await.unwrap().len(), before + 1);

    let said = run(&["clean"]);
    assert!(said.contains("removed sandbox's disk"), "{said}");
    assert_eq!(engine.sandbox_disks(LABEL, true).await.unwrap(), []);
    let trial = format!("{LABEL}=trial");
    let left = engine.sandboxes(&trial).await.unwrap();
    let left: Vec<&str> = left.iter().map(|sandbox| sandbox.id.as_str()).collect();
    assert_eq!(left, [ours.as_str()], "not {theirs}: {said}");
    engine.remove(&ours).await.unwrap();
}

/// Waits until there is no sandbox but those that are known.
async fn until_gone(engine: &Engine, known: &BTreeSet<String>) {
    let began = std::time::Instant::now();
    loop {
        let there = engine.sandboxes(LABEL).await.unwrap();
        let there: Vec<String> =
            there.into_iter().map(|one| one.id).filter(|id| !known.contains(id)).collect();
        if there.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "still there: {there:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A container that was made and never started tells its end to nobody who listens to it, and who
/// listens to it holds the sandbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_play_lets_go_of_its_sandbox_whatever_its_containers_were() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let known = engine.sandboxes(LABEL).await.unwrap().into_iter().map(|one| one.id).collect();
    let script =
        "docker create --name one busybox && docker rm one\ndocker create --name two busybox\n";
    let sandbox = sandbox(&engine, LITTLE).await;
    let evidence = observe(&sandbox, PLAYS, &[("run.sh", script)]).await;
    let facts = facts(&evidence);
    assert_eq!(facts["created"], Value::Int(2), "{facts:?}");
    drop(sandbox);
    until_gone(&engine, &known).await;
}

/// What one submission leaves on its engine, under whatever name, is not there for the next.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_sandbox_is_in_another() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let sandboxes = sandboxes(&engine, LITTLE, 1);
    let first = Arc::new(sandboxes.claim(false).await.unwrap());
    let fake = "docker run --name fake busybox touch /fake && docker commit fake busybox:latest && \
        docker volume create kept && docker network create wire && echo x > /tmp/left && \
        docker run -d --name ghost busybox sleep 600\n";
    let evidence = observe(&first, PLAYS, &[("run.sh", fake)]).await;
    assert_eq!(facts(&evidence)["done"], Value::Bool(true), "{:?}", facts(&evidence));
    // Both ways to another: beside the first, and after it.
    let beside = Arc::new(first.another().await.unwrap());
    drop(first);
    let after = Arc::new(sandboxes.claim(false).await.unwrap());
    let look = "docker ps -aq; docker volume ls -q; docker network ls -q -f type=custom; ls /tmp\n\
        docker run --rm busybox ls / | grep fake\ndocker images -q | wc -l\n";
    for next in [beside, after] {
        assert!(next.image("busybox").is_some(), "{:?}", next.images());
        let evidence = observe(&next, PLAYS, &[("run.sh", look)]).await;
        assert_eq!(text(facts(&evidence), "stdout").trim(), "1", "{:?}", facts(&evidence));
    }
    sandboxes.settle().await;
}

/// Those with a way to the outside are on one bridge. What one publishes is for itself.
#[tokio::test(flavor = "multi_thread")]
async fn no_sandbox_reaches_another_over_the_network() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let (one, its) = sandbox_and_container(&engine, true).await;
    let (other, others) = sandbox_and_container(&engine, true).await;
    let docker = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("the docker CLI");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said.trim().to_owned())
    };
    let inside = |id: &str, words: &str| docker(&["exec", id, "sh", "-c", words]);
    let server = "set -e; docker run -d -p 8080:8080 --name server busybox \
            sh -c 'echo found >/x; httpd -f -p 8080'
        docker exec server sh -c 'until wget -q -O - http://127.0.0.1:8080/x; do true; done'";
    let (is_up, said) = inside(&its, server);
    assert!(is_up && said.ends_with("found"), "{said}");
    let (_, address) =
        docker(&["inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", &its]);
    let ask = format!("docker run --rm busybox wget -T 3 -q -O - http://{address}:8080/x");
    assert_eq!(inside(&its, &ask), (true, "found".to_owned()), "{address}");
    let (is_reached, said) = inside(&others, &ask);
    assert!(!is_reached && said.contains("timed out"), "{address}: {said}");
    drop((one, other));
}

/// A sandbox, and the id of its container on the engine around it.
async fn sandbox_and_container(engine: &Engine, outside: bool) -> (Arc<Sandbox>, String) {
    let all = async || engine.sandboxes(LABEL).await.unwrap().into_iter();
    // One that was ready has another name from now on.
    let known: BTreeSet<String> = all().await.map(|one| one.name).collect();
    let sandbox =
        sandboxes(engine, LITTLE, 0).claim(outside).await.expect("a sandbox: run ci/setup");
    let ours = all().await.find(|one| !known.contains(&one.name)).expect("its container");
    (Arc::new(sandbox), ours.id)
}

/// The disk has a limit; whatever else there is to write to in a sandbox does not.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_limited_disk_can_be_written_in_a_sandbox() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let (sandbox, ours) = sandbox_and_container(&engine, false).await;
    // As root, with every right that the engine inside has.
    let script = "cut -d' ' -f2 /proc/mounts | while read -r at; do [ -d \"$at\" ] || continue; \
        ( : > \"$at/canary\" ) 2>/dev/null && { stat -f -c \"%T $at\" \"$at\"; rm \"$at/canary\"; }; \
        done | sort -u";
    let output = Command::new("docker").args(["exec", &ours, "sh", "-c", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let is_counted = |line: &&str| {
        // The last is no place for files.
        line.starts_with("tmpfs ")
            || line.starts_with("mqueue ")
            || ["/disk", "/var/lib/docker", "/var/lib/containerd", "/home/student"]
                .iter()
                .any(|at| line.ends_with(at))
    };
    let other: Vec<&str> = said.lines().filter(|line| !is_counted(line)).collect();
    assert!(other.is_empty(), "{other:?}");
    assert!(said.contains(" /disk"), "the disk itself can be: {said} {output:?}");
    drop(sandbox);
}

/// What is asked for cannot leave the submission's control group: the engine knows no other.
#[tokio::test(flavor = "multi_thread")]
async fn the_engine_knows_no_group_but_the_submission_s() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let (sandbox, ours) = sandbox_and_container(&engine, false).await;
    // Past the wall, straight to the engine.
    let script = "docker run -d --name out --cgroup-parent /evil busybox sleep 60 >/dev/null && \
        cat /proc/$(docker inspect -f '{{.State.Pid}}' out)/cgroup";
    let output = Command::new("docker").args(["exec", &ours, "sh", "-c", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let limited = |line: &&str| {
        ["memory", "pids", ""].contains(&line.split(':').nth(1).unwrap_or("-"))
            && line.contains("evil")
    };
    let groups: Vec<&str> = said.lines().filter(limited).collect();
    assert!(!groups.is_empty(), "{said} {output:?}");
    assert!(groups.iter().all(|line| line.contains("/student/evil/")), "{groups:?}");
    drop(sandbox);
}

/// A RUN that the runtime cannot begin has an exit code like one that fails by itself. It is asked again elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_begin_a_program_has_not_failed_in_it() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let (sandbox, ours) = sandbox_and_container(&engine, false).await;
    let no_groups = "for at in /sys/fs/cgroup/pids /sys/fs/cgroup; do \
        [ ! -e $at/cgroup.procs ] || mount -o remount,bind,ro $at || exit 1; done";
    let output =
        Command::new("docker").args(["exec", &ours, "sh", "-c", no_groups]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let evidence = observe(&sandbox, BUILDS, &[("Dockerfile", "FROM busybox\nRUN true\n")]).await;
    assert_eq!(facts(&evidence)["succeeded"], Value::Bool(true), "{:?}", facts(&evidence));
}

/// Inside, it is another process that looks, and tells.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_for_in_a_sandbox_is_found_as_on_the_engine_at_hand() {
    let _alone = ALONE.lock().await;
    let engine = engine().await;
    let sandbox = sandbox(&engine, LITTLE).await;
    let name = format!("sift-{}", std::process::id());
    let labels = Labels {
        run: name.clone(),
        submission: "s".to_owned(),
        probe: "file".to_owned(),
        owner: Owner::this_process().expect("an owner").to_string(),
    };
    let mut all = Vec::new();
    for engine in [&engine, &sandbox.engine] {
        let made = engine.create_unstarted("busybox", &name, &labels).await.unwrap();
        let Created::Container(id) = made else { panic!("{made:?}") };
        let sift = async |container: &str, path: &str, content: &str| {
            let contents = vec![content.as_bytes().to_vec()];
            let wanted = Wanted { path: Some(path.to_owned()), contents, archives: false };
            engine.sift(&Sifting { container: container.to_owned(), wanted }).await
        };
        let found = sift(&id, "^/bin/sh$", "root:x:0:0:").await;
        let gone = sift("gone", "^/bin/sh$", "root:x:0:0:").await.unwrap_err();
        let wrong = sift(&id, "(", "root:x:0:0:").await.unwrap_err();
        engine.remove(&id).await.unwrap();
        let found = found.unwrap();
        assert_eq!(found.paths, ["/bin/sh", "/etc/passwd"]);
        assert!(gone.to_string().contains("No such container: gone"), "{gone}");
        all.push((found, wrong.cause().to_string()));
    }
    assert_eq!(all[0], all[1]);
}

/// An engine as it comes, and a build that began before it and goes on for longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_finds_what_was_done_whatever_else_is_built() {
    const AGAIN: &str = "[builds.again]\nnetwork = \"none\"\nafter = \"submission\"\n\
        files = { app = \"changed\" }\n[[probe]]\nid = \"again\"\ntitle = \"a\"\nkind = \"build\"\n\
        with = { build = \"again\" }\nexpect = { succeeded = true }\npoints = 1\n";
    let _alone = ALONE.lock().await;
    let sandbox = sandbox(&engine().await, LITTLE).await;
    let beside = || Place::Host(sandbox.engine.clone());
    let long = [("Dockerfile", "FROM busybox\nRUN sleep 4\n")];
    let own =
        [("Dockerfile", "FROM busybox\nRUN date > /once\nCOPY app /app\n"), ("app", "as it was")];
    let (_, rebuilt) =
        tokio::join!(observe_in(beside(), BUILDS, &long), observe_in(beside(), AGAIN, &own));
    let facts = facts(&rebuilt);
    assert_eq!(facts["cached_steps"], vec!["RUN date > /once".to_owned()].into(), "{facts:?}");
    assert_eq!(facts["ran_steps"], vec!["COPY app /app".to_owned()].into(), "{facts:?}");
}
