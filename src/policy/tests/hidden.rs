//! What is the grader's is not there, by whatever name or way it is asked for.

use super::*;

#[test]
fn what_is_the_graders_is_not_there() {
    let by_name = r#"{"Container": "script"}"#;
    let by_id = format!(r#"{{"Container": "{OURS}"}}"#);
    let table = [
        ("GET", "/containers/script/json", ""),
        ("GET", "/containers/bbbb/logs?stdout=1", ""),
        ("POST", "/containers/b/attach?stream=1", ""),
        ("POST", "/containers/script/exec", r#"{"Cmd": ["sh"]}"#),
        ("POST", "/containers/script/stop", ""),
        ("POST", "/containers/script/rename?name=x", ""),
        ("DELETE", "/containers/script?force=1", ""),
        ("GET", "/containers/script/archive?path=/", ""),
        ("PUT", "/containers/script/archive?path=/", ""),
        ("GET", "/containers/script/export", ""),
        ("POST", "/commit?container=script&repo=x", ""),
        ("POST", "/containers/create", r#"{"HostConfig": {"NetworkMode": "container:script"}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"PidMode": "container:bbbb"}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"IpcMode": "container:script"}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"VolumesFrom": ["script:ro"]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Links": ["script:db"]}}"#),
        ("POST", "/containers/create", r#"{"HostConfig": {"Binds": ["secrets:/x"]}}"#),
        (
            "POST",
            "/containers/create",
            r#"{"HostConfig": {"Mounts": [{"Type": "volume", "Source": "secrets", "Target": "/x"}]}}"#,
        ),
        ("POST", "/containers/create", r#"{"HostConfig": {"NetworkMode": "wires"}}"#),
        ("POST", "/containers/create", r#"{"Image": "grade/script:1"}"#),
        ("POST", "/containers/create", r#"{"Image": "sha256:eeee"}"#),
        ("POST", "/networks/app_default/connect", by_name),
        ("POST", "/networks/app_default/disconnect", &by_id),
        ("POST", "/networks/wires/connect", r#"{"Container": "web"}"#),
        ("GET", "/networks/dddd01", ""),
        ("DELETE", "/networks/wires", ""),
        ("GET", "/volumes/secrets", ""),
        ("DELETE", "/volumes/secrets", ""),
        ("POST", "/volumes/create", r#"{"Name": "secrets"}"#),
        ("GET", "/images/grade/script:1/json", ""),
        ("GET", "/images/eeee01/json", ""),
        ("GET", "/images/grade%2Fscript:1/get", ""),
        ("GET", "/images/get?names=busybox&names=grade/script:1", ""),
        ("POST", "/images/grade/script:1/tag?repo=mine", ""),
        ("DELETE", "/images/grade/script:1?force=1", ""),
    ];
    for (method, target, body) in table {
        let answer = ask(method, target, body);
        let (Err(No::Absent(told)) | Err(No::Bad(told))) = &answer else {
            panic!("{method} {target} {body}: {answer:?}");
        };
        assert!(["o such", "not found"].iter().any(|word| told.contains(word)), "{told}");
    }
    let mut world = world();
    world.learn_exec(&json!({"ContainerID": OURS}));
    for (method, target) in
        [("GET", "/exec/e/json"), ("POST", "/exec/e/start"), ("POST", "/exec/e/resize?h=1")]
    {
        let answer = ask_with(&world, method, target, "");
        assert!(matches!(answer, Err(No::Absent(_))), "{method} {target}: {answer:?}");
    }
}
