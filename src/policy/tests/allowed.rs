//! What the docker CLI and Compose send for the commands of a first course, and what becomes of it.

use super::*;

/// A container of the docker CLI that nothing was asked for, as version 20.10 sends it.
const CLI: &str = r#"{
    "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": true,
    "AttachStderr": true, "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": null,
    "Cmd": ["sh", "-c", "echo hello"], "Image": "busybox", "Volumes": {}, "WorkingDir": "",
    "Entrypoint": null, "OnBuild": null, "Labels": {},
    "HostConfig": {
        "Binds": null, "ContainerIDFile": "", "LogConfig": {"Type": "", "Config": {}},
        "NetworkMode": "default", "PortBindings": {},
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": false,
        "VolumeDriver": "", "VolumesFrom": null, "ConsoleSize": [0, 0], "CapAdd": null, "CapDrop": null,
        "CgroupnsMode": "", "Dns": [], "DnsOptions": [], "DnsSearch": [], "ExtraHosts": null,
        "GroupAdd": null, "IpcMode": "", "Cgroup": "", "Links": null, "OomScoreAdj": 0,
        "PidMode": "", "Privileged": false, "PublishAllPorts": false, "ReadonlyRootfs": false,
        "SecurityOpt": null, "UTSMode": "", "UsernsMode": "", "ShmSize": 0, "Isolation": "",
        "CpuShares": 0, "Memory": 0, "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0,
        "BlkioWeightDevice": [], "BlkioDeviceReadBps": null, "BlkioDeviceWriteBps": null,
        "BlkioDeviceReadIOps": null, "BlkioDeviceWriteIOps": null, "CpuPeriod": 0, "CpuQuota": 0,
        "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "",
        "Devices": [], "DeviceCgroupRules": null, "DeviceRequests": null, "KernelMemory": 0,
        "KernelMemoryTCP": 0, "MemoryReservation": 0, "MemorySwap": 0, "MemorySwappiness": -1,
        "OomKillDisable": false, "PidsLimit": 0, "Ulimits": null, "CpuCount": 0, "CpuPercent": 0,
        "IOMaximumIOps": 0, "IOMaximumBandwidth": 0, "MaskedPaths": null, "ReadonlyPaths": null
    },
    "NetworkingConfig": {"EndpointsConfig": {}}
}"#;

/// What the docker CLI sends for every container, with everything that was not asked for.
fn of_cli(host: &Value) -> Value {
    let mut body: Value = serde_json::from_str(CLI).unwrap();
    for (key, value) in host.as_object().unwrap() {
        body["HostConfig"][key] = value.clone();
    }
    body
}

/// A setting of `HostConfig` that is sent as it was given.
#[test]
fn settings_of_a_container_that_are_its_own() {
    let folder = "/srv/submission";
    let table = [
        json!({}),
        json!({"AutoRemove": true}),
        json!({"Binds": ["mydata:/data"]}),
        json!({"Binds": ["mydata:/data:ro", "/data"]}),
        json!({"Binds": [format!("{folder}/config:/etc/app:ro")]}),
        json!({"Binds": [format!("{folder}:/work:rw,z"), format!("{folder}/a.b:/x:ro,rslave")]}),
        json!({"Mounts": [{"Type": "volume", "Source": "mydata", "Target": "/data"}]}),
        json!({"Mounts": [{"Type": "volume", "Source": "mydata", "Target": "/data", "VolumeOptions": {}}]}),
        json!({"Mounts": [{"Type": "volume", "Target": "/data", "VolumeOptions": {"NoCopy": true, "Labels": {"a": "b"}}}]}),
        json!({"Mounts": [{"Type": "bind", "Source": format!("{folder}/config"), "Target": "/etc/app", "ReadOnly": true}]}),
        json!({"Mounts": [{"Type": "bind", "Source": format!("{folder}/config"), "Target": "/x", "BindOptions": {"Propagation": "rslave"}}]}),
        json!({"Mounts": [{"Type": "bind", "Source": folder, "Target": "/x", "BindOptions": {"CreateMountpoint": true, "NonRecursive": true}}]}),
        json!({"Mounts": [{"Type": "tmpfs", "Target": "/scratch", "TmpfsOptions": {"SizeBytes": 1_000_000, "Mode": 1023}}]}),
        json!({"Tmpfs": {"/run": "size=64m"}}),
        json!({"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}, "PublishAllPorts": true}),
        json!({"RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}}),
        json!({"NetworkMode": "none"}),
        json!({"NetworkMode": "bridge"}),
        json!({"NetworkMode": "app_default"}),
        json!({"PidMode": ""}),
        json!({"IpcMode": "private"}),
        json!({"CgroupnsMode": "private"}),
        json!({"Memory": 67_108_864, "MemorySwap": 67_108_864, "NanoCpus": 500_000_000, "PidsLimit": 100}),
        json!({"ReadonlyRootfs": true, "CapDrop": ["ALL"], "CapAdd": ["CHOWN", "CAP_NET_BIND_SERVICE"]}),
        json!({"SecurityOpt": ["no-new-privileges"]}),
        json!({"SecurityOpt": ["no-new-privileges:true"]}),
        json!({"Ulimits": [{"Name": "nofile", "Hard": 1024, "Soft": 1024}]}),
        json!({"Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"}}),
        json!({"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "3"}}}),
        json!({"LogConfig": {"Type": "none", "Config": {}}}),
        json!({"ExtraHosts": ["db:10.0.0.2"], "Dns": ["10.0.0.3"]}),
        json!({"Init": true, "ShmSize": 1_000_000, "OomScoreAdj": 100}),
        json!({"Runtime": "runc", "GroupAdd": ["1000"], "ConsoleSize": [24, 80]}),
        json!({"Links": ["web:db"]}),
    ];
    for host in table {
        let sent = sent(create(&of_cli(&host)));
        assert_eq!(sent["Cmd"], json!(["sh", "-c", "echo hello"]));
        for (key, value) in host.as_object().unwrap() {
            assert_eq!(&sent["HostConfig"][key], value, "{host}");
        }
        for key in ["Privileged", "Devices", "MaskedPaths", "CgroupParent", "UTSMode"] {
            assert_eq!(sent["HostConfig"].get(key), None, "{key} asks for nothing");
        }
    }
}

#[test]
fn a_container_is_meant_by_its_id_from_then_on() {
    let sent = sent(create(&of_cli(&json!({
        "NetworkMode": "container:web", "PidMode": "container:aaaa", "VolumesFrom": ["web:ro", "/web"]
    }))));
    let host = &sent["HostConfig"];
    assert_eq!(host["NetworkMode"], format!("container:{WEB}"));
    assert_eq!(host["PidMode"], format!("container:{WEB}"));
    assert_eq!(host["VolumesFrom"], json!([format!("{WEB}:ro"), WEB]));
}

#[test]
fn a_path_is_sent_without_its_detours() {
    let sent = sent(create(&json!({"HostConfig": {"Binds": ["/srv//submission/./a/:/x"]}})));
    assert_eq!(sent["HostConfig"]["Binds"], json!(["/srv/submission/a:/x"]));
}

/// What Compose 2 sends for a service with a named volume, a bind mount and a health check.
#[test]
fn a_service_of_compose() {
    let body = json!({
        "Hostname": "", "AttachStdin": false, "AttachStdout": true, "AttachStderr": true,
        "ExposedPorts": {"80/tcp": {}}, "Cmd": null, "Image": "counter", "Entrypoint": null,
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_000_000_000, "StartInterval": 0},
        "Labels": {"com.docker.compose.project": "x", "com.docker.compose.service": "counter"},
        "StopTimeout": 3,
        "HostConfig": {
            "Binds": ["x_mydata:/data:rw"], "NetworkMode": "x_default", "CapAdd": null,
            "RestartPolicy": {"Name": "", "MaximumRetryCount": 0}, "ConsoleSize": [0, 0],
            "LogConfig": {"Type": "", "Config": null}, "OomKillDisable": false, "Isolation": "",
            "Mounts": [{
                "Type": "bind", "Source": "/srv/submission/config", "Target": "/etc/app",
                "ReadOnly": true, "BindOptions": {"CreateMountpoint": true}
            }],
            "Resources": null, "MaskedPaths": null, "ReadonlyPaths": null
        },
        "NetworkingConfig": {"EndpointsConfig": {"x_default": {
            "IPAMConfig": null, "Links": null, "Aliases": ["x-counter-1", "counter"], "NetworkID": "",
            "EndpointID": "", "IPPrefixLen": 0, "DriverOpts": null, "MacAddress": ""
        }}}
    });
    let sent = sent(ask("POST", "/v1.45/containers/create?name=x-counter-1", &body.to_string()));
    assert_eq!(sent["NetworkingConfig"]["EndpointsConfig"]["x_default"]["Aliases"][1], "counter");
    assert_eq!(sent["HostConfig"]["Mounts"], body["HostConfig"]["Mounts"]);
    assert_eq!(sent["StopTimeout"], 3);
}

/// Other calls: method, target and body; what is sent as target, where it is not the same.
#[test]
fn calls_of_the_course() {
    let web = |path: &str| format!("/v1.41/containers/{WEB}{path}");
    let table = [
        ("HEAD", "/_ping", "", None),
        ("GET", "/_ping", "", None),
        ("GET", "/v1.41/version", "", None),
        ("GET", "/v1.41/info", "", None),
        (
            "POST",
            "/v1.51/auth",
            r#"{"password":"p","serveraddress":"localhost:5000","username":"u"}"#,
            None,
        ),
        ("POST", "/v1.51/images/create?fromImage=docker.io%2Flibrary%2Fbusybox&tag=latest", "", None),
        ("GET", "/v1.41/events", "", None),
        ("GET", "/v1.41/system/df", "", None),
        ("GET", "/v1.41/containers/json?all=1&limit=5", "", None),
        ("GET", "/v1.41/containers/web/json", "", Some(web("/json"))),
        ("POST", "/v1.41/containers/web/start", "", Some(web("/start"))),
        ("POST", "/v1.41/containers/web/start", "{}", Some(web("/start"))),
        ("POST", "/v1.41/containers/web/stop?t=0", "", Some(web("/stop?t=0"))),
        ("POST", "/v1.41/containers/aaaa00/restart", "", Some(web("/restart"))),
        ("POST", "/v1.41/containers/web/kill?signal=TERM", "", Some(web("/kill?signal=TERM"))),
        ("POST", "/v1.41/containers/web/wait?condition=removed", "", Some(web("/wait?condition=removed"))),
        ("POST", "/v1.41/containers/web/rename?name=b", "", Some(web("/rename?name=b"))),
        ("POST", "/v1.41/containers/web/pause", "", Some(web("/pause"))),
        ("POST", "/v1.41/containers/web/resize?h=1&w=2", "", Some(web("/resize?h=1&w=2"))),
        ("POST", "/v1.41/containers/web/attach?stderr=1&stdout=1&stream=1", "", Some(web("/attach?stderr=1&stdout=1&stream=1"))),
        ("GET", "/v1.41/containers/web/logs?stdout=1&tail=all", "", Some(web("/logs?stdout=1&tail=all"))),
        ("GET", "/v1.41/containers/web/top?ps_args=-o+pid%2Ccmd", "", Some(web("/top?ps_args=-o+pid%2Ccmd"))),
        ("GET", "/v1.41/containers/web/stats?stream=0", "", Some(web("/stats?stream=0"))),
        ("GET", "/v1.41/containers/web/export", "", Some(web("/export"))),
        ("GET", "/v1.41/containers/web/archive?path=%2Fetc", "", Some(web("/archive?path=%2Fetc"))),
        ("PUT", "/v1.41/containers/web/archive?path=%2F", "", Some(web("/archive?path=%2F"))),
        ("DELETE", "/v1.41/containers/web?force=1&v=1", "", Some(web("?force=1&v=1"))),
        ("POST", "/v1.41/containers/web/exec", r#"{"Cmd": ["sh"], "Privileged": false, "Env": null}"#, Some(web("/exec"))),
        ("POST", "/v1.41/containers/web/update", r#"{"RestartPolicy": {"Name": "no"}, "Devices": null, "CpuRealtimePeriod": 0}"#, Some(web("/update"))),
        ("POST", "/v1.41/exec/e1/start", r#"{"Detach": false, "Tty": false, "ConsoleSize": null}"#, None),
        ("GET", "/v1.41/exec/e1/json", "", None),
        ("POST", "/v1.41/commit?container=web&repo=x", "null", Some(format!("/v1.41/commit?repo=x&container={WEB}"))),
        ("GET", "/v1.41/images/json?filters=%7B%22reference%22%3A%7B%22b%22%3Atrue%7D%7D", "", None),
        ("GET", "/v1.41/images/busybox/json", "", None),
        ("GET", "/v1.41/images/localhost:5000/team/app:1.0/history", "", None),
        ("POST", "/v1.41/images/localhost:5000/team/app/push?tag=1.0", "", None),
        ("POST", "/v1.41/images/myapp:1.0/tag?repo=localhost%3A5000%2Fteam%2Fapp&tag=1.0", "", None),
        ("GET", "/v1.41/images/get?names=myapp%3A1.0", "", None),
        ("POST", "/v1.41/images/load?quiet=1", "", None),
        ("POST", "/v1.41/images/create?fromImage=localhost%3A5000%2Fteam%2Fapp&tag=1.0", "", None),
        ("POST", "/v1.41/images/create?changes=CMD+x&changes=ENV+a%3Db&fromSrc=-&repo=myapp&tag=flat", "", None),
        ("DELETE", "/v1.41/images/myapp:1.0?force=1", "", None),
        ("POST", "/v1.41/build?t=counter&dockerfile=Dockerfile&networkmode=default&version=1&rm=1&cgroupparent=&buildargs=%7B%22A%22%3A%22b%22%7D&ulimits=null", "",
            Some("/v1.41/build?t=counter&dockerfile=Dockerfile&networkmode=default&version=1&rm=1&buildargs=%7B%22A%22%3A%22b%22%7D&ulimits=null".into())),
        ("POST", "/session", "", None),
        ("POST", "/v1.41/grpc", "", None),
        ("POST", "/v1.41/build/prune", "", None),
        ("GET", "/v1.41/volumes", "", None),
        ("POST", "/v1.41/volumes/create", r#"{"Name": "mydata", "Driver": "local", "DriverOpts": {}, "Labels": null}"#, None),
        ("POST", "/v1.41/volumes/create", r#"{"DriverOpts": {"type": "tmpfs", "device": "tmpfs", "o": "size=10m,uid=1000"}}"#, None),
        ("GET", "/v1.41/volumes/mydata", "", None),
        ("DELETE", "/v1.41/volumes/mydata?force=1", "", None),
        ("POST", "/v1.41/networks/create", r#"{"CheckDuplicate": true, "Driver": "bridge", "Scope": "", "EnableIPv6": false, "IPAM": {"Driver": "default", "Options": {}, "Config": []}, "Internal": true, "Attachable": false, "Ingress": false, "ConfigOnly": false, "ConfigFrom": null, "Options": {}, "Labels": {}, "Name": "net1"}"#, None),
        ("POST", "/v1.45/networks/create", r#"{"Name": "n", "ConfigFrom": {"Network": ""}, "IPAM": {"Config": [{"Subnet": "172.30.0.0/16", "Gateway": "172.30.0.1"}, {"Subnet": "fd00::/64"}]}}"#, None),
        ("GET", "/v1.41/networks/bridge", "", None),
        ("GET", "/v1.41/networks/host", "", None),
        ("POST", "/v1.41/networks/app_default/connect", r#"{"Container": "web", "EndpointConfig": {"Aliases": ["x"]}}"#, None),
        ("DELETE", "/v1.41/networks/app_default", "", None),
        ("GET", "/v1.41/distribution/busybox/json", "", None),
    ];
    for (method, target, body, sent) in table {
        match ask(method, target, body) {
            Ok(allowed) => assert_eq!(allowed.target, sent.unwrap_or(target.to_owned())),
            Err(no) => panic!("{method} {target} {body}: {no:?}"),
        }
    }
}

#[test]
fn a_container_joins_a_network_by_its_id() {
    let body = sent(ask("POST", "/networks/app_default/connect", r#"{"container": "web"}"#));
    assert_eq!(body, json!({"Container": WEB}));
}

#[test]
fn events_of_before_the_play_are_not_asked_for() {
    let target = |query: &str| ask("GET", &format!("/events?{query}"), "").unwrap().target;
    assert_eq!(target(""), "/events");
    assert_eq!(target("since=1"), "/events?since=1000.000000005");
    assert_eq!(target("since=1000"), "/events?since=1000.000000005");
    assert_eq!(target("since=1000.1"), "/events?since=1000.100000000");
    assert_eq!(target("since=-5"), "/events?since=1000.000000005");
    assert_eq!(target("since=2000-01-01"), "/events?since=1000.000000005");
    assert_eq!(target("until=2000"), "/events?until=2000&since=1000.000000005");
    assert_eq!(target("since=99999999999999999999"), "/events?since=1000.000000005");
}

#[test]
fn a_prune_spares_what_is_the_graders() {
    for kind in ["containers", "volumes", "networks"] {
        let target = ask("POST", &format!("/{kind}/prune"), "").unwrap().target;
        assert_eq!(
            target,
            format!("/{kind}/prune?filters=%7B%22label%21%22%3A%7B%22grade.run%22%3Atrue%7D%7D")
        );
    }
}
