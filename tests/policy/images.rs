//! What students do with images, through the policy, with the real CLI on the real engine.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::Bench;

const DOCKERFILE: &str = "FROM busybox
ARG WHO=nobody
COPY file /file
RUN echo \"built by $WHO\" >> /file
LABEL lesson=share
CMD [\"cat\", \"/file\"]
";

#[tokio::test]
async fn an_image_is_built_by_both_builders() {
    let bench = Bench::new("build").await;
    bench.write("Dockerfile", DOCKERFILE);
    bench.write("file", "a file\n");
    for kit in ["1", "0"] {
        let script = format!(
            "export DOCKER_BUILDKIT={kit}
            docker build --build-arg WHO=me{kit} -t $T:{kit} . >&2
            docker run --rm $T:{kit}
            docker history -q $T:{kit} | wc -l >&2
            docker rmi $T:{kit} >&2"
        );
        assert_eq!(bench.prints(&script).await, format!("a file\nbuilt by me{kit}"));
    }
    bench.write("Dockerfile", "FROM busybox\nRUN exit 7\n");
    let told = bench.fails("docker build .").await;
    assert!(told.contains("exit code: 7") || told.contains("code 7"), "{told}");
    // The sentence arrives although the client is still sending its files.
    bench.write("file", &"x".repeat(20_000_000));
    for _ in 0..5 {
        let told = bench.fails("DOCKER_BUILDKIT=0 docker build --network host .").await;
        assert!(told.contains("docker build --network host"), "{told}");
    }
    assert_eq!(bench.record.events().faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_build_with_a_secret_and_a_context_from_standard_input() {
    let bench = Bench::new("secret").await;
    bench.write(
        "Dockerfile",
        "FROM busybox\nRUN --mount=type=secret,id=word wc -c < /run/secrets/word > /length\n",
    );
    bench.write("word", "12345");
    let script = "
        docker build -q --secret id=word,src=word -t $T . >/dev/null
        docker run --rm $T cat /length
        docker rmi $T >/dev/null
        printf 'FROM busybox\\nCMD [\"echo\", \"piped\"]\\n' | docker build -q -t $T - >/dev/null
        docker run --rm $T
        tar c Dockerfile | docker build -q --secret id=word,src=word -t $T - >/dev/null
        docker run --rm $T cat /length
        docker rmi $T >/dev/null";
    assert_eq!(bench.prints(script).await, "5\npiped\n5");
}

#[tokio::test]
async fn an_image_is_saved_loaded_exported_and_imported() {
    let bench = Bench::new("share").await;
    bench.write("Dockerfile", DOCKERFILE);
    bench.write("file", "a file\n");
    let script = "
        docker build -q -t $T:1.0 . >/dev/null
        docker save $T:1.0 | gzip > image.tar.gz
        docker rmi $T:1.0 >/dev/null
        docker load -q < image.tar.gz
        docker tag $T:1.0 $T:again
        docker create --name $T $T:1.0 >/dev/null
        docker export $T > rootfs.tar
        docker export -o other.tar $T
        docker import -c 'CMD [\"cat\", \"/file\"]' rootfs.tar $T:flat >/dev/null
        docker run --rm $T:flat
        docker inspect -f '{{len .RootFS.Layers}} {{.Config.Cmd}}' $T:flat
        docker commit -c 'LABEL a=b' $T $T:commit >/dev/null
        docker inspect -f '{{.Config.Labels.a}}' $T:commit
        docker images --format '{{.Tag}}' $T | sort
        docker rm $T >/dev/null
        docker rmi $T:1.0 $T:again $T:flat $T:commit >/dev/null";
    let printed = bench.prints(script).await.replace(&bench.tag, "T");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "Loaded image: T:1.0",
            "a file",
            "built by nobody",
            "1 [cat /file]",
            "b",
            "1.0",
            "again",
            "commit",
            "flat"
        ]
    );
}

#[tokio::test]
async fn an_image_of_the_graders_is_not_there() {
    let bench = Bench::new("ours").await;
    let name = format!("{}/hidden:1", bench.tag);
    bench.directly(&["tag", "busybox", &name]).await;
    let list = bench.prints("docker images -a --format '{{.Repository}}'").await;
    assert!(!list.contains("hidden"), "{list}");
    for script in [
        "docker inspect $T/hidden:1",
        "docker history $T/hidden:1",
        "docker save -o x $T/hidden:1",
        "docker tag $T/hidden:1 $T:mine",
        "docker rmi $T/hidden:1",
        "docker tag alpine $T/hidden:1",
        "docker build -t $T/hidden:1 - < /dev/null",
        "docker import - $T/hidden:1 < /dev/null",
    ] {
        bench.fails(script).await;
    }
    bench.directly(&["rmi", &name]).await;
}

/// An archive says what its images are called.
#[tokio::test]
async fn a_name_of_the_graders_is_not_to_be_had_by_an_archive() {
    let bench = Bench::new("archive").await;
    let name = format!("{}/hidden:1", bench.tag);
    bench.directly(&["tag", "busybox", &name]).await;
    let archive = bench.folder().join("image.tar").display().to_string();
    bench.directly(&["save", "-o", &archive, &name]).await;
    let id = bench.directly(&["image", "inspect", "-f", "{{.Id}}", "alpine"]).await;
    // Where it is free, it stays free; where it means another image, it goes on to mean that.
    bench.directly(&["rmi", &name]).await;
    let told = bench.fails("docker load < image.tar").await;
    assert!(told.contains("asked for the image name"), "{told}");
    assert_eq!(bench.directly(&["images", "-q", &name]).await, "");
    bench.directly(&["tag", "alpine", &name]).await;
    bench.fails("docker load -i image.tar").await;
    assert_eq!(bench.directly(&["image", "inspect", "-f", "{{.Id}}", &name]).await, id);
    bench.directly(&["rmi", &name]).await;
    let events = bench.record.events();
    assert_eq!((events.refusals.len(), events.faults.len()), (2, 0), "{events:?}");
    assert!(events.refusals[0].sentence.contains("hidden:1"), "{events:?}");
}

/// What a student cuts off is no fault of ours.
#[tokio::test]
async fn an_upload_that_breaks_off_is_nobodys_fault() {
    let bench = Bench::new("cut").await;
    for target in ["images/load", "images/create?fromSrc=-&repo=cut", "build?version=1"] {
        let mut stream = bench.connect().await;
        let head = format!(
            "POST /{target} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nx\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(stream);
        // One that waits for the answer, too.
        let mut stream = bench.connect().await;
        stream.write_all(format!("{head}zz\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(!answer.contains("lost the engine"), "{answer}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.record.events().faults, Vec::<String>::new());
}

/// Needs a registry; where there is none to start, a push has to reach the engine all the same.
#[tokio::test]
async fn a_push_and_a_pull_reach_the_engine() {
    let bench = Bench::new("push").await;
    let told = bench.fails("docker tag busybox localhost:1/$T; docker push localhost:1/$T").await;
    assert!(told.contains("localhost:1"), "{told}");
    let told = bench.fails("docker pull localhost:1/$T:none").await;
    assert!(told.contains("localhost:1"), "{told}");
    bench.prints("docker rmi localhost:1/$T").await;
    assert_eq!(bench.record.events().refusals, []);
}
