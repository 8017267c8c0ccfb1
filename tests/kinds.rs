//! Every kind of probe, asked from a rubric of TOML alone on the real engine: each fact both ways.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod support;

use std::io::Write as _;
use std::path::Path;

use grade::judge::{Grade, Verdict};
use grade::plan;

const HEAD: &str = r#"
format = "grade/rubric/v1"
slug = "kinds"
title = "Kinds"
lesson = "Kinds"
[limits]
build = "20s"
context_size = "1MB"
[values]
word = { random = 20 }
[builds.submission]
network = "none"
"#;

/// Grades a submission of these files by probes that are one table each.
async fn grade(files: &[(&str, &str)], rest: &str) -> Grade {
    let folder = tempfile::tempdir().unwrap();
    let submission = folder.path().join("submission");
    for (name, content) in files {
        let path = submission.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let rubric = folder.path().join("kinds.toml");
    std::fs::write(&rubric, format!("{HEAD}{rest}")).unwrap();
    let plan = plan::load(&rubric).unwrap_or_else(|error| panic!("{error}"));
    support::grade(&support::engine().await, &plan, &submission).await
}

/// One probe, worth a point.
fn probe(id: &str, kind: &str, with: &str, expect: &str) -> String {
    format!(
        "[[probe]]\nid = \"{id}\"\ntitle = \"{id}\"\nkind = \"{kind}\"\nwith = {{ {with} }}\n\
         expect = {{ {expect} }}\npoints = 1\n"
    )
}

/// Holds every probe to its name: `yes-…` is met, `no-…` is missed.
fn hold(grade: &Grade) {
    for mark in &grade.marks {
        let right = match &mark.verdict {
            Verdict::Met => mark.id.starts_with("yes-"),
            Verdict::Missed(_) => mark.id.starts_with("no-"),
            Verdict::Skipped { .. } | Verdict::Unjudged(_) => false,
        };
        assert!(right, "{}: {:?} {:?}", mark.id, mark.verdict, mark.feedback);
    }
}

fn all(probes: &[(&str, &str, &str, &str)]) -> String {
    probes.iter().map(|(id, kind, with, expect)| probe(id, kind, with, expect)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn run_tells_what_a_container_did() {
    let dockerfile = "FROM busybox\nCMD [\"sh\", \"-c\", \"echo out; echo err >&2; exit 3\"]\n";
    let probes = all(&[
        ("yes-exit", "run", "", "exit_code = 3, stdout_lines = [\"out\"], stderr = \"err\\n\""),
        ("no-exit", "run", "", "exit_code = 0"),
        (
            "yes-command",
            "run",
            "command = [\"echo\", \"${word}\"]",
            "started = true, exit_code = 0, stdout = \"${word}\\n\"",
        ),
        ("no-command", "run", "command = [\"echo\", \"other\"]", "stdout = \"${word}\\n\""),
        (
            "yes-env",
            "run",
            "command = [\"sh\", \"-c\", \"echo $A\"], env = { A = \"b\" }",
            "stdout_lines = [\"b\"]",
        ),
        ("yes-stdin", "run", "command = [\"cat\"], stdin = \"${word}\"", "stdout = \"${word}\""),
        ("yes-user", "run", "command = [\"id\", \"-u\"], user = \"12\"", "stdout_lines = [\"12\"]"),
        (
            "yes-workdir",
            "run",
            "command = [\"pwd\"], workdir = \"/tmp\"",
            "stdout_lines = [\"/tmp\"]",
        ),
        (
            "yes-entrypoint",
            "run",
            "entrypoint = [\"echo\", \"x\"], command = [\"y\"]",
            "stdout_lines = [\"x y\"]",
        ),
        (
            "yes-limit",
            "run",
            "command = [\"sleep\", \"60\"], time_limit = \"1s\"",
            "timed_out = true, exit_code = { absent = true }",
        ),
        (
            "yes-missing",
            "run",
            "command = [\"no-such-program\"]",
            "started = false, start_error = { contains = \"no-such-program\" }",
        ),
        (
            "yes-network",
            "run",
            "command = [\"ls\", \"/sys/class/net\"]",
            "stdout_lines = { every_item = \"lo\" }",
        ),
        (
            "yes-memory",
            "run",
            "command = [\"sh\", \"-c\", \"x=a; while :; do x=$x$x; done\"]",
            "oom_killed = true",
        ),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &probes).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_looks_into_a_running_container() {
    let dockerfile = "FROM busybox\nHEALTHCHECK CMD test -e /ready\n\
        CMD [\"sh\", \"-c\", \"sleep 1; touch /ready; exec sleep 60\"]\n";
    let probes = all(&[
        (
            "yes-plain",
            "exec",
            "command = [\"echo\", \"${word}\"]",
            "stdout = \"${word}\\n\", exit_code = 0, still_running = true",
        ),
        ("no-plain", "exec", "command = [\"false\"]", "exit_code = 0"),
        (
            "yes-waits",
            "exec",
            "command = [\"test\", \"-e\", \"/ready\"], wait_for = \"healthy\"",
            "ready = true, exit_code = 0",
        ),
        (
            "yes-in-vain",
            "exec",
            "command = [\"true\"], wait_for = \"healthy\", wait_limit = \"300ms\"",
            "ready = false, exit_code = { absent = true }",
        ),
        (
            "yes-limit",
            "exec",
            "command = [\"sleep\", \"60\"], time_limit = \"1s\"",
            "timed_out = true",
        ),
        (
            "yes-missing",
            "exec",
            "command = [\"no-such-program\"]",
            "start_error = { present = true }, exit_code = { absent = true }",
        ),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &probes).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_sees_the_final_file_system() {
    let dockerfile = "FROM busybox\nRUN mkdir -p /d/e && echo one > /d/a && printf 'x\\r\\ny' > /d/e/b \
        && ln -s a /d/l && ln -s /nowhere /d/n && ln -s loop /d/loop && ln -s /d /dir && chown 7:8 /d/a \
        && chmod 4711 /d/a && touch /gone && rm /gone\nCMD [\"touch\", \"/made-when-run\"]\n";
    let probes = all(&[
        (
            "yes-text",
            "file",
            "path = \"/d/a\"",
            "exists = true, kind = \"file\", link = false, text = \"one\\n\", size = \"4B\", mode = \"4711\", uid = 7, gid = 8",
        ),
        ("no-text", "file", "path = \"/d/a\"", "text = \"two\\n\""),
        ("yes-lines", "file", "path = \"/d/e/b\"", "lines = [\"x\", \"y\"]"),
        ("yes-link", "file", "path = \"/d/l\"", "link = true, kind = \"file\", text = \"one\\n\""),
        ("yes-through", "file", "path = \"/dir/e/b\"", "exists = true"),
        ("yes-dangling", "file", "path = \"/d/n\"", "exists = false, link = true"),
        ("yes-loop", "file", "path = \"/d/loop\"", "exists = false"),
        (
            "yes-folder",
            "file",
            "path = \"/d\"",
            "kind = \"directory\", entries = { equals = [\"a\", \"e\", \"l\", \"loop\", \"n\"] }, tree = [\"e/b\", \"l\"]",
        ),
        ("yes-absent", "file", "path = \"/gone\"", "exists = false, text = { absent = true }"),
        ("yes-never-run", "file", "path = \"/made-when-run\"", "exists = false"),
        ("no-absent", "file", "path = \"/d/a/below\"", "exists = true"),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &probes).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_nothing_can_be_looked_at() {
    let probes = all(&[
        ("yes-file", "file", "path = \"/a\"", "text = \"x\""),
        (
            "yes-cmd",
            "image",
            "",
            "cmd = { absent = true }, user = { absent = true }, layers = 1, healthcheck = { absent = true }",
        ),
        ("yes-run", "run", "", "started = false"),
    ]);
    hold(&grade(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "x")], &probes).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn image_tells_the_configuration() {
    let dockerfile = "FROM busybox\nARG V=1\nLABEL a.b=\"c d\" v=$V\nENV E=f=g\nUSER 5\nWORKDIR /w\n\
        EXPOSE 80 53/udp\nVOLUME /data\nONBUILD RUN true\nSTOPSIGNAL INT\nSHELL [\"/bin/sh\", \"-ec\"]\n\
        HEALTHCHECK --interval=7s --timeout=3s --retries=4 CMD true\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\n";
    let builds = "[builds.versioned]\nnetwork = \"none\"\nargs = { V = \"9\" }\n";
    let probes = all(&[
        ("yes-labels", "image", "", "\"labels.a.b\" = \"c d\", labels.v = \"1\""),
        ("yes-argument", "image", "build = \"versioned\"", "labels.v = \"9\""),
        ("no-argument", "image", "", "labels.v = \"9\""),
        (
            "yes-rest",
            "image",
            "",
            "env.E = \"f=g\", user = \"5\", workdir = \"/w\", exposed_ports = [\"80/tcp\", \"53/udp\"], volumes = [\"/data\"], onbuild = [\"RUN true\"], stop_signal = \"INT\", shell = [\"-ec\"], entrypoint = [\"e\"], cmd = [\"c\"], os = \"linux\"",
        ),
        (
            "yes-health",
            "image",
            "",
            "healthcheck = [\"CMD-SHELL\", \"true\"], healthcheck_interval = \"7s\", healthcheck_timeout = \"3s\", healthcheck_retries = 4, healthcheck_start_period = { absent = true }",
        ),
        ("yes-history", "image", "", "history = { any_item = { contains = \"STOPSIGNAL INT\" } }"),
        ("no-history", "image", "", "history = { any_item = { contains = \"STOPSIGNAL TERM\" } }"),
        ("yes-size", "image", "", "size = { at_most = \"100MB\" }"),
        ("no-size", "image", "", "size = { at_most = \"1kB\" }"),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn build_tells_how_it_went_and_where_it_failed() {
    let dockerfile = "FROM busybox AS one\n# comment\nRUN true\n\nFROM busybox\nCOPY a /a\n\
        RUN echo said-this; \\\n  grep -q right /a || exit 42\n";
    let builds = "[builds.first]\nnetwork = \"none\"\ntarget = \"one\"\n\
        [builds.changed]\nnetwork = \"none\"\nfiles = { a = \"right ${word}\" }\n\
        [builds.without]\nnetwork = \"none\"\nremove = [\"a\"]\n\
        [builds.child]\nnetwork = \"none\"\nparent = \"changed\"\nfiles = { b = \"${word}\" }\ndockerfile = \"FROM ${parent}\\nCOPY b /b\\n\"\n";
    let probes = all(&[
        (
            "yes-fails",
            "build",
            "",
            "succeeded = false, exit_code = 42, failed_line = 7, failed_step = { starts_with = \"RUN echo\" }, log = { contains = \"said-this\" }, timed_out = false",
        ),
        ("no-fails", "build", "", "succeeded = true"),
        (
            "yes-target",
            "build",
            "build = \"first\"",
            "succeeded = true, exit_code = { absent = true }",
        ),
        ("yes-changed", "build", "build = \"changed\"", "succeeded = true, context_files = 1"),
        ("yes-without", "build", "build = \"without\"", "succeeded = false, failed_line = 6"),
        ("yes-child", "file", "build = \"child\", path = \"/b\"", "text = \"${word}\""),
        ("yes-inherited", "file", "build = \"child\", path = \"/a\"", "text = \"right ${word}\""),
        (
            "yes-changed-file",
            "file",
            "build = \"changed\", path = \"/a\"",
            "text = \"right ${word}\"",
        ),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile), ("a", "wrong")], &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_may_have_an_ssh_agent() {
    // Says hello to the agent, and keeps what it says; only where there is one.
    let ask = "import os, socket\nif os.path.exists(os.environ['SSH_AUTH_SOCK']):\n agent = socket.socket(socket.AF_UNIX)\n \
        agent.connect(os.environ['SSH_AUTH_SOCK'])\n agent.sendall(b'\\0\\0\\0\\1\\x0b')\n open('/said', 'wb').write(agent.recv(999))\n";
    let dockerfile = "FROM python:3.12-slim AS asks\nCOPY ask.py /\nRUN --mount=type=ssh python /ask.py && base64 -w0 /said > /said64 || true\n\
        FROM busybox\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo ok > /proof\n";
    let builds = "[builds.agent]\nlike = \"submission\"\nssh = true\n\
        [builds.other]\nlike = \"submission\"\nssh = [\"other\"]\n\
        [builds.asks]\nlike = \"agent\"\ntarget = \"asks\"\n\
        [builds.nobody]\nlike = \"asks\"\nssh = []\n";
    let probes = all(&[
        (
            "yes-agent",
            "build",
            "build = \"agent\"",
            "succeeded = true, agent_mounted = 1, agent_connections = 0, agent_listed = 0, agent_signed = 0",
        ),
        ("yes-proof", "file", "build = \"agent\", path = \"/proof\"", "text = \"ok\\n\""),
        ("yes-other", "build", "build = \"other\"", "succeeded = false, agent_mounted = 0"),
        ("no-other", "build", "build = \"other\"", "succeeded = true"),
        ("yes-without", "build", "", "succeeded = false, agent_mounted = { absent = true }"),
        ("no-without", "build", "", "agent_mounted = 0"),
        (
            "yes-asks",
            "build",
            "build = \"asks\"",
            "agent_mounted = 1, agent_connections = 1, agent_listed = 1, agent_signed = 0",
        ),
        ("yes-nobody", "file", "build = \"nobody\", path = \"/said\"", "exists = false"),
        (
            "no-nobody",
            "file",
            "build = \"nobody\", path = \"/said64\"",
            "size = { at_least = \"80B\" }",
        ),
        (
            "yes-said",
            "file",
            "build = \"asks\", path = \"/said64\"",
            "size = { at_least = \"80B\" }",
        ),
        (
            "yes-key",
            "leak",
            "build = \"asks\", needle = \"${ssh_key}\"",
            "leaked = true, encodings = [\"decoded\", \"base64\"]",
        ),
        ("no-key", "leak", "build = \"agent\", needle = \"${ssh_key}\"", "leaked = true"),
    ]);
    let files = [("Dockerfile", dockerfile), ("ask.py", ask)];
    hold(&grade(&files, &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_may_be_written_over_and_its_rules_hold() {
    let dockerfile = "FROM busybox\nCOPY . /c\nRUN [ ! -e /c/run.sh ] || /c/run.sh\n";
    let builds = "[builds.written]\nlike = \"submission\"\n\
        files = { \"run.sh\" = \"#!/bin/sh\\necho ${word} > /ran\\n\", \"a/${word}.env\" = \"x\" }\n\
        modes = { \"run.sh\" = \"0755\" }\nzeros = { \"large.bin\" = \"5kB\", \"a/out.env\" = \"50MB\" }\n\
        [builds.like]\nlike = \"written\"\nmodes = {}\n\
        [builds.seen]\nlike = \"written\"\ndockerfile = \"FROM scratch\\nCOPY . /${word}\\n\"\n";
    let probes = all(&[
        ("yes-ran", "file", "build = \"written\", path = \"/ran\"", "text = \"${word}\\n\""),
        ("no-ran", "file", "path = \"/ran\", unbuilt = \"absent\"", "exists = true"),
        (
            "yes-size",
            "build",
            "build = \"written\"",
            "context_size = { between = [\"5kB\", \"6kB\"] }",
        ),
        ("yes-mode", "build", "build = \"like\"", "succeeded = false, exit_code = 126"),
        (
            "yes-absent",
            "file",
            "build = \"like\", path = \"/ran\", unbuilt = \"absent\"",
            "exists = false",
        ),
        (
            "no-absent",
            "file",
            "build = \"like\", path = \"/ran\", unbuilt = \"absent\"",
            "exists = true",
        ),
        (
            "yes-seen",
            "file",
            "build = \"seen\", path = \"/${word}\"",
            "tree = { equals = [\".dockerignore\", \"Dockerfile\", \"large.bin\", \"run.sh\"] }",
        ),
    ]);
    let files = [("Dockerfile", dockerfile), (".dockerignore", "**/*.env\n")];
    hold(&grade(&files, &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dockerfile_may_be_built_with_other_mounts_or_without_those_steps() {
    let dockerfile = "FROM busybox\nARG KIND=tmpfs\n\
        RUN --mount=type=tmpfs,target=/t,size=4m head -c 2000000 /dev/zero > /t/x; { stat -f -c %T /t; wc -c < /t/x; } > /said\n\
        RUN --mount=type=${KIND},target=/v stat -f -c %T /v > /variable\n\
        RUN --mount=type=cache,target=/k touch /k/x && echo kept > /cache\n";
    let builds = "[builds.other]\nlike = \"submission\"\nmounts = { tmpfs = \"type=cache\" }\n\
        [builds.small]\nlike = \"submission\"\nmounts = { tmpfs = \"type=tmpfs,size=65536\" }\n\
        [builds.less]\nlike = \"submission\"\nskip = [\"cache\"]\n";
    let probes = all(&[
        ("yes-own", "file", "path = \"/said\"", "lines = { equals = [\"tmpfs\", \"2000000\"] }"),
        (
            "yes-other",
            "file",
            "build = \"other\", path = \"/said\"",
            "text = { matches = '^(?:ext2/ext3|overlay|UNKNOWN|xfs|btrfs).*\\n2000000' }",
        ),
        ("no-other", "file", "build = \"other\", path = \"/said\"", "lines = [\"tmpfs\"]"),
        ("no-variable", "file", "build = \"other\", path = \"/variable\"", "lines = [\"tmpfs\"]"),
        (
            "yes-small",
            "file",
            "build = \"small\", path = \"/said\"",
            "lines = { equals = [\"tmpfs\", \"65536\"] }",
        ),
        ("yes-cache", "file", "path = \"/cache\"", "exists = true"),
        ("yes-less", "file", "build = \"less\", path = \"/cache\"", "exists = false"),
        // The builder knows what a variable stands for.
        ("yes-variable", "file", "build = \"less\", path = \"/variable\"", "exists = true"),
        ("yes-rest", "file", "build = \"less\", path = \"/said\"", "exists = true"),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_are_those_upon_the_base() {
    let large = |name: &str| format!("RUN head -c 3000000 /dev/urandom > /{name}\n");
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    let dockerfile = format!(
        "ARG BASE=busybox\nFROM $BASE AS first\n{}\
         FROM first AS last\nRUN rm /a\nCOPY --from=0 /bin/sh /sh\nCOPY key /key\nRUN rm /key\n\
         FROM busybox AS other\nCOPY --from=last /sh /sh\n\
         FROM scratch AS none\nCOPY key /key\n",
        large("a")
    );
    let target =
        |name: &str| format!("[builds.{name}]\nlike = \"submission\"\ntarget = \"{name}\"\n");
    let builds: String = ["last", "other", "none"].map(target).concat();
    let builds = format!(
        "{builds}[builds.child]\nparent = \"last\"\nnetwork = \"none\"\nfiles = {{ b = \"${{word}}\" }}\n\
         dockerfile = \"FROM ${{parent}}\\nCOPY b /b\\n\"\n"
    );
    let probes = all(&[
        (
            "yes-all",
            "layers",
            "build = \"last\"",
            "layers = 5, size = { between = [\"3MB\", \"6MB\"] }, largest = { starts_with = \"RUN head -c 3000000\" }, \
             largest_size = \"3MB\", base_size = { at_least = \"500kB\" }, steps = { any_item = { starts_with = \"3.0 MB: RUN head\" } }",
        ),
        ("no-all", "layers", "build = \"last\"", "size = { at_most = \"3MB\" }"),
        ("yes-other", "layers", "build = \"other\"", "layers = 1, size = { at_most = \"2MB\" }"),
        (
            "yes-none",
            "layers",
            "",
            "layers = 1, size = \"36B\", base_size = \"0B\", largest = { starts_with = \"COPY\" }",
        ),
        ("yes-child", "layers", "build = \"child\"", "layers = 1, size = \"20B\""),
        (
            "yes-key",
            "leak",
            "build = \"last\", needle = \"PRIVATE KEY-----\", layers = \"own\"",
            "leaked = true, places = { any_item = { contains = \"/key\" } }",
        ),
        (
            "no-key",
            "leak",
            "build = \"child\", needle = \"PRIVATE KEY-----\", layers = \"own\"",
            "leaked = true",
        ),
        ("yes-below", "leak", "build = \"child\", needle = \"PRIVATE KEY-----\"", "leaked = true"),
    ]);
    let files = [("Dockerfile", dockerfile.as_str()), ("key", key)];
    hold(&grade(&files, &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_the_submissions_doing() {
    let slow = probe("yes-slow", "build", "", "succeeded = false, timed_out = true");
    let slow = slow.replace("[[probe]]", "[[probe]]\n");
    let rubric = HEAD.replace("20s", "2s");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kinds.toml");
    std::fs::write(&path, format!("{rubric}{slow}")).unwrap();
    let submission = folder.path().join("s");
    std::fs::create_dir(&submission).unwrap();
    std::fs::write(submission.join("Dockerfile"), "FROM busybox\nRUN sleep 600\n").unwrap();
    let plan = plan::load(&path).unwrap();
    hold(&support::grade(&support::engine().await, &plan, &submission).await);

    let large = "x".repeat(2_000_000);
    let probes = probe("yes-large", "build", "", "succeeded = false, too_large = true");
    hold(
        &grade(&[("Dockerfile", "FROM busybox\nCOPY large /\n"), ("large", &large)], &probes).await,
    );

    let none = probe(
        "yes-none",
        "build",
        "",
        "succeeded = false, error = { contains = \"no Dockerfile\" }",
    );
    hold(&grade(&[("readme", "")], &none).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn dockerfile_and_submission_read_what_was_handed_in() {
    let dockerfile = "# syntax=docker/dockerfile:1\nARG BASE=busybox\nfrom ${BASE} as one\nRUN --mount=type=cache,target=/c true\n\
        FROM one\nARG V\nCOPY --from=one /bin/sh /s\nADD a /a\nENV N=1\nLABEL l=m\nHEALTHCHECK CMD true\nONBUILD RUN x\n";
    let probes = all(&[
        (
            "yes-said",
            "dockerfile",
            "",
            "exists = true, parses = true, path = \"Dockerfile\", stages = 2, stage_names = [\"one\"], bases = [\"${BASE}\", \"one\"], final_base = \"${BASE}\"",
        ),
        (
            "yes-parts",
            "dockerfile",
            "",
            "run_mounts = [\"type=cache,target=/c\"], copy = [\"COPY --from=one /bin/sh /s\"], add = [\"ADD a /a\"], env_names = [\"N\"], label_names = [\"l\"], healthcheck = [\"HEALTHCHECK CMD true\"], onbuild = [\"ONBUILD RUN x\"], declared_args = { equals = [\"V\"] }, syntax = \"docker/dockerfile:1\"",
        ),
        ("no-parts", "dockerfile", "", "instructions = [\"ENTRYPOINT\"]"),
        (
            "yes-file",
            "submission",
            "path = \"a\"",
            "exists = true, kind = \"file\", text = \"x\\ny\\n\", lines = [\"x\", \"y\"], size = \"4B\"",
        ),
        ("no-file", "submission", "path = \"b\"", "exists = true"),
    ]);
    // `${BASE}` is the Dockerfile's own, not a value of the rubric.
    let probes = probes.replace(
        "bases = [\"${BASE}\", \"one\"], final_base = \"${BASE}\"",
        "bases = [\"one\"], final_base = { contains = \"BASE\" }",
    );
    hold(&grade(&[("Dockerfile", dockerfile), ("a", "x\ny\n")], &probes).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn leak_looks_everywhere() {
    let builds = "[builds.secret]\nnetwork = \"none\"\nsecrets = { key = \"${word}\" }\n";
    let probes = all(&[
        (
            "yes-leak",
            "leak",
            "build = \"secret\", needle = \"${word}\"",
            "leaked = true, complete = true, places = { any_item = { contains = \"/deleted (plain)\" } }, encodings = [\"plain\", \"base64\", \"hex\", \"reversed\", \"gzip+plain\"]",
        ),
        ("no-leak", "leak", "build = \"secret\", needle = \"${word}\"", "leaked = false"),
        (
            "yes-clean",
            "leak",
            "needle = \"${word}\"",
            "leaked = false, complete = true, layers_read = { at_least = 1 }",
        ),
    ]);
    let dockerfile = "FROM busybox\nRUN --mount=type=secret,id=key [ ! -e /run/secrets/key ] || { k=/run/secrets/key; \
        cp $k /deleted; base64 $k > /b; xxd -p $k > /x; rev $k > /r; gzip -c $k > /g; touch /named-$(cat $k); }\nRUN rm -f /deleted\n";
    hold(&grade(&[("Dockerfile", dockerfile)], &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_images_own_check() {
    let dockerfile = "FROM busybox\nHEALTHCHECK --retries=2 CMD test ! -e /tmp/broken\nCMD [\"sleep\", \"60\"]\n";
    let probes = all(&[
        (
            "yes-stays",
            "health",
            "stay = \"1s\"",
            "has_check = true, became_healthy = true, stayed_healthy = true, still_running = true",
        ),
        (
            "yes-breaks",
            "health",
            "break = \"file\"",
            "broken = true, became_unhealthy = true, check_exit_code = 1",
        ),
        (
            "yes-freezes",
            "health",
            "break = \"freeze\", unhealthy_within = \"3s\"",
            "broken = true, became_unhealthy = false, still_running = true",
        ),
        (
            "no-breaks",
            "health",
            "break = \"file\", break_file = \"/tmp/other\", unhealthy_within = \"2s\"",
            "became_unhealthy = true",
        ),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &probes).await);

    let falls = "FROM busybox\nHEALTHCHECK --retries=1 CMD test ! -e /tmp/x && touch /tmp/x\nCMD [\"sleep\", \"60\"]\n";
    let probes =
        all(&[("yes-falls", "health", "", "became_healthy = true, stayed_healthy = false")]);
    hold(&grade(&[("Dockerfile", falls)], &probes).await);

    let none = "FROM busybox\nHEALTHCHECK NONE\n";
    let probes =
        all(&[("yes-none", "health", "", "has_check = false, became_healthy = { absent = true }")]);
    hold(&grade(&[("Dockerfile", none)], &probes).await);

    let ends = "FROM busybox\nHEALTHCHECK CMD true\nCMD [\"sh\", \"-c\", \"exit 9\"]\n";
    let probes = all(&[(
        "yes-ends",
        "health",
        "",
        "became_healthy = false, still_running = false, exit_code = 9",
    )]);
    hold(&grade(&[("Dockerfile", ends)], &probes).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_reads_what_an_engine_would_be_given() {
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let saved = docker(&["save", "busybox"]);
    let container = String::from_utf8(docker(&["create", "busybox", "true"])).unwrap();
    let exported = docker(&["export", container.trim()]);
    docker(&["rm", container.trim()]);

    let folder = tempfile::tempdir().unwrap();
    let submission = folder.path().join("s");
    std::fs::create_dir_all(submission.join("folder")).unwrap();
    std::os::unix::fs::symlink("saved.tar", submission.join("link")).unwrap();
    let twice = [gzip(&saved), gzip(&saved)].concat();
    for (name, content) in [
        ("saved.tar", saved.clone()),
        ("saved.tar.gz", gzip(&saved)),
        ("cut.tar.gz", gzip(&saved)[..10_000].to_vec()),
        ("twice.tar.gz", twice),
        ("exported.tar", exported),
        ("empty.tar.gz", gzip(b"")),
        ("text", b"hello".to_vec()),
    ] {
        std::fs::write(submission.join(name), content).unwrap();
    }
    // Too large to be read, and as good as nothing on the disk.
    let sparse = std::fs::File::create(submission.join("large.tar")).unwrap();
    sparse.set_len(600_000_000).unwrap();

    let probes = all(&[
        (
            "yes-saved",
            "archive",
            "path = \"saved.tar.gz\"",
            "exists = true, safe = true, danger = { absent = true }, error = { absent = true }, \
             compression = \"gzip\", form = \"image\", images = 1, layers = 1, \
             has_manifest = true, tags = { equals = [\"busybox:latest\"] }, \
             top = [\"manifest.json\"], entries = { at_least = 4 }, \
             size = { at_least = \"100kB\" }, unpacked_size = { at_least = \"1MB\" }",
        ),
        ("no-tag", "archive", "path = \"saved.tar.gz\"", "tags = [\"myapp:1.0\"]"),
        (
            "yes-plain",
            "archive",
            "path = \"saved.tar\"",
            "safe = true, compression = \"none\", form = \"image\"",
        ),
        ("no-plain", "archive", "path = \"saved.tar\"", "compression = \"gzip\""),
        (
            "yes-exported",
            "archive",
            "path = \"exported.tar\"",
            "safe = true, form = \"root-file-system\", has_manifest = false, \
             top = [\"bin/\", \"etc/\"], layers = { absent = true }, tags = { absent = true }",
        ),
        ("no-exported", "archive", "path = \"exported.tar\"", "form = \"image\""),
        (
            "yes-cut",
            "archive",
            "path = \"cut.tar.gz\"",
            "safe = false, error = { contains = \"breaks off\" }, danger = { present = true }, \
             form = { absent = true }, compression = \"gzip\"",
        ),
        (
            "yes-twice",
            "archive",
            "path = \"twice.tar.gz\"",
            "safe = false, danger = { contains = \"more after its end\" }, \
             error = { absent = true }",
        ),
        ("no-twice", "archive", "path = \"twice.tar.gz\"", "safe = true"),
        ("yes-empty", "archive", "path = \"empty.tar.gz\"", "form = \"empty\", entries = 0"),
        ("yes-text", "archive", "path = \"text\"", "error = { contains = \"is no tar\" }"),
        (
            "yes-large",
            "archive",
            "path = \"large.tar\"",
            "safe = false, danger = { contains = \"larger than 500\" }, size = \"600MB\"",
        ),
        ("yes-link", "archive", "path = \"link\"", "exists = true, safe = false"),
        (
            "yes-folder",
            "archive",
            "path = \"folder\"",
            "safe = false, error = { contains = \"a folder\" }",
        ),
        ("yes-none", "archive", "path = \"none.tar\"", "exists = false, safe = { absent = true }"),
        ("no-none", "archive", "path = \"none.tar\"", "exists = true"),
    ]);
    let path = folder.path().join("kinds.toml");
    std::fs::write(&path, format!("{HEAD}{probes}")).unwrap();
    let plan = plan::load(&path).unwrap_or_else(|error| panic!("{error}"));
    hold(&support::grade(&support::engine().await, &plan, &submission).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn stage_tells_what_the_commands_left() {
    let steps = "[plays.life]\nimage = \"counter\"\nsteps = [\n\
        { name = \"first\", do = \"start\" },\n\
        { name = \"down\", do = \"remove\" },\n]\n";
    let look = |step: &str| format!("play = \"life\", step = \"{step}\"");
    let (first, down) = (look("first"), look("down"));
    let probes = all(&[
        ("yes-done", "stage", &first, "done = true, exit_code = 0, way = \"run.sh\""),
        ("yes-container", "stage", &first, "running = [\"counter\"], first_line = \"up\""),
        ("yes-volume", "stage", &first, "mounts = [\"volume data /data rw\"]"),
        ("yes-refused", "stage", &first, "refusals = { any_item = { contains = \"privileged\" } }"),
        ("yes-removed", "stage", &down, "containers = { length = 0 }, volumes = [\"data\"]"),
        ("no-bind", "stage", &first, "mount_types = [\"bind\"]"),
        ("no-status", "stage", &first, "status = \"exited\""),
        ("no-volume", "stage", &down, "volumes = { length = 0 }"),
    ]);
    let run = "docker run --privileged busybox true || true\n\
               docker run -d --name counter -v data:/data counter\n";
    let files = [
        ("Dockerfile", "FROM busybox\nCMD [\"sh\", \"-c\", \"echo up; sleep 1000\"]\n"),
        ("run.sh", run),
    ];
    hold(&grade(&files, &format!("{steps}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn find_looks_through_the_whole_file_system() {
    let dockerfile = "FROM busybox\nCOPY wheels /opt/wheels\nRUN rm /opt/wheels/gone && \
        mkdir -p /opt/stub/wheels && cp /opt/wheels/a.whl /etc/renamed && \
        tar -cf /opt/packed -C /opt wheels && gzip -c /opt/wheels/a.whl > /opt/z.gz\n";
    let files = [
        ("Dockerfile", dockerfile),
        ("wheels/a.whl", "what a wheel holds"),
        ("wheels/gone", "what was deleted"),
    ];
    let probes = all(&[
        (
            "yes-paths",
            "find",
            "path = \"^/opt/(.*/)?wheels\"",
            "found = true, count = 3, paths = { equals = [\"/opt/stub/wheels\", \"/opt/wheels\", \"/opt/wheels/a.whl\"] }",
        ),
        ("no-paths", "find", "path = \"/no-such-thing\"", "found = true"),
        (
            "yes-texts",
            "find",
            "texts = [\"what a wheel holds\", \"nobody holds this\"]",
            "paths = { equals = [\"/etc/renamed\", \"/opt/packed\", \"/opt/wheels/a.whl\"] }, kept = { absent = true }",
        ),
        ("yes-deleted", "find", "texts = [\"what was deleted\"]", "found = false, count = 0"),
        (
            "yes-either",
            "find",
            "path = \"/z[.]gz$\", texts = [\"what a wheel holds\"]",
            "count = 4, paths = [\"/opt/z.gz\", \"/etc/renamed\"]",
        ),
    ]);
    hold(&grade(&files, &probes).await);
}

/// The first build, and one after a change of `app` alone.
const REBUILT: &str = "[builds.edited]\nnetwork = \"none\"\nafter = \"submission\"\n\
    files = { app = \"${word}\" }\n[builds.once]\nnetwork = \"none\"\ntarget = \"once\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_compared_with_the_build_before_it() {
    let dockerfile = "FROM busybox AS once\nRUN mkdir /once && date > /once/file\nFROM busybox\nCOPY app /app\n\
        COPY --from=once /once /once\nRUN mkdir /again && touch -d @0 /again/old && echo x > /again/file\n";
    let edited = "build = \"edited\", other = \"submission\"";
    let find = |path: &str| format!("{edited}, path = \"{path}\"");
    let (once, again) = (find("^/once"), find("^/again"));
    let new = find("^/(app|again/file)$");
    let probes = all(&[
        (
            "yes-steps",
            "build",
            "build = \"edited\"",
            "cached_steps = { equals = [\"RUN mkdir /once && date > /once/file\"] }, \
             ran_steps = { all = [{ any_item = { starts_with = \"RUN mkdir /again\" } }, \
             { any_item = { starts_with = \"COPY app\" } }, { not = { any_item = { starts_with = \"FROM\" } } }] }",
        ),
        ("no-steps", "build", "build = \"edited\"", "cached_steps = [\"COPY app /app\"]"),
        (
            "yes-kept",
            "find",
            &once,
            "kept = { equals = [\"/once\", \"/once/file\"] }, changed = { length = 0 }",
        ),
        (
            "yes-changed",
            "find",
            &again,
            "kept = { equals = [\"/again/old\"] }, changed = { equals = [\"/again\", \"/again/file\"] }",
        ),
        ("no-changed", "find", &new, "kept = { length = { at_least = 1 } }"),
        (
            "yes-new-path",
            "find",
            "build = \"edited\", other = \"once\", path = \"^/app$\"",
            "changed = [\"/app\"]",
        ),
    ]);
    let files = [("Dockerfile", dockerfile), ("app", "app")];
    hold(&grade(&files, &format!("{REBUILT}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn image_is_measured_against_another() {
    let dockerfile =
        "FROM busybox AS small\nFROM busybox\nRUN head -c 5000000 /dev/zero > /large\n";
    let builds = "[builds.small]\nnetwork = \"none\"\ntarget = \"small\"\n";
    let probes = all(&[
        (
            "yes-smaller",
            "image",
            "build = \"small\", other = \"submission\"",
            "smaller_by = { between = [\"4.9MB\", \"5.1MB\"] }, other_size = { at_least = \"5MB\" }",
        ),
        (
            "no-smaller",
            "image",
            "build = \"small\", other = \"submission\"",
            "smaller_by = { at_least = \"6MB\" }",
        ),
        ("yes-larger", "image", "other = \"small\"", "smaller_by = { at_most = \"0B\" }"),
        ("yes-alone", "image", "", "smaller_by = { absent = true }"),
    ]);
    hold(&grade(&[("Dockerfile", dockerfile)], &format!("{builds}{probes}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_has_what_the_rubric_writes_and_packs() {
    let dockerfile = "FROM busybox\nADD a.tar.gz /unpacked/\nCOPY . /copied/\n";
    let builds = "[builds.packed]\nnetwork = \"none\"\nfiles = { text = \"${word}\", ignored = \"x\" }\n\
        archives = { \"a.tar.gz\" = { \"d/${word}\" = \"${word}\" } }\n\
        [builds.named]\nnetwork = \"none\"\nfile = \"Other\"\n";
    let at = |path: &str, context: &str| {
        format!("build = \"packed\", path = \"{path}\", context = \"{context}\"")
    };
    let (archive, text) = (at("/copied/a.tar.gz", "a.tar.gz"), at("/copied/text", "text"));
    let (handed_in, wrong) = (at("/copied/own", "own"), at("/copied/text", "a.tar.gz"));
    let (none, no_file) = (at("/copied/text", "none"), at("/copied/none", "text"));
    let probes = all(&[
        (
            "yes-unpacked",
            "file",
            "build = \"packed\", path = \"/unpacked/d/${word}\"",
            "text = \"${word}\"",
        ),
        ("yes-archive", "file", &archive, "same_as_context = true"),
        ("yes-text", "file", &text, "same_as_context = true, text = \"${word}\""),
        ("yes-handed-in", "file", &handed_in, "same_as_context = true"),
        ("no-same", "file", &wrong, "same_as_context = true"),
        ("yes-none", "file", &none, "same_as_context = { absent = true }"),
        ("yes-no-file", "file", &no_file, "same_as_context = { absent = true }"),
        ("yes-ignored", "file", "build = \"packed\", path = \"/copied/ignored\"", "exists = false"),
        ("yes-not-packed", "build", "", "succeeded = false"),
        ("yes-named", "image", "build = \"named\"", "labels.other = \"1\""),
    ]);
    let files = [
        ("Dockerfile", dockerfile),
        ("Other", "FROM busybox\nLABEL other=1\n"),
        (".dockerignore", "ignored\n"),
        ("own", "own"),
    ];
    hold(&grade(&files, &format!("{builds}{probes}")).await);
}

/// What the docker command prints.
fn docker(args: &[&str]) -> Vec<u8> {
    let output = std::process::Command::new("docker").args(args).output().expect("the docker CLI");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn every_kind_is_tried_here() {
    let text = std::fs::read_to_string(Path::new(file!())).expect("this file");
    for kind in grade::probe::KINDS {
        assert!(text.contains(&format!("\"{}\",", kind.name)), "{} is not tried", kind.name);
    }
}
