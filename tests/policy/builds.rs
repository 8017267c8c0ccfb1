//! Builds by today's commands, whose every call to the builder is reviewed.

use crate::bench::Bench;

const DOCKERFILE: &str = "# syntax=docker/dockerfile:1
FROM busybox AS base
ARG WHO=nobody
COPY file /file
RUN --mount=type=secret,id=word cat /run/secrets/word >> /file; echo \"$WHO\" >> /file
FROM scratch AS out
COPY --from=base /file /result
FROM base
CMD [\"cat\", \"/file\"]
";

#[tokio::test]
async fn a_build_is_as_it_is_without_a_wall() {
    let bench = Bench::new("buildx").await;
    bench.write("Dockerfile", DOCKERFILE);
    bench.write("file", "a file\n");
    bench.write("word", "secret\n");
    // More than what is in flight at any time.
    bench.write("large", &"x".repeat(20_000_000));
    let script = "
        docker buildx build -q --secret id=word,src=word --build-arg WHO=me --label a=b -t $T:1 . >&2
        docker run --rm $T:1
        docker inspect -f '{{.Config.Labels.a}}' $T:1
        docker build --secret id=word,src=word --target out -o out . >&2
        cat out/result
        printf 'FROM busybox\\nCMD [\"echo\", \"piped\"]\\n' | docker build -q -t $T:2 - >&2
        docker run --rm $T:2
        docker buildx ls >&2; docker buildx inspect >&2; docker buildx du >&2
        docker rmi $T:1 $T:2 >&2";
    let printed = bench.prints(script).await;
    assert_eq!(printed, "a file\nsecret\nme\nb\na file\nsecret\nnobody\npiped");
    let events = bench.record.events();
    assert!(events.refusals.is_empty() && events.faults.is_empty(), "{events:?}");
}

#[tokio::test]
async fn compose_builds_and_starts() {
    let bench = Bench::new("compose").await;
    bench.write("Dockerfile", "FROM busybox\nCMD [\"echo\", \"composed\"]\n");
    let file = format!("services:\n  web:\n    build: .\n    image: {}\n", bench.tag);
    bench.write("compose.yaml", &file);
    let script = "
        docker compose build >&2
        docker compose -p $T up --build --no-log-prefix
        docker compose -p $T down --rmi all >&2";
    assert!(bench.prints(script).await.contains("composed"));
    assert_eq!(bench.record.events().refusals, []);
}

#[tokio::test]
async fn what_reaches_beyond_a_build_is_refused_by_the_builder_s_own_protocol() {
    let bench = Bench::new("beyond").await;
    bench.write("Dockerfile", "FROM busybox\nRUN true\n");
    let table = [
        ("--cgroup-parent /evil", "--cgroup-parent /evil"),
        ("--network host", "docker build --network host"),
        ("--allow security.insecure", "docker build --allow security.insecure"),
        ("--build-arg BUILDKIT_SYNTAX=evil", "a frontend image (BUILDKIT_SYNTAX)"),
        ("-t $T/hidden:1", "the image name"),
        ("-t grade.local/x", "the image name grade.local/x"),
        ("-o type=image,name=grade.local/x", "the image name grade.local/x"),
    ];
    for (arguments, words) in table {
        let told = bench.fails(&format!("docker buildx build {arguments} .")).await;
        let kept = bench.record.events().refusals.pop();
        let told = format!("{told}\n{kept:?}");
        assert!(told.matches(words).count() >= 2, "{arguments}: {told}");
    }
    assert_eq!(bench.record.events().faults, Vec::<String>::new());
}

/// A student's image cannot pass for the frontend that a `# syntax=` line names.
#[tokio::test]
async fn a_syntax_line_runs_no_image() {
    let bench = Bench::new("syntax").await;
    bench.directly(&["tag", "busybox", &bench.tag]).await;
    let text = format!("# syntax={}\nFROM busybox\nCMD [\"echo\", \"built\"]\n", bench.tag);
    bench.write("Dockerfile", &text);
    let script =
        "docker build -q -t $T:built . >&2; docker run --rm $T:built; docker rmi $T:built $T >&2";
    assert_eq!(bench.prints(script).await, "built");
}

#[tokio::test]
async fn a_build_that_is_given_up_ends() {
    let bench = Bench::new("cancel").await;
    bench.write("Dockerfile", &format!("FROM busybox\nRUN echo {} && sleep 301\n", bench.tag));
    let script =
        "timeout -s INT 4 docker build . > log 2>&1 || true; grep -c CANCELED log || cat log";
    assert_eq!(bench.prints(script).await, "1");
    assert_eq!(bench.record.events().faults, Vec::<String>::new());
}
