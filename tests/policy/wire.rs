//! What goes over the wire, before an engine that only writes down what it gets.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use grade::policy::{Dial, Record, Rules, Stream, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Answers everything with an empty list, and keeps the requests.
#[derive(Default)]
struct Engine {
    heard: Arc<Mutex<Vec<String>>>,
    gone: bool,
    /// Targets that it answers otherwise: with this text, as often as that.
    odd: Option<(&'static str, &'static str, usize)>,
}

impl Dial for Engine {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        async {
            if self.gone {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(1 << 20);
            tokio::spawn(answer(far, Arc::clone(&self.heard), self.odd));
            Ok(Box::new(near) as Box<dyn Stream>)
        }
        .boxed()
    }
}

async fn answer(
    mut far: DuplexStream,
    heard: Arc<Mutex<Vec<String>>>,
    odd: Option<(&'static str, &'static str, usize)>,
) {
    let mut request = Vec::new();
    let mut chunk = [0; 65536];
    // A request comes in one or two pieces, and nothing comes after it.
    while let Ok(Ok(length)) =
        tokio::time::timeout(Duration::from_millis(100), far.read(&mut chunk)).await
    {
        if length == 0 {
            break;
        }
        request.extend_from_slice(&chunk[..length]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    heard.lock().unwrap().push(request.clone());
    if let Some((_, text, times)) = odd.filter(|(target, ..)| request.contains(target)) {
        for _ in 0..times {
            if far.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
        return;
    }
    let text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
    let _gone = far.write_all(text.as_bytes()).await;
}

/// What is sent, what comes back, what the engine got besides the policy's own looks, the record.
struct Seen {
    answer: String,
    heard: Vec<String>,
    record: Arc<Record>,
}

async fn send(engine: Engine, request: &[u8]) -> Seen {
    let heard = Arc::clone(&engine.heard);
    let record = Arc::new(Record::default());
    let (mut student, wall) = tokio::io::duplex(4 << 20);
    let rules = Arc::new(Rules::new("/work"));
    let server = tokio::spawn(serve(wall, Arc::new(engine), rules, Arc::clone(&record)));
    student.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = student.read_to_end(&mut answer);
    let _open = tokio::time::timeout(Duration::from_millis(3000), read).await;
    server.abort();
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    let looks = ["/networks ", "/volumes ", "/images/json ", "/containers/json?all=1 "];
    let theirs =
        |request: &String| !looks.iter().any(|look| request.starts_with(&format!("GET {look}")));
    Seen {
        answer: String::from_utf8_lossy(&answer).into_owned(),
        heard: heard.into_iter().filter(theirs).collect(),
        record,
    }
}

fn create(body: &str, headers: &str) -> Vec<u8> {
    format!("POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n{headers}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn the_engine_gets_the_reviewed_body_and_harmless_headers() {
    let body = r#"{"image": "busybox", "hostConfig": {"privileged": false, "Binds": null}}"#;
    let headers = format!(
        "Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         X-Registry-Auth: abc\r\nX-HTTP-Method-Override: DELETE\r\nConnection: Upgrade, X-A\r\n\
         Upgrade: tcp\r\nX-A: b\r\nExpect: 100-continue\r\n",
        body.len()
    );
    let seen = send(Engine::default(), &create(body, &headers)).await;
    let [request] = &seen.heard[..] else { panic!("{:?} {}", seen.heard, seen.answer) };
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent, r#"{"HostConfig":{},"Image":"busybox"}"#);
    let mut lines: Vec<&str> = head.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "POST /v1.41/containers/create HTTP/1.1",
            "content-length: 35",
            "content-type: application/json",
            "host: docker",
            "x-registry-auth: abc",
        ]
    );
}

#[tokio::test]
async fn a_form_is_no_query() {
    let request = b"POST /build?networkmode=none HTTP/1.1\r\nHost: d\r\nContent-Length: 16\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\nnetworkmode=host";
    let seen = send(Engine::default(), request).await;
    assert_eq!(seen.heard.len(), 1);
    assert!(seen.heard[0].contains("content-type: application/x-tar"), "{}", seen.heard[0]);
}

#[tokio::test]
async fn a_body_in_pieces_is_reviewed_as_a_whole() {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let pieces = [r#"{"HostConfig": {"#, r#""Privileged": true}}  "#, ""];
    let body = pieces.map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).concat();
    let request = create(&body, chunked);
    let seen = send(Engine::default(), &request).await;
    assert!(seen.answer.starts_with("HTTP/1.1 403"), "{}", seen.answer);
    assert!(seen.answer.contains("--privileged"), "{}", seen.answer);
    assert!(seen.heard.is_empty());
    assert_eq!(seen.record.events().refusals.len(), 1);
}

/// A request inside a request, a body without end, a body too large: none reaches the engine.
#[tokio::test]
async fn what_is_malformed_goes_no_further() {
    let inner = "POST /swarm/init HTTP/1.1\r\nHost: d\r\n\r\n";
    let large = format!(r#"{{"Image": "{}"}}"#, "x".repeat(1 << 20));
    let requests = [
        create(
            "0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        ),
        create("{}", "Content-Length: 2\r\nContent-Length: 300\r\n"),
        create("{}", "Content-Length: 300\r\n"),
        create("{}", "Transfer-Encoding: chunked, identity\r\n"),
        create(&large, &format!("Content-Length: {}\r\n", large.len())),
        create("", ""),
        b"CONNECT docker:80 HTTP/1.1\r\nHost: d\r\n\r\n".to_vec(),
        b"GET /containers/json\x00 HTTP/1.1\r\nHost: d\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        format!(
            "GET /containers/%0d%0a{} HTTP/1.1\r\n\r\n",
            inner.replace("\r\n", "%0d%0a").replace(' ', "%20")
        )
        .into_bytes(),
    ];
    let all = requests.each_ref().map(|request| send(Engine::default(), request));
    for (seen, request) in futures_util::future::join_all(all).await.iter().zip(&requests) {
        let request = String::from_utf8_lossy(request).chars().take(200).collect::<String>();
        assert_eq!(seen.heard, Vec::<String>::new(), "{request}");
    }
}

#[tokio::test]
async fn each_of_several_requests_on_a_connection_is_reviewed() {
    let request = b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\nPOST /swarm/init HTTP/1.1\r\nHost: d\r\n\
        Content-Length: 0\r\n\r\nGET http://docker/v1.41/info HTTP/1.1\r\nHost: d\r\n\r\n";
    let seen = send(Engine::default(), request).await;
    let targets: Vec<&str> = seen.heard.iter().map(|text| text.lines().next().unwrap()).collect();
    assert_eq!(targets, ["GET /_ping HTTP/1.1", "GET /v1.41/info HTTP/1.1"]);
    assert_eq!(seen.answer.matches("HTTP/1.1 200").count(), 2, "{}", seen.answer);
    assert_eq!(seen.answer.matches("HTTP/1.1 403").count(), 1, "{}", seen.answer);
}

#[tokio::test]
async fn a_lost_engine_is_our_fault_and_no_refusal() {
    let engine = Engine { gone: true, ..Engine::default() };
    let seen = send(engine, b"GET /v1.41/info HTTP/1.1\r\nHost: d\r\n\r\n").await;
    assert!(seen.answer.starts_with("HTTP/1.1 502"), "{}", seen.answer);
    let events = seen.record.events();
    assert_eq!((events.refusals.len(), events.faults.len()), (0, 1), "{events:?}");
}

/// What a student can bring about is no fault: things that vanish while the engine lists them, an
/// engine that hangs up, answers without end.
#[tokio::test]
async fn an_engine_that_answers_oddly_is_not_a_lost_one() {
    let error = "HTTP/1.1 500 No\r\nContent-Length: 17\r\n\r\n{\"message\":\"odd\"}";
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[";
    let endless: &str = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20)).leak();
    let create = create(r#"{"Image": "busybox"}"#, "Content-Length: 20\r\n");
    let list = b"GET /v1.41/images/json HTTP/1.1\r\nHost: d\r\n\r\n".to_vec();
    for (request, odd, answer) in [
        (&create, ("/images/json", error, 1), "HTTP/1.1 500"),
        (&create, ("/containers/json", "", 0), "HTTP/1.1 502"),
        (&create, ("/containers/create", "HTTP/1.1 200 OK\r\n\r\n", 1), "HTTP/1.1 502"),
        (&create, ("/networks", short, 1), "HTTP/1.1 502"),
        (&list, ("/images/json", error, 1), "HTTP/1.1 500"),
        (&list, ("/images/json", short, 1), "HTTP/1.1 502"),
        (&list, ("/images/json", "", 0), "HTTP/1.1 502"),
        (&list, ("/images/json", endless, 12), "HTTP/1.1 403"),
    ] {
        let seen = send(Engine { odd: Some(odd), ..Engine::default() }, request).await;
        assert!(seen.answer.starts_with(answer), "{odd:?}: {}", seen.answer);
        assert_eq!(seen.record.events().faults, Vec::<String>::new(), "{odd:?}");
    }
}

/// Beyond some thousands, what is asked costs us no more than to say so.
#[tokio::test]
async fn a_flood_of_requests_is_answered_without_a_look() {
    let mut request = b"POST /images/create?tag=a&tag=b HTTP/1.1\r\nHost: d\r\n\r\n".repeat(30_001);
    request.extend(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    let engine = Engine::default();
    let record = Arc::new(Record::default());
    let (mut student, wall) = tokio::io::duplex(1 << 20);
    let rules = Arc::new(Rules::new("/work"));
    tokio::spawn(serve(wall, Arc::new(engine), rules, Arc::clone(&record)));
    let (mut read, mut write) = tokio::io::split(&mut student);
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(100), read.read_to_end(&mut answer));
    let (written, ended) = tokio::join!(write.write_all(&request), reading);
    written.unwrap();
    ended.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(answer.matches("HTTP/1.1 429").count(), 2);
    let asked = "your commands asked the engine more often than this course allows";
    let refusals = record.events().refusals;
    assert_eq!((refusals.len(), refusals[0].sentence.as_str()), (1, asked));
}

/// What a play may hold open is bounded; who comes later waits, and is served then.
#[tokio::test]
async fn a_connection_too_many_waits() {
    let record = Arc::new(Record::default());
    let rules = Arc::new(Rules::new("/work"));
    let connect = || {
        let (student, wall) = tokio::io::duplex(4096);
        let engine = Arc::new(Engine::default());
        tokio::spawn(serve(wall, engine, Arc::clone(&rules), Arc::clone(&record)));
        student
    };
    let mut held: Vec<DuplexStream> = (0..64).map(|_| connect()).collect();
    tokio::task::yield_now().await;
    let mut late = connect();
    late.write_all(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    let soon = tokio::time::timeout(Duration::from_millis(500), late.read(&mut answer)).await;
    assert!(soon.is_err(), "{soon:?}");
    held.pop();
    let then = tokio::time::timeout(Duration::from_secs(20), late.read_exact(&mut answer)).await;
    then.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}
