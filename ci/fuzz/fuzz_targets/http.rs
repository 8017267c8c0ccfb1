//! What a command sends over its connection to the engine, before one that answers everything with an empty list. No
//! bytes of a student's are a failure of ours.
#![no_main]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use grade::policy::{Dial, Record, Rules, Stream, serve};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

struct Engine;

impl Dial for Engine {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        async {
            let (near, far) = duplex(1 << 16);
            tokio::spawn(answer(far));
            Ok(Box::new(near) as Box<dyn Stream>)
        }
        .boxed()
    }
}

/// Answers as soon as the head of a request is there.
async fn answer(mut far: DuplexStream) {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
        match far.read(&mut piece).await {
            Ok(count @ 1..) => heard.extend(&piece[..count]),
            _ => return,
        }
    }
    let (kind, body) = match heard.starts_with(b"POST ") {
        true => ("201 Created", &br#"{"Id":"aaaa000000000001"}"#[..]),
        false => ("200 OK", &b"[]"[..]),
    };
    let head = format!(
        "HTTP/1.1 {kind}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = far.write_all(head.as_bytes()).await;
    let _ = far.write_all(body).await;
    // The rest of what is sent is taken, as an engine takes it.
    while matches!(far.read(&mut piece).await, Ok(1..)) {}
}

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let record = Arc::new(Record::default());
    runtime.block_on(async {
        let (mut student, wall) = duplex(1 << 20);
        let rules = Arc::new(Rules::new("/work"));
        let served = tokio::spawn(serve(wall, Arc::new(Engine), rules, Arc::clone(&record)));
        let _ = student.write_all(&bytes[..bytes.len().min(1 << 19)]).await;
        let _ = student.shutdown().await;
        let mut answer = Vec::new();
        let _ = student.read_to_end(&mut answer).await;
        drop(student);
        let ended = tokio::time::timeout(Duration::from_secs(5), served).await;
        ended.expect("a connection ends with its input").expect("nothing panics");
    });
    let events = record.events();
    assert!(events.faults.is_empty(), "not ours: {:?}", events.faults);
});
