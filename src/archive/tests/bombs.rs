//! Archives that are small and cost much: refused soon, and with little memory.

use std::time::{Duration, Instant};

use super::*;

/// Gives the same bytes over and over, so many in all.
struct Repeat<'a> {
    bytes: &'a [u8],
    left: u64,
    at: usize,
}

impl Read for Repeat<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let piece = &self.bytes[self.at..];
        let count = most.min(piece.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.left -= count as u64;
        self.at = (self.at + count) % self.bytes.len();
        Ok(count)
    }
}

fn repeat(bytes: &[u8], times: u64) -> Repeat<'_> {
    Repeat { bytes, left: bytes.len() as u64 * times, at: 0 }
}

/// A deflate stream of so many MiB of zeros in a gzip frame; its checksum is never reached.
fn zeros(mib: usize) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(header(b'0', "zeros", b"", (mib as u64) << 20).as_bytes()).unwrap();
    for _ in 0..mib {
        writer.write_all(&[0; 1 << 20]).unwrap();
    }
    writer.finish().unwrap()
}

/// Refused for that reason, within the time.
fn soon(source: impl Read, bounds: &Bounds, reason: &str) {
    let began = Instant::now();
    let told = survey(source, bounds).unwrap().danger.unwrap();
    assert!(told.contains(reason), "{told}, not {reason}");
    // In a build without optimization, on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn zeros_without_end_are_refused_by_ratio() {
    let bounds = Bounds::default();
    // The header says 1.9 GB; a few tens of MB of zeros are enough to know.
    let bomb = zeros(40);
    assert!(bomb.len() < 1 << 20);
    soon(bomb.as_slice(), &bounds, "more than 200 times its size");
    let nested = tar(&image_with(file("a/layer.tar", bomb)));
    soon(nested.as_slice(), &bounds, "which unfolds to more than 200 times its size");
    let twice = gzip(&tar(&image_with(file("a/layer.tar", zeros(20)))));
    soon(twice.as_slice(), &bounds, "which unfolds to more than 200 times its size");
}

#[test]
fn sizes_are_bounded_before_they_are_read() {
    let bounds = Bounds::default();
    let huge = header(b'0', "huge", b"", 7 << 30);
    soon(huge.as_bytes().chain(io::repeat(0)), &bounds, "more than 2.0 GB");
    let extended = header(b'x', "x", b"", 7 << 30);
    soon(extended.as_bytes().chain(io::repeat(b'x')), &bounds, "more than 256 KiB");
    let long = header(b'L', "x", b"", 7 << 30);
    soon(long.as_bytes().chain(io::repeat(b'x')), &bounds, "more than 256 KiB");
    let small = Bounds { file: 100_000, ..bounds };
    let endless = tar(&[file("a", "x")]);
    soon(endless.chain(io::repeat(0)), &small, "is larger than 100.0 kB");
    soon(io::repeat(0), &small, "is larger than 100.0 kB");
    let tight = Bounds { unpacked: 50_000, ..bounds };
    soon(tar(&image()).chain(io::repeat(0)), &tight, "unfolds to more than 50.0 kB");
    let path = Bounds { path: 10, ..bounds };
    soon(tar(&[file("a/b/c/d/e/f", "x")]).as_slice(), &path, "a path of more than 10 bytes");
}

#[test]
fn a_million_entries_are_not_read_to_the_end() {
    let bounds = Bounds { entries: 20_000, ..Bounds::default() };
    let one = blocks(&folder("a/"));
    soon(repeat(&one, 1_000_000), &bounds, "more than 20000 entries");
    // Extended headers alone, and entries of a layer, count as well.
    let one = blocks(&(b'x', "x".into(), b"10 path=x\n".to_vec()));
    let one = [one, blocks(&folder("a/"))].concat();
    soon(repeat(&one, 1_000_000), &bounds, "more than 20000 entries");
    let layer = blocks(&folder("a/")).repeat(20_001);
    let parts = image_with(file("a/layer.tar", [layer.as_slice(), &END].concat()));
    soon(tar(&parts).as_slice(), &bounds, "more than 20000 entries");
    let half = [blocks(&folder("a/")).repeat(10_001).as_slice(), &END].concat();
    let parts = [image_with(file("a/layer.tar", half.clone())), vec![file("c", half)]].concat();
    let told = danger_within(&parts, &bounds);
    assert!(told.contains("not the one that the image was made of"), "{told}");
}

fn danger_within(parts: &[Part], bounds: &Bounds) -> String {
    survey(tar(parts).as_slice(), bounds).unwrap().danger.unwrap()
}

#[test]
fn an_image_of_very_many_files_is_refused() {
    let more = (0..2_100).map(|number| file(&format!("x{number}"), "{}"));
    let parts: Vec<Part> = more.chain(image()).collect();
    assert!(danger(&tar(&parts)).contains("more than 2000 files beside the layers"));
}

#[test]
fn documents_are_kept_within_bounds_only() {
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    assert!(danger(&tar(&image_with(file("c.json", large)))).contains("no readable configuration"));
    let full: Vec<Part> = (0..17)
        .map(|number| file(&format!("a{number}"), format!("{{{}}}", " ".repeat((1 << 20) - 2))))
        .chain(image())
        .collect();
    assert!(danger(&tar(&full)).contains("manifest.json that docker save does not write"));
}
