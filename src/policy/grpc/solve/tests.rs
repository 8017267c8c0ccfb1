//! Builds that real clients ask for, and those that no one may.

use bollard_buildkit_proto::moby::buildkit::v1::sourcepolicy::Policy;

use super::*;

fn rules() -> Rules {
    let mut rules = Rules::new("/work");
    rules.hidden_images.push("registry:2".to_owned());
    rules
}

fn map(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn build() -> SolveRequest {
    SolveRequest {
        r#ref: "build".to_owned(),
        session: "session".to_owned(),
        frontend: DOCKERFILE.to_owned(),
        frontend_attrs: map(&[("filename", "Dockerfile"), ("build-arg:A", "b")]),
        ..SolveRequest::default()
    }
}

fn asked(request: &SolveRequest) -> Result<SolveRequest, No> {
    let reviewed = control(&request.encode_to_vec(), &rules())?;
    Ok(SolveRequest::decode(&reviewed.message[..]).unwrap())
}

fn sentence(request: &SolveRequest) -> String {
    match asked(request) {
        Err(No::Refused(sentence)) => sentence,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_ordinary_build_goes_on_and_no_syntax_line_counts() {
    let sent = asked(&build()).unwrap();
    let mut expected = build();
    expected.frontend_attrs.insert("cmdline".to_owned(), String::new());
    assert_eq!(sent, expected);
    // Nor does one that the client says.
    let mut own = build();
    own.frontend_attrs.insert("cmdline".to_owned(), "evil".to_owned());
    assert_eq!(asked(&own).unwrap(), expected);
    // The parts of a build are asked for by the client: no frontend is at work yet.
    let parts = SolveRequest { frontend: String::new(), ..build() };
    assert_eq!(asked(&parts).unwrap(), parts);
}

#[test]
fn attributes_that_clients_send_are_sent() {
    for (key, value) in [
        ("target", "app"),
        ("label:lesson", "one"),
        ("context", "http://buildkit-session/abc"),
        ("context:other", "local:other"),
        ("context:base", "docker-image://alpine"),
        ("contextkey", "context-1"),
        ("dockerfilekey", "dockerfile-1"),
        ("no-cache", ""),
        ("no-cache", "stage"),
        ("platform", "linux/amd64"),
        ("multi-platform", "true"),
        ("image-resolve-mode", "pull"),
        ("add-hosts", "db=127.0.0.1"),
        ("shm-size", "67108864"),
        ("ulimit", "nofile=1024:1024,nproc=5"),
        ("force-network-mode", "none"),
        ("build-arg:SOURCE_DATE_EPOCH", "0"),
        ("build-arg:BUILDKIT_INLINE_CACHE", "1"),
        ("attest:provenance", "mode=min"),
        ("attest:sbom", ""),
        ("vcs:source", "git"),
        ("requestid", "frontend.lint"),
        ("frontend.caps", "moby.buildkit.frontend.subrequests"),
        ("cache-imports", r#"[{"Type":"registry","Attrs":{"ref":"localhost:5000/a"}}]"#),
        ("cache-imports", "null"),
        ("cache-from", "localhost:5000/a"),
        ("source-date-epoch", "0"),
    ] {
        let mut request = build();
        request.frontend_attrs = map(&[(key, value)]);
        let sent = asked(&request).unwrap_or_else(|no| panic!("{key}: {no:?}"));
        assert_eq!(sent.frontend_attrs.get(key).map(String::as_str), Some(value));
    }
}

#[test]
fn attributes_that_reach_beyond_the_build_are_refused_in_the_command_line_s_words() {
    for (key, value, words) in [
        ("cgroup-parent", "/evil", "--cgroup-parent /evil"),
        ("force-network-mode", "host", "docker build --network host"),
        ("force-network-mode", "Host", "docker build --network Host"),
        ("source", "evil:1", "a frontend image (BUILDKIT_SYNTAX) evil:1"),
        ("build-arg:BUILDKIT_SYNTAX", "evil:1", "a frontend image (BUILDKIT_SYNTAX) evil:1"),
        ("device", "vendor.com/gpu=all", "docker build --device"),
        ("ulimit", "nofile=1:1,rtprio=99:99", "--ulimit rtprio"),
        ("Cgroup-Parent", "/evil", "the build setting Cgroup-Parent"),
        ("something-new", "1", "the build setting something-new"),
        ("cache-imports", r#"[{"type":"local","attrs":{"src":"/"}}]"#, "--cache-from type=local"),
        (
            "cache-imports",
            r#"[{"Type":"registry","attrs":{"x":"/"}}]"#,
            "--cache-from type=registry",
        ),
    ] {
        let mut request = build();
        request.frontend_attrs = map(&[(key, value)]);
        let control = sentence(&request);
        assert!(control.contains(words), "{key}: {control}");
        let message = BridgeSolve {
            frontend: DOCKERFILE.to_owned(),
            frontend_opt: map(&[(key, value)]),
            ..BridgeSolve::default()
        };
        match bridge(&message.encode_to_vec(), &rules()) {
            Err(No::Refused(sentence)) => assert_eq!(sentence, control),
            other => panic!("{key}: {other:?}"),
        }
    }
}

#[test]
fn what_else_a_build_may_not_ask_for() {
    let definition = Definition { def: vec![vec![1]], ..Definition::default() };
    let entry = |kind: &str, attrs: &[(&str, &str)]| CacheOptionsEntry {
        r#type: kind.to_owned(),
        attrs: map(attrs),
    };
    let exporter = |kind: &str, attrs: &[(&str, &str)]| {
        vec![Exporter { r#type: kind.to_owned(), attrs: map(attrs) }]
    };
    let cache = |exports: Vec<CacheOptionsEntry>, imports: Vec<CacheOptionsEntry>| {
        Some(CacheOptions { exports, imports, ..CacheOptions::default() })
    };
    let none = SolveRequest::default;
    for (request, words) in [
        (SolveRequest { frontend: "gateway.v0".into(), ..none() }, "the build frontend gateway.v0"),
        (SolveRequest { definition: Some(definition.clone()), ..none() }, "without a Dockerfile"),
        (
            SolveRequest { frontend_inputs: [("a".to_owned(), definition)].into(), ..none() },
            "another build's result",
        ),
        (
            SolveRequest { entitlements: vec!["network.host".into()], ..none() },
            "--allow network.host",
        ),
        (SolveRequest { source_policy: Some(Policy::default()), ..none() }, "a source policy"),
        (SolveRequest { source_policy_session: "s".into(), ..none() }, "a source policy"),
        (
            SolveRequest {
                exporter_deprecated: "moby".into(),
                exporter_attrs_deprecated: map(&[("name", "mine,docker.io/library/registry:2")]),
                ..none()
            },
            "the image name docker.io/library/registry:2",
        ),
        (
            SolveRequest { exporters: exporter("image", &[("name", "grade.local/x")]), ..none() },
            "the image name grade.local/x",
        ),
        (
            SolveRequest { exporters: exporter("image", &[("name", "*")]), ..none() },
            "the image name *",
        ),
        (
            SolveRequest {
                exporters: exporter("moby", &[("dangling-name-prefix", "a")]),
                ..none()
            },
            "--output with dangling-name-prefix",
        ),
        (
            SolveRequest { exporters: exporter("containerd", &[]), ..none() },
            "--output type=containerd",
        ),
        (
            SolveRequest {
                cache: cache(vec![entry("local", &[("dest", "/x")])], vec![]),
                ..none()
            },
            "--cache-to type=local",
        ),
        (
            SolveRequest {
                cache: cache(vec![entry("registry", &[("ref", "a")])], vec![]),
                ..none()
            },
            "--cache-to type=registry",
        ),
        (
            SolveRequest { cache: cache(vec![], vec![entry("local", &[("src", "/x")])]), ..none() },
            "--cache-from type=local",
        ),
    ] {
        let sentence = sentence(&request);
        assert!(sentence.contains(words), "{sentence}");
    }
}

#[test]
fn results_and_caches_that_clients_ask_for() {
    for (kind, attrs) in [
        ("moby", &[("name", "app:1,app:2"), ("push", "true")][..]),
        ("local", &[]),
        ("tar", &[]),
        ("oci", &[("tar", "true"), ("annotation.a", "b")]),
        ("image", &[("name", "localhost:5000/app"), ("unpack", "true")]),
        ("docker", &[("name", "app"), ("load", "true")]),
    ] {
        let exporters = vec![Exporter { r#type: kind.to_owned(), attrs: map(attrs) }];
        let imports = vec![CacheOptionsEntry {
            r#type: "registry".to_owned(),
            attrs: map(&[("ref", "localhost:5000/cache")]),
        }];
        let exports = vec![CacheOptionsEntry { r#type: "inline".to_owned(), attrs: map(&[]) }];
        let cache = Some(CacheOptions { exports, imports, ..CacheOptions::default() });
        let request = SolveRequest { exporters, cache, enable_session_exporter: true, ..build() };
        let sent = asked(&request).unwrap();
        assert_eq!((&sent.exporters, &sent.cache), (&request.exporters, &request.cache), "{kind}");
        assert!(!sent.enable_session_exporter, "what the session names is not reviewed");
    }
}

/// A field that this version does not know could mean anything to a newer engine.
#[test]
fn unknown_fields_are_not_sent() {
    let mut message = build().encode_to_vec();
    let clean = control(&message, &rules()).unwrap().message.len();
    // Field 99, a text.
    message.extend_from_slice(b"\x9a\x06\x04evil");
    let reviewed = control(&message, &rules()).unwrap();
    assert_eq!(reviewed.message.len(), clean);
    assert!(matches!(control(b"\xff\xff", &rules()), Err(No::Bad(_))));
}

#[test]
fn every_session_that_is_named_is_told() {
    let mut request = build();
    request.frontend_attrs = map(&[("local-sessionid:context", "other")]);
    let reviewed = control(&request.encode_to_vec(), &rules()).unwrap();
    assert_eq!(reviewed.sessions, ["other", "session"]);
}
