//! What no command may ask for, in every spelling that an engine would understand.

use super::*;

fn sentence(of: Result<Allowed, No>) -> String {
    match of {
        Err(No::Refused(sentence)) => sentence,
        other => panic!("not refused: {other:?}"),
    }
}

/// A setting of `HostConfig`, and what the sentence has to name.
#[test]
fn settings_of_a_container_that_reach_beyond_it() {
    let table = [
        (r#""Privileged": true"#, "--privileged"),
        (r#""privileged": true"#, "--privileged"),
        (r#""PRIVILEGED": true"#, "--privileged"),
        (r#""\u0050rivileged": true"#, "--privileged"),
        (r#""Privileged": "yes""#, "--privileged"),
        (r#""Privileged": 1"#, "--privileged"),
        (r#""Devices": [{"PathOnHost": "/dev/sda"}]"#, "--device"),
        (r#""devices": [{}]"#, "--device"),
        (r#""DeviceCgroupRules": ["a *:* rwm"]"#, "--device-cgroup-rule"),
        (r#""DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]"#, "--gpus"),
        (r#""BlkioDeviceWriteBps": [{"Path": "/dev/sda", "Rate": 1}]"#, "--device-write-bps"),
        (r#""BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 1}]"#, "--blkio-weight-device"),
        (r#""NetworkMode": "host""#, "--network host"),
        (r#""networkmode": "host""#, "--network host"),
        (r#""NetworkMode": "cccc01""#, "--network host"),
        (r#""NetworkMode": "cccc0""#, "--network host"),
        (r#""NetworkMode": "ns:/proc/1/ns/net""#, "--network ns:/proc/1/ns/net"),
        (r#""PidMode": "host""#, "--pid host"),
        (r#""PidMode": "ns:/proc/1/ns/pid""#, "--pid ns:"),
        (r#""IpcMode": "host""#, "--ipc host"),
        (r#""UTSMode": "host""#, "--uts host"),
        (r#""UsernsMode": "host""#, "--userns host"),
        (r#""CgroupnsMode": "host""#, "--cgroupns host"),
        (r#""CgroupParent": "/""#, "--cgroup-parent"),
        (r#""Cgroup": "container:web""#, "cgroup"),
        (r#""CapAdd": ["SYS_ADMIN"]"#, "--cap-add SYS_ADMIN"),
        (r#""CapAdd": "SYS_ADMIN""#, "--cap-add SYS_ADMIN"),
        (r#""CapAdd": ["CHOWN", "cap_sys_ptrace"]"#, "--cap-add cap_sys_ptrace"),
        (r#""CapAdd": ["ALL"]"#, "--cap-add ALL"),
        (r#""CapAdd": ["NET_ADMIN"]"#, "--cap-add NET_ADMIN"),
        (r#""Capabilities": ["SYS_ADMIN"]"#, "capabilities"),
        (r#""SecurityOpt": ["seccomp=unconfined"]"#, "--security-opt seccomp=unconfined"),
        (r#""SecurityOpt": ["seccomp:unconfined"]"#, "--security-opt seccomp:unconfined"),
        (r#""SecurityOpt": ["apparmor=unconfined"]"#, "--security-opt apparmor=unconfined"),
        (
            r#""SecurityOpt": ["no-new-privileges", "label=disable"]"#,
            "--security-opt label=disable",
        ),
        (r#""SecurityOpt": ["systempaths=unconfined"]"#, "--security-opt systempaths"),
        (r#""SecurityOpt": ["no-new-privileges:maybe"]"#, "--security-opt no-new-privileges:maybe"),
        (r#""MaskedPaths": []"#, "systempaths=unconfined"),
        (r#""ReadonlyPaths": []"#, "systempaths=unconfined"),
        (r#""maskedpaths": ["/proc/kcore"]"#, "systempaths=unconfined"),
        (r#""Runtime": "sysbox-runc""#, "--runtime sysbox-runc"),
        (r#""Runtime": "/tmp/evil""#, "--runtime"),
        (r#""Sysctls": {"kernel.core_pattern": "|/x"}"#, "--sysctl kernel.core_pattern"),
        (r#""Sysctls": {"net.ipv4./../../kernel/core_pattern": "x"}"#, "--sysctl"),
        (r#""Sysctls": {"net.core.somaxconn": "1"}"#, "--sysctl"),
        (r#""OomKillDisable": true"#, "--oom-kill-disable"),
        (r#""OomScoreAdj": -500"#, "--oom-score-adj -500"),
        (r#""Ulimits": [{"Name": "rtprio", "Hard": 99, "Soft": 99}]"#, "--ulimit rtprio"),
        (r#""CpuRealtimeRuntime": 950000"#, "--cpu-rt-runtime"),
        (r#""StorageOpt": {"size": "1T"}"#, "--storage-opt"),
        (r#""Annotations": {"run.oci.keep_original_groups": "1"}"#, "--annotation"),
        (r#""LogConfig": {"Type": "syslog", "Config": {}}"#, "--log-driver syslog"),
        (
            r#""LogConfig": {"Type": "json-file", "Config": {"syslog-address": "tcp://x"}}"#,
            "--log-opt",
        ),
        (r#""VolumeDriver": "sshfs""#, "the volume driver sshfs"),
        (r#""Isolation": "hyperv""#, "--isolation hyperv"),
        (r#""VolumesFrom": ["web:rshared"]"#, "--volumes-from"),
        (r#""SomethingNew": true"#, "the setting SomethingNew"),
        // The long s and the Kelvin sign are an s and a k to Go.
        (r#""Privi\u006ceged": true"#, "--privileged"),
        (r#""Bind\u017f": ["/:/host"]"#, "the setting Bindſ"),
        (r#""Networ\u212aMode": "host""#, "the setting Networ"),
    ];
    for (setting, named) in table {
        let body = format!(r#"{{"Image": "busybox", "HostConfig": {{{setting}}}}}"#);
        let sentence = sentence(ask("POST", "/v1.41/containers/create?name=x", &body));
        assert!(sentence.contains(named), "{setting}: {sentence}");
        assert!(sentence.ends_with("which this course does not allow"), "{sentence}");
    }
}

#[test]
fn mounts_of_what_is_not_in_the_folder() {
    let binds = [
        "/:/host",
        "/etc:/x:ro",
        "/var/run/docker.sock:/var/run/docker.sock",
        "/run/docker.sock:/x",
        "/work:/x",
        "/srv/submission2:/x",
        "/srv/submission/../other:/x",
        "/srv/submission/a/../../..:/x",
        "/srv//submission/./../../etc:/x",
        "/srv/submission/a\nb:/x",
        "/srv/submission:/x:rshared",
        "/srv/submission:/x:ro,shared",
        "data:/x:exec",
        "//etc:/x",
        "/./srv/submission/..:/x",
        "/proc/1/root:/x",
    ];
    for bind in binds {
        let sentence = sentence(create(&json!({"HostConfig": {"Binds": [bind]}})));
        assert!(sentence.contains("mount"), "{bind}: {sentence}");
    }
    let mounts = [
        json!({"Type": "bind", "Source": "/", "Target": "/x"}),
        json!({"type": "bind", "source": "/etc", "target": "/x"}),
        json!({"Type": "bind", "Source": "/srv/submission/../..", "Target": "/x"}),
        json!({"Type": "bind", "Source": "/srv/submission", "Target": "/x", "BindOptions": {"Propagation": "rshared"}}),
        json!({"Type": "bind", "Source": "/srv/submission", "Target": "/x", "BindOptions": {"propagation": "shared"}}),
        json!({"Type": "npipe", "Source": "x", "Target": "/x"}),
        json!({"Type": "cluster", "Source": "x", "Target": "/x"}),
        json!({"Type": "image", "Source": "x", "Target": "/x"}),
        json!({"Type": "Bind", "Source": "/", "Target": "/x"}),
        json!({"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}}}),
        json!({"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "evil"}}}),
        json!({"Type": "volume", "Target": "/x", "VolumeOptions": {"Labels": {"grade.run": "x"}}}),
        json!({"Type": "tmpfs", "Target": "/x", "TmpfsOptions": {"Options": [["dev"]]}}),
        json!({"Type": "bind", "Source": "/srv/submission", "Target": "/x", "New": true}),
    ];
    for mount in mounts {
        sentence(create(&json!({"HostConfig": {"Mounts": [mount]}})));
    }
}

/// Other calls, and other places of a create.
#[test]
fn other_calls_that_reach_beyond_a_container() {
    let table = [
        // The old place of a container's settings.
        ("POST", "/containers/create", r#"{"Image": "busybox", "Privileged": true}"#),
        ("POST", "/containers/create", r#"{"Binds": ["/:/host"]}"#),
        ("POST", "/containers/create", r#"{"Cpuset": "0"}"#),
        ("POST", "/containers/create", r#"{"Labels": {"grade.run": "x"}}"#),
        (
            "POST",
            "/containers/create",
            r#"{"NetworkingConfig": {"EndpointsConfig": {"host": {}}}}"#,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"NetworkingConfig": {"EndpointsConfig": {"cccc01": null}}}"#,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"NetworkingConfig": {"EndpointsConfig": {"x": {"DriverOpts": {"a": "b"}}}}}"#,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"NetworkingConfig": {"EndpointsConfig": {"x": {"NetworkID": "host"}}}}"#,
        ),
        ("POST", "/containers/web/exec", r#"{"Cmd": ["sh"], "Privileged": true}"#),
        ("POST", "/containers/web/exec", r#"{"Cmd": ["sh"], "privileged": true}"#),
        ("POST", "/containers/web/update", r#"{"Devices": [{"PathOnHost": "/dev/sda"}]}"#),
        ("POST", "/containers/web/update", r#"{"CgroupParent": "/"}"#),
        ("POST", "/containers/web/update", r#"{"OomKillDisable": true}"#),
        ("POST", "/containers/web/start?checkpoint=a&checkpoint-dir=/etc", ""),
        ("GET", "/containers/web/top?ps_args=-o%20pid%3B%20id", ""),
        (
            "POST",
            "/volumes/create",
            r#"{"Name": "x", "DriverOpts": {"type": "none", "o": "bind", "device": "/"}}"#,
        ),
        (
            "POST",
            "/volumes/create",
            r#"{"Name": "x", "DriverOpts": {"type": "nfs", "device": ":/", "o": "addr=10.0.0.1"}}"#,
        ),
        (
            "POST",
            "/volumes/create",
            r#"{"Name": "x", "DriverOpts": {"type": "tmpfs", "device": "tmpfs", "o": "bind"}}"#,
        ),
        (
            "POST",
            "/volumes/create",
            r#"{"Name": "x", "DriverOpts": {"type": "tmpfs", "device": "/dev/sda"}}"#,
        ),
        (
            "POST",
            "/volumes/create",
            r#"{"Name": "x", "DriverOpts": {"type": "tmpfs", "TYPE": "none"}}"#,
        ),
        ("POST", "/volumes/create", r#"{"Name": "x", "DriverOpts": {"device": "/"}}"#),
        ("POST", "/volumes/create", r#"{"Name": "x", "Driver": "sshfs"}"#),
        ("POST", "/volumes/create", r#"{"Name": "x", "ClusterVolumeSpec": {"Group": "x"}}"#),
        ("POST", "/volumes/create", r#"{"Name": "x", "Labels": {"grade.run": "x"}}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "Driver": "macvlan"}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "Driver": "ipvlan"}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "Driver": "overlay"}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "Driver": "host"}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "Scope": "swarm"}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "Ingress": true}"#),
        ("POST", "/networks/create", r#"{"Name": "x", "ConfigFrom": {"Network": "y"}}"#),
        (
            "POST",
            "/networks/create",
            r#"{"Name": "x", "Options": {"com.docker.network.bridge.name": "docker0"}}"#,
        ),
        ("POST", "/networks/create", r#"{"Name": "x", "IPAM": {"Driver": "evil"}}"#),
        (
            "POST",
            "/networks/create",
            r#"{"Name": "x", "IPAM": {"Config": [{"Subnet": "0.0.0.0/1"}]}}"#,
        ),
        (
            "POST",
            "/networks/create",
            r#"{"Name": "x", "IPAM": {"Config": [{"Subnet": "8.8.8.0/24"}]}}"#,
        ),
        (
            "POST",
            "/networks/create",
            r#"{"Name": "x", "IPAM": {"Config": [{"Subnet": "10.0.0.0/4"}]}}"#,
        ),
        ("POST", "/networks/host/connect", r#"{"Container": "web"}"#),
        ("POST", "/networks/cccc01/connect", r#"{"Container": "web"}"#),
        ("POST", "/build?networkmode=host", ""),
        ("POST", "/build?networkmode=container:script", ""),
        ("POST", "/build?remote=https://example.org/x.git", ""),
        ("POST", "/build?securityopt=%5B%22seccomp%3Dunconfined%22%5D", ""),
        ("POST", "/build?cgroupparent=/", ""),
        ("POST", "/build?t=grade/script:1", ""),
        ("POST", "/build?t=grade.local/anything", ""),
        ("POST", "/build?version=2&remote=client-session&session=x", ""),
        ("POST", "/build?version=02", ""),
        ("POST", "/build?buildargs=%7B%22BUILDKIT_SYNTAX%22%3A%22evil%22%7D", ""),
        ("POST", "/build?buildargs=%7B%22BUILDKIT%5Cu005fSYNTAX%22%3A%22evil%22%7D", ""),
        ("POST", "/build?ulimits=%5B%7B%22name%22%3A%22rtprio%22%7D%5D", ""),
        ("POST", "/build?entitlements=network.host", ""),
        ("POST", "/images/create?fromSrc=http://10.0.0.1/x.tar&repo=x", ""),
        ("POST", "/images/create?fromSrc=-&repo=grade/script&tag=1", ""),
        ("POST", "/images/create?fromImage=grade/script:1", ""),
        ("POST", "/images/create?fromImage=grade/script", ""),
        ("POST", "/images/busybox/tag?repo=grade/script&tag=1", ""),
        ("POST", "/commit?container=web&repo=docker.io/grade/script&tag=1", ""),
        // The tag counts, and not the one that the repository's name has.
        ("POST", "/commit?container=web&repo=grade/script:other&tag=1", ""),
        ("POST", "/images/busybox/tag?repo=grade/script:other&tag=1", ""),
        ("POST", "/images/busybox/tag?repo=grade.local/tools&tag=1", ""),
        ("POST", "/images/create?fromSrc=-&repo=grade/script:other&tag=1", ""),
        ("POST", "/commit?container=web", r#"{"HostConfig": {"Privileged": true}}"#),
        ("POST", "/commit?container=web", r#"{"Labels": {"grade.image.run": "x"}}"#),
    ];
    for (method, target, body) in table {
        let answer = ask(method, target, body);
        assert!(matches!(answer, Err(No::Refused(_))), "{method} {target} {body}: {answer:?}");
    }
}

#[test]
fn calls_that_are_not_in_the_table() {
    let table = [
        ("POST", "/swarm/init", "docker swarm"),
        ("GET", "/v1.41/swarm", "docker swarm"),
        ("GET", "/nodes", "docker node"),
        ("POST", "/services/create", "docker service"),
        ("GET", "/tasks", "docker service"),
        ("POST", "/secrets/create", "docker secret"),
        ("POST", "/configs/create", "docker config"),
        ("GET", "/plugins", "docker plugin"),
        ("POST", "/plugins/pull", "docker plugin"),
        ("POST", "/containers/web/checkpoints", "docker checkpoint"),
        ("GET", "/images/search", "docker search"),
        ("GET", "/containers/web/attach/ws", "GET /containers/web/attach/ws"),
        ("POST", "/containers/web/copy", "POST /containers/web/copy"),
        ("PUT", "/volumes/data", "PUT /volumes/data"),
        ("GET", "/debug/pprof/heap", "GET /debug/pprof/heap"),
        ("GET", "/metrics", "GET /metrics"),
        ("OPTIONS", "/containers/json", "OPTIONS"),
        ("TRACE", "/_ping", "TRACE"),
        ("GET", "/containers/create", "GET"),
        ("POST", "/v1.41/v1.41/grpc", "POST"),
    ];
    for (method, target, named) in table {
        let sentence = sentence(ask(method, target, ""));
        assert!(sentence.contains(named), "{method} {target}: {sentence}");
    }
}

/// What makes no sense, or another to another reader, is not sent on; it is no refusal either.
#[test]
fn requests_that_could_be_read_in_two_ways() {
    let table = [
        ("POST", "/containers/create", ""),
        ("POST", "/containers/create", "[]"),
        ("POST", "/containers/create", r#"{"Image": "busybox""#),
        (
            "POST",
            "/containers/create",
            r#"{"Image": "busybox"} {"HostConfig": {"Privileged": true}}"#,
        ),
        ("POST", "/containers/create", r#"{"HostConfig": {}, "HostConfig": {"Privileged": true}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {}, "hostconfig": {"Privileged": true}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Binds": null, "binds": ["/:/x"]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Binds": [null]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Binds": [{"a": 1}]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"CapAdd": [["SYS_ADMIN"]]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": "x"}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Mounts": {"Type": "bind"}}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Mounts": [{"Source": "/"}]}}"#),
        (
            "POST",
            "/containers/create",
            r#"{"HostConfig": {"Mounts": [{"Type": "bind", "Source": "config"}]}}"#,
        ),
        ("POST", "/containers/create", r#"{"HostConfig": {"Binds": ["/a:/b:ro:/c"]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Binds": ["../etc:/x"]}}"#),
        (
            "POST",
            "/containers/create",
            r#"{"HostConfig": {"Mounts": [{"Type": "volume", "Source": "/etc"}]}}"#,
        ),
        ("POST", "/volumes/create", r#"{"Name": "../../etc"}"#),
        ("POST", "/v1.23/containers/web/start", r#"{"Privileged": true}"#),
        ("POST", "/v1.41/containers/web/start", r#"{"Privileged": true}"#),
        ("POST", "/containers/web/kill?signal=KILL&signal=TERM", ""),
        ("POST", "/containers/web/exec", ""),
        ("POST", "/build?networkmode=default&networkmode=host", ""),
        ("POST", "/build?ulimits=x", ""),
        ("POST", "/containers/prune?filters=x", ""),
        ("POST", "/networks/app_default/connect", ""),
    ];
    for (method, target, body) in table {
        let answer = ask(method, target, body);
        assert!(matches!(answer, Err(No::Bad(_))), "{method} {target} {body}: {answer:?}");
    }
}
