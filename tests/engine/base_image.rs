//! Whose fault it is that a base image cannot be had.

use grade::engine::Cause;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::{Bench, failure};

#[tokio::test]
async fn a_base_image_that_cannot_be_fetched_is_our_fault() {
    let bench = Bench::new("base").await;
    let request = bench.request("FROM registry.invalid/no/such:1\nRUN true\n");
    let error = bench.engine.build(request, &|_| {}).await.expect_err("no network");
    assert!(
        matches!(error.cause(), Cause::BaseImage { reference, .. } if reference == "registry.invalid/no/such:1"),
        "{error:?}"
    );
    assert!(error.advice().is_some_and(|advice| advice.contains("docker pull")));
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
    let report = bench.build(bench.request(&format!("FROM {registry}/typo:1\n"))).await;
    assert!(failure(&report).message.contains("not found"), "{report:?}");
    bench.done().await;
}

#[tokio::test]
async fn a_registry_that_limits_pulls_is_our_fault() {
    let bench = Bench::new("pulls").await;
    let limited = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    let registry = registry("429 Too Many Requests", limited).await;
    let request = bench.request(&format!("FROM {registry}/fine:1\n"));
    let error = bench.engine.build(request, &|_| {}).await.expect_err("no image");
    assert!(matches!(error.cause(), Cause::BaseImage { .. }), "{error:?}");
    bench.done().await;
}
