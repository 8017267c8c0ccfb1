//! Attacks that once worked, each handed in between right submissions of a class: what they do is
//! judged, in bounded time, and whoever comes next is graded as if alone.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a hostile submission must come to.
enum Must {
    /// Whatever it comes to is its own doing.
    BeJudged,
    /// It loses points, for a reason that is told.
    Lose,
}

/// A hostile submission: a name, its script, and what it must come to.
type Attack = (&'static str, &'static str, Must);

const PRINTS: &str = "docker run --rm --mount type=bind,source=\"$PWD\"/config,target=/etc/app,readonly \
    busybox cat /etc/app/app.conf\n";

/// Handed in for bind-mount, which runs each script twice: with `config/`, and without.
const BIND_MOUNT: &[Attack] = &[
    // A false base image stayed on the engine for the next submission.
    (
        "false-base",
        "PRINTS\nprintf 'FROM busybox\\nRUN rm /bin/cat\\n' | docker build -q -t busybox:latest -\n\
            docker rmi -f debian:bookworm-slim alpine\n",
        Must::Lose,
    ),
    // The grader wrote through the link, as root, beside the limited disk.
    ("link-out", "docker run -d busybox sleep 30\n", Must::Lose),
    // What the first run left went on in the second.
    (
        "ghost",
        "[ -d config ] || { sleep 4; exit 1; }\n\
            setsid sh -c 'sleep 2; for i in $(seq 40); do docker create --name ghost busybox; sleep .2; done' \
            >/dev/null 2>&1 &\nPRINTS\n",
        Must::BeJudged,
    ),
    // A name that the grader used for its own image.
    ("own-name", "PRINTS\ndocker tag busybox grade.local/tools:1\n", Must::BeJudged),
];

/// Handed in for persist-volume.
const PERSIST_VOLUME: &[Attack] = &[
    // An upload that is cut off passed for a lost engine.
    (
        "cut-off",
        "docker run -d --name counter counter\n(echo x; sleep 3) | timeout -s KILL 1 curl -s \
            --unix-socket /run/docker.sock -X POST -H 'Transfer-Encoding: chunked' -T - http://d/images/load\n",
        Must::Lose,
    ),
    // A build left the submission's control group.
    (
        "group",
        "mkdir /tmp/c; cd /tmp/c; printf 'FROM busybox\\nRUN tail /dev/zero\\n' > Dockerfile\n\
            docker buildx build --cgroup-parent /evil .\n",
        Must::Lose,
    ),
    // A frozen container outlived its sandbox, and kept it.
    (
        "frozen",
        "docker run -d --name counter counter\ndocker run -d --name z busybox sleep 600\n\
            docker pause z\n",
        Must::Lose,
    ),
    // A container more than we count, and each was looked at after each step, for minutes.
    (
        "many",
        "docker run -d --name counter counter\nseq 200 | xargs -P 8 -I N curl -s -o /dev/null --unix-socket \
            /run/docker.sock -H 'Content-Type: application/json' -d '{\"Image\":\"busybox\"}' \
            http://d/containers/create\ndocker create -v keep:/x busybox\n",
        Must::Lose,
    ),
    // Reading what floods its log took minutes.
    (
        "flood",
        "for i in 1 2; do docker run -d busybox yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done\n\
            docker run -d --name counter -v d:/data counter\ntimeout 20 docker logs -f $(docker ps -lq) >/dev/null\n",
        Must::Lose,
    ),
];

#[test]
fn nobody_is_disturbed_by_what_others_leave_on_an_engine() {
    graded_as_must("bind-mount", BIND_MOUNT);
}

#[test]
fn nobody_makes_lost_points_unjudged() {
    graded_as_must("persist-volume", PERSIST_VOLUME);
}

/// Grades a class in which each attack is followed by the exercise's solution, two at a time.
fn graded_as_must(slug: &str, attacks: &[Attack]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let solution = root.join("assignments").join(slug).join("solution");
    let class = tempfile::tempdir().unwrap();
    for (number, (name, script, _)) in attacks.iter().enumerate() {
        let folder = class.path().join(format!("{number}-{name}"));
        copy(&solution, &folder);
        let script = format!("#!/bin/sh\n{}", script.replace("PRINTS", PRINTS.trim_end()));
        std::fs::write(folder.join("run.sh"), script).unwrap();
        if *name == "link-out" {
            std::fs::remove_dir_all(folder.join("config")).unwrap();
            symlink("/run", folder.join("config")).unwrap();
        }
        copy(&solution, &class.path().join(format!("{number}-then-right")));
    }
    let out = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let ran = Command::new(env!("CARGO_BIN_EXE_grade"))
        .args(["batch", class.path().to_str().unwrap(), "--assignment", slug, "--jobs", "2"])
        .args(["--out", out.path().to_str().unwrap()])
        .current_dir(root)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = ran.id();
    let ran = ran.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stdout));
    assert!(began.elapsed() < Duration::from_secs(480), "it took {:?}", began.elapsed());

    while taken_by(process) > 0 {
        assert!(began.elapsed() < Duration::from_secs(510), "a sandbox outlived its submission");
        std::thread::sleep(Duration::from_millis(200));
    }

    let score = |name: String| {
        let path: PathBuf = out.path().join("students").join(&name).join("result.json");
        let result: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(result["status"], "graded", "{name}: {result}");
        let score = &result["score"];
        score["earned"].as_u64().unwrap_or_else(|| panic!("{name}: {result}"))
    };
    for (number, (name, _, must)) in attacks.iter().enumerate() {
        assert_eq!(score(format!("{number}-then-right")), 10, "after {name}");
        let earned = score(format!("{number}-{name}"));
        match must {
            Must::BeJudged => {}
            Must::Lose => assert!(earned < 10, "{name}: {earned}"),
        }
    }
}

/// How many sandboxes there are that a process made and had.
fn taken_by(process: u32) -> usize {
    let format = "{{.Names}} {{.Label \"grade.sandbox.maker\"}}";
    let words = ["ps", "-a", "--filter", "name=grade-sandbox-", "--format", format];
    let listed = Command::new("docker").args(words).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let maker = format!(":{process}:");
    String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.contains(&maker)).count()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}
