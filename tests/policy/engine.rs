//! What students do with containers, through the policy, with the real CLI on the real engine.

use std::time::Duration;

use grade::policy::Output;
use tokio::io::AsyncWriteExt;

use crate::bench::Bench;

#[tokio::test]
async fn a_container_in_the_foreground_is_heard_and_seen() {
    let bench = Bench::new("run").await;
    let script = "docker run --rm --name $T busybox sh -c 'echo out; echo err >&2; exit 3'";
    let output = bench.script(script).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    let events = bench.record.events();
    let [seen] = &events.containers[..] else { panic!("{events:?}") };
    assert_eq!((seen.name.as_str(), seen.image.as_str()), (bench.tag.as_str(), "busybox"));
    assert_eq!(seen.created_inspect["HostConfig"]["AutoRemove"], true);
    let mut lines: Vec<&[u8]> = seen.streams[0].bytes.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    assert_eq!(lines, [&b""[..], b"err", b"out"]);
    assert!(events.refusals.is_empty() && events.faults.is_empty(), "{events:?}");
}

#[tokio::test]
async fn input_reaches_a_container_and_ends_there() {
    let bench = Bench::new("stdin").await;
    let script = "docker run --rm -i busybox sh -c 'cat; echo end'";
    let output = bench.script_with(script, "first\nsecond\n").await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "first\nsecond\nend\n", "{output:?}");
    // Much more than any buffer on the way.
    let much = "x".repeat(3_000_000);
    let output = bench.script_with("docker run --rm -i busybox wc -c", &much).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "3000000", "{output:?}");
}

#[tokio::test]
async fn a_terminal_is_heard_as_it_is_and_much_output_is_clipped() {
    let bench = Bench::new("tty").await;
    assert_eq!(bench.prints("docker run --rm -t busybox echo hello").await, "hello");
    let long = bench.prints("docker run --rm busybox sh -c 'yes | head -c 1000000'").await;
    assert_eq!(long.len(), 999_999);
    let events = bench.record.events();
    let hello = Output { bytes: b"hello\r\n".to_vec(), truncated: false };
    // The wall listens for itself, from before the start, and the command does.
    assert_eq!(events.containers[0].streams, [hello.clone(), hello]);
    let clipped = &events.containers[1].streams;
    let kept: usize = clipped.iter().map(|stream| stream.bytes.len()).sum();
    assert_eq!((kept, clipped[0].truncated), (256 * 1024, true));
}

#[tokio::test]
async fn a_container_s_life() {
    let bench = Bench::new("life").await;
    let script = "
        docker run -d --name $T -p 127.0.0.1::80 -m 32m --restart unless-stopped \
            --health-cmd true --label lesson=one busybox sh -c 'echo up; exec sleep 60' >/dev/null
        until docker logs $T | grep up; do sleep 0.1; done
        docker exec $T sh -c 'echo in > /tmp/file'
        echo more | docker exec -i $T sh -c 'cat >> /tmp/file'
        docker cp $T:/tmp/file copied
        docker cp copied $T:/tmp/again
        docker exec -e A=b -w /tmp $T cat again
        docker update --restart no $T >/dev/null
        docker top $T -o pid,args | grep -c sleep
        docker stats --no-stream --format '{{.Name}}' $T
        docker diff $T | grep again
        docker pause $T >/dev/null; docker unpause $T >/dev/null
        docker restart -t 0 $T >/dev/null
        docker rename $T $T-b
        docker inspect -f '{{.State.Status}} {{.HostConfig.Memory}}' $T-b
        docker ps -q -f name=$T | wc -l
        docker kill $T-b >/dev/null; docker wait $T-b; docker start $T-b >/dev/null
        docker rm -f $T-b >/dev/null; docker ps -aq -f name=$T | wc -l";
    let printed = bench.prints(script).await.replace(&bench.tag, "T");
    let lines: Vec<&str> = printed.lines().map(str::trim).collect();
    let running = "running 33554432";
    assert_eq!(
        lines,
        ["up", "in", "more", "1", "T", "A /tmp/again", running, "1", "137", "0"],
        "{:?}",
        bench.record.events()
    );
}

#[tokio::test]
async fn volumes_and_networks() {
    let bench = Bench::new("volume").await;
    bench.write("app.conf", "told = yes\n");
    let script = "
        docker volume create $T >/dev/null
        docker run --rm -v $T:/data busybox sh -c 'echo kept > /data/file'
        docker run --rm --mount source=$T,target=/data,readonly busybox cat /data/file
        docker volume inspect -f '{{.Driver}}' $T
        docker volume ls -q -f name=$T | wc -l
        docker volume rm $T >/dev/null
        docker run --rm --mount type=bind,source=\"$PWD\"/app.conf,target=/app.conf,readonly busybox cat /app.conf
        docker run --rm -v \"$PWD\":/srv busybox touch /srv/made; ls made
        docker run --rm --mount type=tmpfs,target=/scratch,tmpfs-size=1m busybox stat -f -c %T /scratch
        docker network create --internal $T >/dev/null
        docker run -d --name $T --network $T --network-alias here busybox sleep 60 >/dev/null
        docker run --rm --network $T busybox ping -c 1 -W 5 here | grep -c '1 packets received'
        docker run --rm --network container:$T busybox hostname -i | wc -l
        docker network inspect -f '{{len .Containers}}' $T
        docker network disconnect $T $T; docker network connect $T $T
        docker rm -f $T >/dev/null; docker network rm $T >/dev/null";
    let printed = bench.prints(script).await;
    let lines: Vec<&str> = printed.lines().map(str::trim).collect();
    assert_eq!(lines, ["kept", "local", "1", "told = yes", "made", "tmpfs", "1", "1", "1"]);
    let events = bench.record.events();
    let mounted = &events.containers[2].created_inspect["HostConfig"]["Mounts"][0];
    assert_eq!((&mounted["Type"], &mounted["ReadOnly"]), (&"bind".into(), &true.into()));
    assert_eq!(events.refusals, []);
}

/// A command that is killed while it makes a container does not make it in secret.
#[tokio::test]
async fn a_container_is_seen_even_if_nobody_waits_for_it() {
    let bench = Bench::new("rush").await;
    let body = r#"{"Image": "busybox", "Cmd": ["true"]}"#;
    let rush = async |delay: u64| {
        let request = format!(
            "POST /containers/create?name={}-{delay} HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n\r\n{body}",
            bench.tag,
            body.len()
        );
        let mut stream = bench.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(delay)).await;
    };
    let name = format!("name={}-", bench.tag);
    let made = async || {
        let list = bench.directly(&["ps", "-a", "--format", "{{.Names}}", "-f", &name]).await;
        let mut made: Vec<String> = list.lines().map(ToOwned::to_owned).collect();
        made.sort_unstable();
        made
    };
    // Soon enough to be in the middle.
    for delay in 0..12 {
        rush(delay).await;
    }
    // On a busy machine none of them was made in its time.
    let mut patience = 50;
    while made().await.is_empty() {
        assert!(patience < 60_000, "none is made");
        rush(patience).await;
        patience *= 2;
    }
    // What the engine had begun when its caller left ends at some time, and is seen then.
    for wait in [2, 2, 4, 8, 16] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let made = made().await;
        let mut seen: Vec<String> =
            bench.record.events().containers.into_iter().map(|seen| seen.name).collect();
        seen.sort_unstable();
        if made == seen {
            return;
        }
    }
    panic!("{:?} were made, {:?} were seen", made().await, bench.record.events());
}

#[tokio::test]
async fn a_refusal_is_told_to_the_student_and_kept_for_the_grade() {
    let bench = Bench::new("refuse").await;
    let told = bench.fails("docker run --name $T --privileged busybox true").await;
    let sentence = "your command asked for --privileged, which this course does not allow";
    assert!(told.contains(sentence), "{told}");
    let told = bench.fails("docker run --rm -v /:/host busybox true").await;
    assert!(told.contains("a mount of /, outside of the submission's folder"), "{told}");
    let told = bench.fails("docker run -v /var/run/docker.sock:/s busybox true").await;
    assert!(told.contains("a mount of /var/run/docker.sock"), "{told}");
    for (arguments, named) in [
        ("--network host", "--network host"),
        ("--pid host", "--pid host"),
        // Newer clients write the name out.
        ("--cap-add SYS_ADMIN", "SYS_ADMIN"),
        ("--device /dev/null", "--device"),
        ("--security-opt seccomp=unconfined", "--security-opt seccomp=unconfined"),
        ("--security-opt systempaths=unconfined", "--security-opt systempaths=unconfined"),
        (
            "--mount type=volume,target=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/",
            "a volume with the options",
        ),
    ] {
        let told = bench.fails(&format!("docker run {arguments} busybox true")).await;
        assert!(told.contains(named), "{arguments}: {told}");
    }
    let told = bench.fails("docker swarm init").await;
    assert!(told.contains("docker swarm"), "{told}");
    let events = bench.record.events();
    assert_eq!((events.refusals.len(), events.containers.len()), (11, 0), "{events:?}");
    assert_eq!(events.refusals[0].sentence, sentence);
    assert_eq!(events.refusals[0].call, "POST /v1.41/containers/create");
}

#[tokio::test]
async fn what_is_the_graders_is_not_there_for_the_cli() {
    let mut bench = Bench::new("hidden").await;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let id = bench.hidden().await;
    let name = format!("{}-hidden", bench.tag);
    let (short, host) = (&id[..12], &id[..4]);
    assert_eq!(bench.prints("docker ps -aq --no-trunc -f name=$T").await, "");
    let system = bench.prints("docker system df -v").await;
    assert!(!system.contains(&name), "{system}");
    for call in
        ["inspect", "logs", "rm", "stop", "exec", "cp -a", "commit", "export", "top", "attach"]
    {
        for reference in [name.as_str(), &id, short, host] {
            let script = match call {
                "cp -a" => format!("docker cp {reference}:/etc/passwd ."),
                "exec" => format!("docker exec {reference} true"),
                call => format!("docker {call} {reference}"),
            };
            let told = bench.fails(&script).await;
            assert!(told.contains("No such") || told.contains("no such"), "{script}: {told}");
        }
    }
    let told = bench.fails(&format!("docker run --rm --pid container:{short} busybox true")).await;
    assert!(told.contains("No such container"), "{told}");
    let network = bench.prints("docker network inspect bridge").await;
    assert!(!network.contains(&id), "{network}");
    let script = format!(
        "docker run --name $T busybox true
        docker events --since {} --until $(($(date +%s) + 1)) -f type=container",
        since.as_secs() - 100
    );
    let told = bench.prints(&script).await;
    assert!(!told.contains(&id), "{told}");
    assert!(told.contains(&bench.record.events().containers[0].id), "{told}");
    assert_eq!(bench.record.events().refusals, []);
    assert_eq!(bench.directly(&["inspect", "-f", "{{.State.Running}}", &id]).await, "true");
}

/// A container whose image says that it is ours is the student's all the same.
#[tokio::test]
async fn a_label_of_an_image_hides_nothing() {
    let bench = Bench::new("label").await;
    bench.write("Dockerfile", "FROM busybox\nLABEL grade.run=x\nCMD [\"sleep\", \"60\"]\n");
    let script = "
        docker build -q -t $T . >/dev/null
        docker run -d --name $T $T >/dev/null
        docker ps -q -f name=$T | wc -l
        docker rm -f $T >/dev/null
        docker rmi $T >/dev/null";
    assert_eq!(bench.prints(script).await, "1");
}
