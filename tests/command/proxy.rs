//! An engine that can be taken away, and engines that were never there.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};

use grade::engine::{Endpoint, Transport};

/// Stands between a client and the engine at hand, and can cut every connection.
pub(crate) struct Proxy {
    port: u16,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Proxy {
    pub(crate) fn start() -> Proxy {
        Self::with(None)
    }

    /// Answers requests whose line holds a text itself.
    pub(crate) fn answering(request: &'static str, answer: String) -> Proxy {
        Self::with(Some((request, answer)))
    }

    fn with(own: Option<(&'static str, String)>) -> Proxy {
        let endpoint = Endpoint::resolve(None).expect("an engine is configured");
        let Transport::Unix(socket) = endpoint.transport().clone() else {
            panic!("these tests need an engine behind a Unix socket");
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let proxy = Proxy { port, open: Arc::clone(&open) };
        std::thread::spawn(move || accept(&listener, &socket, &open, own.as_ref()));
        proxy
    }

    pub(crate) fn address(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// Ends every connection, and each new one at once.
    pub(crate) fn cut(&self) {
        let open = self.open.lock().expect("a lock").take();
        for stream in open.into_iter().flatten() {
            // One that is closed already is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(
    listener: &TcpListener,
    socket: &Path,
    open: &Mutex<Option<Vec<TcpStream>>>,
    own: Option<&(&'static str, String)>,
) {
    for client in listener.incoming() {
        let mut client = client.expect("a connection");
        let mut open = open.lock().expect("a lock");
        let Some(open) = open.as_mut() else { continue };
        open.push(client.try_clone().expect("a connection"));
        let mut engine = UnixStream::connect(socket).expect("an engine");
        let mut back = client.try_clone().expect("a connection");
        let mut answer = engine.try_clone().expect("a connection");
        let own = own.cloned();
        std::thread::spawn(move || {
            // However it ends, there is nothing more to carry.
            let _ = forward(&mut client, &mut engine, own.as_ref());
            engine.shutdown(Shutdown::Write)
        });
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut answer, &mut back);
            back.shutdown(Shutdown::Both)
        });
    }
}

/// Carries a client's words, until one of its requests is one to answer here.
fn forward(
    client: &mut TcpStream,
    engine: &mut UnixStream,
    own: Option<&(&'static str, String)>,
) -> std::io::Result<()> {
    let mut words = [0; 64 * 1024];
    loop {
        let count = client.read(&mut words)?;
        let line = words[..count].split(|&byte| byte == b'\n').next().unwrap_or_default();
        if let Some((_, answer)) =
            own.filter(|(request, _)| String::from_utf8_lossy(line).contains(request))
        {
            return client.write_all(answer.as_bytes());
        }
        if count == 0 {
            return Ok(());
        }
        engine.write_all(&words[..count])?;
    }
}

/// An engine that takes every connection and never says a word, or says the same to each.
pub(crate) fn fake(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for client in listener.incoming() {
            let mut client = client.expect("a connection");
            match answer {
                Some(answer) => drop(
                    client.read(&mut [0; 4096]).and_then(|_| client.write_all(answer.as_bytes())),
                ),
                None => silent.push(client),
            }
        }
    });
    address
}
