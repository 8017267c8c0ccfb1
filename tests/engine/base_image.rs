//! Whose fault it is that a base image cannot be had.

use grade::engine::{BuildNetwork, BuildRequest, Cause};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::{Bench, failure};

#[tokio::test]
async fn a_base_image_of_ours_that_cannot_be_fetched_is_our_fault() {
    let bench = Bench::new("base").await;
    let provided = vec!["registry.invalid/no/such:1".to_owned()];
    // Another one of that registry cannot be had either.
    for from in ["registry.invalid/no/such:1", "registry.invalid/other:1"] {
        let request = bench.request(&format!("FROM {from}\nRUN true\n"));
        let network = BuildNetwork::Default;
        let request = BuildRequest { provided: provided.clone(), network, ..request };
        let error = bench.engine.build(request, &|_| {}).await.expect_err("no network");
        assert!(
            matches!(error.cause(), Cause::BaseImage { reference, .. } if reference == from),
            "{error:?}"
        );
        assert!(error.advice().is_some_and(|advice| advice.contains("docker pull")));
    }
    bench.done().await;
}

#[tokio::test]
async fn where_builds_have_no_network_only_what_is_provided_is_our_fault() {
    let bench = Bench::new("none").await;
    let from = |name: &str| BuildRequest {
        provided: vec!["registry.invalid/base:1".to_owned()],
        ..bench.request(&format!("FROM registry.invalid/{name}\n"))
    };
    let error = bench.engine.build(from("base:1"), &|_| {}).await.expect_err("it is missing");
    assert!(matches!(error.cause(), Cause::BaseImage { .. }), "{error:?}");
    let report = bench.build(from("other:1")).await;
    let said = "there is no image registry.invalid/other:1 here; builds can start from \
                registry.invalid/base:1";
    assert_eq!(failure(&report).message, said.to_owned() + ", or from scratch");
    bench.done().await;
}

#[tokio::test]
async fn a_registry_that_the_submission_chose_is_its_own() {
    let bench = Bench::new("own").await;
    let limited = registry("429 Too Many Requests", "{}").await;
    for registry in ["registry.invalid", "127.0.0.1:9", limited.as_str()] {
        let request = bench.request(&format!("FROM {registry}/toomanyrequests/x509:1\n"));
        failure(&bench.build(request).await);
    }
    bench.done().await;
}

#[tokio::test]
async fn where_there_is_no_network_what_is_not_there_is_the_submission_s() {
    let bench = Bench::new("offline").await;
    let provided = vec!["grade.invalid/missing:1".to_owned(), "busybox".to_owned()];
    let offline = |dockerfile: &str| BuildRequest {
        offline: true,
        provided: provided.clone(),
        ..bench.request(dockerfile)
    };
    let report = bench.build(offline("FROM busybx\n")).await;
    let said = "there is no image busybx here (did you mean busybox?); builds can start from \
                grade.invalid/missing:1 and busybox, or from scratch";
    assert_eq!(failure(&report).message, said);
    // Ours is there, and only the platform is not.
    let report = bench.build(offline("FROM --platform=linux/riscv64 busybox\nRUN true\n")).await;
    assert!(failure(&report).message.contains("no image busybox of the kind"), "{report:?}");
    // One that we should have is our fault.
    let request = offline("FROM grade.invalid/missing:1\n");
    let error = bench.engine.build(request, &|_| {}).await.expect_err("it is missing");
    assert!(matches!(error.cause(), Cause::BaseImage { .. }), "{error:?}");
    bench.done().await;
}

/// Answers every request alike, as a registry would.
async fn registry(status: &'static str, body: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _written = stream.write_all(head.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn a_base_image_that_does_not_exist_is_the_submission_s() {
    let bench = Bench::new("typo").await;
    let unknown = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
    let registry = registry("404 Not Found", unknown).await;
    let request = BuildRequest {
        provided: vec![format!("{registry}/base:1")],
        ..bench.request(&format!("FROM {registry}/typo:1\n"))
    };
    let report = bench.build(request).await;
    assert!(failure(&report).message.contains("not found"), "{report:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_registry_that_limits_pulls_is_our_fault() {
    let bench = Bench::new("pulls").await;
    let limited = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    let registry = registry("429 Too Many Requests", limited).await;
    let request = BuildRequest {
        provided: vec![format!("{registry}/base:1")],
        network: BuildNetwork::Default,
        ..bench.request(&format!("FROM {registry}/fine:1\n"))
    };
    let error = bench.engine.build(request, &|_| {}).await.expect_err("no image");
    assert!(matches!(error.cause(), Cause::BaseImage { .. }), "{error:?}");
    bench.done().await;
}
