//! What a git server answers, as git's own protocol: references and a pack. Nothing that it says may harm us; that it
//! says nonsense may be the network's.
#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

use grade::submission::{FetchLimits, GitSource, Revision, fuzz};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let kept = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.set_nonblocking(true).expect("set");
    let port = listener.local_addr().expect("an address").port();
    let limits = FetchLimits {
        entries: 200,
        bytes: 1 << 20,
        file: 1 << 20,
        received: 1 << 20,
        objects: 1000,
        ..FetchLimits::default()
    };
    let source = GitSource { url: format!("git://127.0.0.1:{port}/a"), at: Revision::Head };
    std::thread::scope(|scope| {
        let fetched = scope
            .spawn(|| fuzz::repository(&source, &kept.path().join("submission"), &limits));
        while !fetched.is_finished() {
            let Ok((mut stream, _)) = listener.accept() else {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            stream.set_nonblocking(false).expect("set");
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            let mut asked = [0; 4096];
            while matches!(stream.read(&mut asked), Ok(1..)) {}
        }
        let _ = fetched.join().expect("nothing panics");
    });
});
