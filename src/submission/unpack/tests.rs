//! Archives as tools and as students with bad intentions make them.

use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::tar::{Builder, EntryType, Header};
use ::zip::write::{SimpleFileOptions, ZipWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

fn limits() -> FetchLimits {
    FetchLimits {
        time: Duration::from_secs(10),
        received: 1 << 20,
        entries: 50,
        bytes: 40 << 20,
        file: 30 << 20,
        depth: 5,
        ..FetchLimits::default()
    }
}

/// A folder, what is in it, and what else is known.
struct Unpacked {
    _kept: TempDir,
    root: PathBuf,
    arrival: Arrival,
}

impl Unpacked {
    /// Everything there, sorted; links with where they lead.
    fn names(&self) -> Vec<String> {
        let entries = walkdir::WalkDir::new(&self.root).min_depth(1).sort_by_file_name();
        let names = entries.into_iter().map(|entry| {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(&self.root).unwrap().display().to_string();
            match entry.file_type() {
                kind if kind.is_dir() => format!("{name}/"),
                kind if kind.is_symlink() => {
                    format!("{name} -> {}", std::fs::read_link(entry.path()).unwrap().display())
                }
                _ => name,
            }
        });
        names.collect()
    }

    fn mode(&self, path: &str) -> u32 {
        std::fs::metadata(self.root.join(path)).unwrap().permissions().mode() & 0o7777
    }
}

fn unpack_bytes(bytes: &[u8]) -> Result<Unpacked, FetchError> {
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().join("ada.archive");
    std::fs::write(&path, bytes).unwrap();
    let root = kept.path().join("submission");
    let arrival = unpack(&path, &root, &limits(), &|_| {})?;
    Ok(Unpacked { _kept: kept, root, arrival })
}

#[track_caller]
fn refused(bytes: &[u8], why: Missing) -> String {
    match unpack_bytes(bytes) {
        Err(FetchError::Missing { why: found, message }) if found == why => message,
        Err(other) => panic!("{other:?}"),
        Ok(unpacked) => panic!("{:?}", unpacked.names()),
    }
}

fn header(kind: EntryType, path: &[u8], link: &[u8], size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(if path.ends_with(b".sh") { 0o755 } else { 0o644 });
    // As an attacker does, past what the crate refuses to write.
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
    header.set_cksum();
    header
}

/// A tar of these entries: kind, path, where it leads, content.
fn tar_of(entries: &[(EntryType, &str, &str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (kind, path, link, content) in entries {
        let header = header(*kind, path.as_bytes(), link.as_bytes(), content.len() as u64);
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn files(paths: &[&str]) -> Vec<u8> {
    let entry = |path: &&'static str| (EntryType::Regular, *path, "", &b"1"[..]);
    let paths: Vec<&'static str> = paths.iter().map(|path| &*path.to_string().leak()).collect();
    tar_of(&paths.iter().map(entry).collect::<Vec<_>>())
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// A zip of these entries: path, Unix mode, content.
fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        zip.start_file(*path, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same with other bytes in place of some, wherever they are.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
    assert!(!places.is_empty(), "there is something to change");
    for place in places {
        bytes[place..place + from.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn what_tools_write_is_unpacked() {
    let regular = EntryType::Regular;
    let tar = tar_of(&[
        (EntryType::Directory, "./", "", b""),
        (regular, "./Dockerfile", "", b"FROM busybox\n"),
        (regular, "./run.sh", "", b"#!/bin/sh\n"),
        (EntryType::Directory, "./empty/", "", b""),
        (EntryType::Symlink, "./python", "/usr/bin/python3", b""),
        (EntryType::Link, "./again", "./Dockerfile", b""),
        (regular, "./.DS_Store", "", b"x"),
        (regular, "./._Dockerfile", "", b"x"),
    ]);
    let zip = zip_of(&[
        ("Dockerfile", 0o644, b"FROM busybox\n"),
        ("run.sh", 0o755, b"#!/bin/sh\n"),
        ("empty/", 0o755, b""),
        ("__MACOSX/._Dockerfile", 0o644, b"x"),
        ("again", 0o644, b"FROM busybox\n"),
    ]);
    let all = ["Dockerfile", "again", "empty/", "python -> /usr/bin/python3", "run.sh"];
    for (bytes, has_link) in [(gz(&tar), true), (tar, true), (zip, false)] {
        let unpacked = unpack_bytes(&bytes).unwrap();
        let expected: Vec<&str> =
            all.iter().copied().filter(|name| has_link || !name.contains("->")).collect();
        assert_eq!(unpacked.names(), expected);
        assert_eq!((unpacked.mode("run.sh"), unpacked.mode("Dockerfile")), (0o755, 0o644));
        assert_eq!(std::fs::read(unpacked.root.join("again")).unwrap(), b"FROM busybox\n");
        assert_eq!(unpacked.arrival.inner_name, None);
    }
}

#[test]
fn one_folder_around_everything_is_taken_off() {
    let around = unpack_bytes(&files(&["onbuild-ada/Dockerfile", "onbuild-ada/src/a"])).unwrap();
    assert_eq!(around.names(), ["Dockerfile", "src/", "src/a"]);
    assert_eq!(around.arrival.inner_name.as_deref(), Some("onbuild-ada"));
    let mac = zip_of(&[("x/Dockerfile", 0o644, b"1"), ("__MACOSX/x/._Dockerfile", 0o644, b"1")]);
    assert_eq!(unpack_bytes(&mac).unwrap().names(), ["Dockerfile"]);
    let two = unpack_bytes(&files(&["a/Dockerfile", "b"])).unwrap();
    assert_eq!(two.names(), ["a/", "a/Dockerfile", "b"]);
    let odd = unpack_bytes(&files(&["\u{1b}[2J/\n/x"])).unwrap();
    assert_eq!(odd.names(), ["\n/", "\n/x"]);
}

#[test]
fn long_names_comments_and_old_tools_are_understood() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(130));
    let mut tar = Builder::new(Vec::new());
    tar.append(
        &header(EntryType::XGlobalHeader, b"pax_global_header", b"", 20),
        &b"20 comment=abcdefgh\n"[..],
    )
    .unwrap();
    let mut one = Header::new_gnu();
    one.set_size(1);
    tar.append_data(&mut one, &long, &b"1"[..]).unwrap();
    tar.append_pax_extensions([("path", "d2/x".as_bytes()), ("mtime", b"1.5")]).unwrap();
    tar.append(&header(EntryType::Regular, b"short", b"", 1), &b"1"[..]).unwrap();
    let unpacked = unpack_bytes(&tar.into_inner().unwrap()).unwrap();
    let folder = format!("{}/", "d".repeat(120));
    assert_eq!(unpacked.names(), ["d2/".to_owned(), "d2/x".to_owned(), folder, long]);
    let windows = zip_of(&[("folder\\Dockerfile", 0o644, b"1"), ("folder\\src\\", 0o644, b"")]);
    assert_eq!(unpack_bytes(&windows).unwrap().names(), ["Dockerfile", "src/"]);
    let dos = patched(&zip_of(&[("aXb", 0o644, b"1")]), b"aXb", b"a\x81b");
    assert_eq!(unpack_bytes(&dos).unwrap().names(), ["aüb"]);
}

#[test]
fn no_path_leads_out() {
    for path in ["../x", "a/../../x", "/etc/x", "..", "a/..", "./../x"] {
        let message = refused(&files(&[path]), Missing::Hostile);
        assert!(message.contains("leads out of it"), "{message}");
    }
    for path in ["../x", "/x", "..\\x", "C:\\x", "c:x", "\\\\host\\x", "a\\..\\..\\x"] {
        let message = refused(&zip_of(&[(path, 0o644, b"1")]), Missing::Hostile);
        assert!(message.contains("leads out of it"), "{path}: {message}");
    }
    let zero = patched(&zip_of(&[("aXb", 0o644, b"1")]), b"aXb", b"a\0b");
    refused(&zero, Missing::Hostile);
    refused(&files(&["a/b/c/d/e/f/g"]), Missing::TooLarge);
    refused(&tar_of(&[(EntryType::Link, "a", "../../etc/passwd", b"")]), Missing::Hostile);
    refused(&tar_of(&[(EntryType::Link, "a", "/etc/passwd", b"")]), Missing::Hostile);
}

#[test]
fn nothing_goes_through_a_link_and_nothing_comes_twice() {
    let (link, regular) = (EntryType::Symlink, EntryType::Regular);
    for entries in [
        &[(link, "a", "/tmp", &b""[..]), (regular, "a/b", "", b"1")][..],
        &[(regular, "a/b", "", b"1"), (link, "a", "/tmp", b"")],
        &[(link, "a", "b", b""), (link, "b", "/tmp", b""), (regular, "a/c", "", b"1")],
        &[(link, "a", "/etc/passwd", b""), (regular, "a", "", b"1")],
        &[
            (link, "a", "/etc/passwd", b""),
            (EntryType::Link, "b", "a", b""),
            (regular, "b", "", b"1"),
        ],
        &[(regular, "a", "", b"1"), (regular, "a", "", b"2")],
        &[(regular, "a", "", b"1"), (regular, "./a/b", "", b"2")],
        &[(link, "a", "", b"")],
    ] {
        refused(&tar_of(entries), Missing::Hostile);
    }
    let twice = patched(&zip_of(&[("aa", 0o644, b"1"), ("ab", 0o644, b"2")]), b"ab", b"aa");
    refused(&twice, Missing::Hostile);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("a", "/tmp", SimpleFileOptions::default()).unwrap();
    zip.start_file("a/b", SimpleFileOptions::default()).unwrap();
    refused(&zip.finish().unwrap().into_inner(), Missing::Hostile);
}

#[test]
fn devices_are_refused() {
    for kind in [EntryType::Block, EntryType::Char, EntryType::Fifo] {
        refused(&tar_of(&[(kind, "a", "", b"")]), Missing::Hostile);
    }
    // The kind is in the upper half of the outer attributes.
    let zip = zip_of(&[("a", 0o644, b"1")]);
    let device =
        patched(&zip, &0o100_644_u32.to_le_bytes()[..2], &0o060_644_u32.to_le_bytes()[..2]);
    refused(&device, Missing::Hostile);
}

#[test]
fn bombs_are_noticed_before_they_fill_a_disk() {
    let zeros = vec![0; 20 << 20];
    let tar = tar_of(&[(EntryType::Regular, "zeros", "", &zeros)]);
    let message = refused(&gz(&tar), Missing::Hostile);
    assert!(message.contains("times its size"), "{message}");
    let message = refused(&zip_of(&[("zeros", 0o644, &zeros)]), Missing::Hostile);
    assert!(message.contains("times its size"), "{message}");
    let many: Vec<String> = (0..60).map(|index| format!("f{index}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refused(&files(&many), Missing::TooLarge);
    // What is ignored counts, too, in the end.
    let litter: Vec<String> = (0..300).map(|index| format!("._{index}")).collect();
    let litter: Vec<&str> = litter.iter().map(String::as_str).collect();
    refused(&files(&litter), Missing::TooLarge);
    refused(&vec![0; (1 << 20) + 1], Missing::TooLarge);
    let large = tar_of(&[(EntryType::Regular, "a", "", &vec![1; 600 << 10])]);
    assert!(unpack_bytes(&large).is_ok());
    let mut long = Builder::new(Vec::new());
    long.append(&header(EntryType::GNULongName, b"x", b"", 3 << 20), &vec![b'x'; 3 << 20][..])
        .unwrap();
    refused(&gz(&long.into_inner().unwrap()), Missing::Hostile);
}

#[test]
fn what_lies_about_itself_is_damaged() {
    // A size in zip64's own field that is not the content's.
    let zip = zip_of(&[("a", 0o644, b"12345678")]);
    let central = memchr::memmem::rfind(&zip, b"PK\x01\x02").unwrap();
    let mut lie = zip.clone();
    lie[central + 24] = 9;
    refused(&lie, Missing::NoArchive);
    lie[central + 24] = 7;
    refused(&lie, Missing::NoArchive);
    let mut many = zip.clone();
    let end = memchr::memmem::rfind(&zip, b"PK\x05\x06").unwrap();
    many[end + 8..end + 12].copy_from_slice(&[0xff, 0xfe, 0xff, 0xfe]);
    refused(&many, Missing::NoArchive);
    let mut damaged = zip_of(&[("a", 0o644, &b"text ".repeat(100))]);
    let content = memchr::memmem::find(&damaged, b"a").unwrap() + 4;
    damaged[content] ^= 0x55;
    refused(&damaged, Missing::NoArchive);
    let encrypted = patched(&zip, b"\x14\0\0\0", b"\x14\0\x01\0");
    let message = refused(&encrypted, Missing::NoArchive);
    assert!(message.contains("encrypted"), "{message}");
}

#[test]
fn what_breaks_off_is_not_half_a_submission() {
    let tar = tar_of(&[
        (EntryType::Regular, "a", "", b"content"),
        (EntryType::Regular, "b", "", b"content"),
    ]);
    for length in [512, 1024, 1536, 1800, 2048] {
        refused(&tar[..length], Missing::NoArchive);
        refused(&gz(&tar[..length]), Missing::NoArchive);
    }
    let whole = gz(&tar);
    refused(&whole[..whole.len() - 9], Missing::NoArchive);
    let mut checksum = whole.clone();
    let last = checksum.len() - 5;
    checksum[last] ^= 1;
    refused(&checksum, Missing::NoArchive);
    let zip = zip_of(&[("a", 0o644, b"1"), ("b", 0o644, b"1")]);
    refused(&zip[..zip.len() - 30], Missing::NoArchive);
}

#[test]
fn other_files_are_no_archives_and_are_told_so() {
    for (bytes, said) in [
        (&b""[..], "is empty"),
        (b"FROM busybox\n", "none that is known here"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh91AY", "bzip2"),
        (b"\x1f\x8b\x08\0nothing of the kind", "damaged"),
    ] {
        let message = refused(bytes, Missing::NoArchive);
        assert!(message.contains(said), "{message}");
    }
    refused(&zip_of(&[]), Missing::Empty);
    refused(&files(&[]), Missing::NoArchive);
    refused(&tar_of(&[(EntryType::Directory, "./", "", b"")]), Missing::Empty);
}

#[test]
fn a_file_that_is_not_there_or_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let why = |path: &Path| match unpack(path, &at("in"), &limits(), &|_| {}) {
        Err(FetchError::Missing { why, .. }) => why,
        _ => panic!("{}", path.display()),
    };
    assert_eq!(why(&at("missing.zip")), Missing::NotThere);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("pipe.zip"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o600),
        0,
    )
    .unwrap();
    assert_eq!(why(&at("pipe.zip")), Missing::NoArchive);
}
