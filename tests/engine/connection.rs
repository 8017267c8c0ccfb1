//! Ways to an engine, and engines that go away.

use grade::engine::{
    BuildEvent, BuildRequest, Cause, Endpoint, Engine, EngineError, Reach, Transport,
};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::bench::{Bench, KIB, MINUTE};

#[tokio::test]
async fn an_engine_says_what_it_is() {
    let bench = Bench::new("info").await;
    let info = bench.engine.info();
    assert_eq!(info.os, "linux");
    assert!(info.api_version.starts_with("1."), "{info:?}");
    assert!(
        !info.version.is_empty() && !info.arch.is_empty() && !info.server.is_empty(),
        "{info:?}"
    );
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_unreachable() {
    let endpoint = Endpoint::resolve(Some("unix:///nowhere/docker.sock")).expect("an address");
    let error = Engine::connect(&endpoint).await.err().expect("no engine");
    assert!(matches!(error.cause(), Cause::Unreachable { reach: Reach::NoSocket, .. }), "{error}");
    let endpoint = Endpoint::resolve(Some("tcp://127.0.0.1:1")).expect("an address");
    let error = Engine::connect(&endpoint).await.err().expect("no engine");
    assert!(matches!(error.cause(), Cause::Unreachable { reach: Reach::Refused, .. }), "{error}");
}

#[tokio::test]
async fn an_engine_that_never_answers_is_an_error_and_no_hang() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let endpoint = Endpoint::resolve(Some(&address)).expect("an address");
    let error =
        tokio::time::timeout(MINUTE, Engine::connect(&endpoint)).await.expect("a bound").err();
    assert!(
        matches!(error.as_ref().map(EngineError::cause), Some(Cause::Timeout { .. })),
        "{error:?}"
    );
}

/// Stands between a client and the engine, and can cut every connection.
struct Proxy {
    port: u16,
    cut: tokio::sync::watch::Sender<bool>,
}

impl Proxy {
    async fn start() -> Self {
        let Transport::Unix(socket) =
            Endpoint::resolve(None).expect("an address").transport().clone()
        else {
            panic!("these tests need an engine behind a Unix socket");
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (cut, mut is_cut) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.expect("a connection").0,
                    _ = is_cut.wait_for(|cut| *cut) => return,
                };
                let engine = UnixStream::connect(&socket).await.expect("an engine");
                let mut is_cut = is_cut.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ended = pump(stream, engine) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { port, cut }
    }

    fn cut(&self) {
        self.cut.send(true).expect("a running proxy");
    }
}

async fn pump(mut client: TcpStream, mut engine: UnixStream) -> std::io::Result<()> {
    tokio::io::copy_bidirectional(&mut client, &mut engine).await.map(drop)
}

async fn through(proxy: &Proxy) -> Engine {
    let endpoint =
        Endpoint::resolve(Some(&format!("tcp://127.0.0.1:{}", proxy.port))).expect("an address");
    Engine::connect(&endpoint).await.expect("an engine")
}

#[tokio::test]
async fn an_engine_behind_tcp_builds_and_runs() {
    let mut bench = Bench::new("tcp").await;
    let proxy = Proxy::start().await;
    bench.engine = through(&proxy).await;
    let image = bench.image("FROM busybox\nRUN echo it works > /t\n").await;
    let report =
        bench.engine.run(&bench.spec(&image, &["cat", "/t"]), MINUTE, KIB).await.expect("a report");
    assert_eq!(report.stdout.text(), "it works\n");
    bench.done().await;
}

fn is_lost(error: &EngineError) -> bool {
    matches!(error.cause(), Cause::Unreachable { .. })
}

#[tokio::test]
async fn an_engine_that_goes_away_during_a_build_is_our_fault() {
    let bench = Bench::new("cut-build").await;
    let proxy = Proxy::start().await;
    let engine = through(&proxy).await;
    let request =
        BuildRequest { no_cache: true, ..bench.request("FROM busybox\nRUN echo now; sleep 600\n") };
    let cut = |event| {
        if matches!(event, BuildEvent::Log { .. }) {
            proxy.cut();
        }
    };
    let error = engine.build(request, &cut).await.expect_err("no engine");
    assert!(is_lost(&error), "{error:?}");
    bench.done().await;
}

#[tokio::test]
async fn an_engine_that_goes_away_during_a_run_is_our_fault() {
    let bench = Bench::new("cut-run").await;
    let proxy = Proxy::start().await;
    let engine = through(&proxy).await;
    let spec = bench.spec("busybox", &["sleep", "600"]);
    let cut = async {
        while !bench
            .engine
            .owned(&bench.all_of_it())
            .await
            .expect("a list")
            .iter()
            .any(|object| object.running)
        {}
        proxy.cut();
    };
    let (report, ()) = tokio::join!(engine.run(&spec, MINUTE, KIB), cut);
    let error = report.expect_err("no engine");
    assert!(is_lost(&error), "{error:?}");
    bench.done().await;
}
