//! Images made for the test, searched for one secret.

use super::*;
use std::io::{Cursor, Write};

const SECRET: &str = "k7q2m9x4w8z1n5b3v6c0h2j4l8p1r5t7d9f3g6s0";

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn places(first: &[u8], second: &[u8], config: &str) -> Vec<String> {
    places_above(0, first, second, config)
}

fn places_above(base: usize, first: &[u8], second: &[u8], config: &str) -> Vec<String> {
    let manifest = r#"[{"Config":"c.json","Layers":["a/layer.tar","b/layer.tar"]}]"#;
    let image = tar(&[
        ("b/layer.tar", second),
        ("a/layer.tar", first),
        ("c.json", config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ]);
    let base = vec!["sha256:0".to_owned(); base];
    let haystack = search(Cursor::new(image), &Needle::new(SECRET).unwrap(), &base).unwrap();
    assert_eq!((haystack.layers, haystack.complete), (2, true));
    haystack.places
}

#[test]
fn a_deleted_file_is_still_in_its_layer() {
    let first = tar(&[("tmp/key", SECRET.as_bytes())]);
    let second = tar(&[("tmp/.wh.key", b"")]);
    assert_eq!(places(&first, &second, "{}"), ["layer 1: /tmp/key (plain)"]);
}

#[test]
fn names_and_compressed_content_are_searched() {
    let first = tar(&[(&format!("x/{SECRET}"), b"")]);
    let second = tar(&[("z.gz", &gzip(format!("my {SECRET}\n").as_bytes()))]);
    let places = places(&first, &second, "{}");
    assert_eq!(places[0], "layer 1: the name of a file in /x/ (plain)");
    assert!(places[1].starts_with("layer 2: /z.gz (gzip+plain"), "{places:?}");
}

#[test]
fn what_is_compressed_within_a_file_is_searched() {
    let stream = gzip(&[&[0; 4096], SECRET.as_bytes()].concat());
    let inner = tar(&[("k.gz", &stream)]);
    let script = [b"#!/bin/sh\n", stream.as_slice()].concat();
    assert_eq!(
        places(&tar(&[("k.tar", &inner)]), &tar(&[("run.sh", &script)]), "{}"),
        ["layer 1: /k.tar (gzip+plain)", "layer 2: /run.sh (gzip+plain)"]
    );
}

#[test]
fn what_could_not_be_looked_into_is_said() {
    let mut stream = SECRET.as_bytes().to_vec();
    for _ in 0..4 {
        stream = gzip(&[&[0; 4096], stream.as_slice()].concat());
    }
    let large = vec![b' '; usize::try_from(JSON).unwrap() + 1];
    let needle = Needle::new(SECRET).unwrap();
    for members in [
        [("a.tar", tar(&[("k", &stream)])), ("b", b"{}".to_vec())],
        [("a.tar", tar(&[])), ("b", large)],
        [("a.tar", tar(&[])), ("b", b"neither a tar nor a document".to_vec())],
        [("a.tar", tar(&[])), ("b", gzip(b"no tar"))],
    ] {
        let members = members.each_ref().map(|(name, content)| (*name, content.as_slice()));
        assert!(!search(Cursor::new(tar(&members)), &needle, &[]).unwrap().complete);
    }
}

/// Gives what it has one byte at a time, as a connection may.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn what_comes_in_small_pieces_is_the_same() {
    let layer = tar(&[("a", SECRET.as_bytes())]);
    let image = tar(&[("a/layer.tar", &layer), ("b/layer.tar", &gzip(&layer))]);
    let found = search(Slow(Cursor::new(image)), &Needle::new(SECRET).unwrap(), &[]).unwrap();
    assert_eq!((found.layers, found.places.len(), found.complete), (2, 2, true));
}

#[test]
fn compressed_layers_are_layers() {
    let first = gzip(&tar(&[("a", SECRET.as_bytes())]));
    assert_eq!(places(&first, &tar(&[("b", b"")]), "{}"), ["layer 1: /a (plain)"]);
}

#[test]
fn the_configuration_is_named_by_its_part() {
    let empty = tar(&[]);
    let config = format!(
        r#"{{"rootfs":{{}},"config":{{"Env":["KEY={SECRET}"],"Labels":{{"l":"{SECRET}"}}}},
        "history":[{{"created_by":"RUN echo {SECRET}"}}]}}"#
    );
    assert_eq!(
        places(&empty, &empty, &config),
        [
            "the environment variable KEY (plain)",
            "the image's history (plain)",
            "the label l (plain)"
        ]
    );
}

#[test]
fn an_archive_that_breaks_off_is_an_error() {
    let layer = tar(&[("a", &[1; 4000])]);
    let image = tar(&[("a/layer.tar", &layer)]);
    let needle = Needle::new(SECRET).unwrap();
    assert!(search(Cursor::new(&image[..2000]), &needle, &[]).is_err());
    assert!(search(Cursor::new(b""), &needle, &[]).is_err());
}

#[test]
fn what_the_base_holds_is_not_told_however_much_it_is() {
    let names: Vec<String> = (0..2 * PLACES).map(|number| format!("k{number}")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().map(|name| (name.as_str(), SECRET.as_bytes())).collect();
    let (first, second) = (tar(&files), tar(&[("z", SECRET.as_bytes())]));
    let config = format!(r#"{{"rootfs":{{}},"config":{{"Env":["KEY={SECRET}"]}}}}"#);
    let own = ["the environment variable KEY (plain)", "layer 2: /z (plain)"];
    assert_eq!(places_above(1, &first, &second, &config), own);
    assert_eq!(places_above(2, &first, &second, "{}"), [""; 0]);
    assert_eq!(places(&first, &second, "{}").len(), PLACES);
}

#[test]
fn a_layer_whose_name_says_that_it_is_the_base_s_is_not_read() {
    let manifest = r#"[{"Config":"c","Layers":["blobs/sha256/aa","blobs/sha256/bb"]}]"#;
    let layer = tar(&[("a", SECRET.as_bytes())]);
    let image = tar(&[
        ("blobs/sha256/aa", &layer),
        ("blobs/sha256/bb", &layer),
        ("manifest.json", manifest.as_bytes()),
    ]);
    let needle = Needle::new(SECRET).unwrap();
    let found = search(Cursor::new(image), &needle, &["sha256:aa".to_owned()]).unwrap();
    assert_eq!((found.layers, found.places), (1, vec!["layer 2: /a (plain)".to_owned()]));
}
