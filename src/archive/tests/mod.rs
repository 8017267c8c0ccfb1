//! What archives are taken for, and that those which engines write are taken as they are.

mod bombs;
mod hostile;
mod readers;

use std::io::Write;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;

/// An entry to be: its type, its path, its content or where it leads.
pub(super) type Part = (u8, String, Vec<u8>);

pub(super) fn file(path: &str, content: impl Into<Vec<u8>>) -> Part {
    (b'0', path.to_owned(), content.into())
}

pub(super) fn link(kind: u8, path: &str, target: &str) -> Part {
    (kind, path.to_owned(), target.into())
}

pub(super) fn folder(path: &str) -> Part {
    (b'5', path.to_owned(), Vec::new())
}

/// A header for anything, with the path as it is.
pub(super) fn header(kind: u8, path: &str, target: &[u8], size: u64) -> ::tar::Header {
    let mut header = ::tar::Header::new_ustar();
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path.as_bytes());
    old.linkflag = [kind];
    old.linkname[..target.len()].copy_from_slice(target);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// The blocks of one entry.
pub(super) fn blocks((kind, path, content): &Part) -> Vec<u8> {
    let has_content = matches!(kind, b'0' | b'x' | b'L' | b'K' | b'g');
    let (content, target) =
        if has_content { (&content[..], &[][..]) } else { (&[][..], &content[..]) };
    let header = header(*kind, path, target, content.len() as u64);
    let padding = vec![0; content.len().next_multiple_of(512) - content.len()];
    [header.as_bytes(), content, &padding].concat()
}

pub(super) const END: [u8; 1024] = [0; 1024];

pub(super) fn tar(parts: &[Part]) -> Vec<u8> {
    [parts.iter().flat_map(blocks).collect::<Vec<u8>>().as_slice(), &END].concat()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", crate::nonce::hex(&Sha256::digest(bytes)))
}

/// What `docker save` writes of an image with two layers, which are given as they lie there.
pub(super) fn image() -> Vec<Part> {
    let layers = [tar(&[folder("bin/"), file("bin/sh", "x")]), tar(&[file(".wh.a", "")])];
    let config = json!({
        "config": { "Labels": { "a": "1", "A": "2" } },
        "rootfs": { "type": "layers", "diff_ids": layers.each_ref().map(|layer| digest(layer)) },
    });
    let manifest = json!([{
        "Config": "c.json", "RepoTags": ["myapp:1.0"], "Layers": ["a/layer.tar", "b/layer.tar"],
    }]);
    let [first, second] = layers;
    vec![
        folder("a/"),
        file("a/VERSION", "1.0"),
        file("a/layer.tar", first),
        folder("b/"),
        file("b/layer.tar", second),
        file("c.json", config.to_string()),
        file("manifest.json", manifest.to_string()),
        file("repositories", "{}"),
    ]
}

/// The image with one part in place of that of its path, or more.
pub(super) fn image_with(part: Part) -> Vec<Part> {
    let mut parts = image();
    parts.retain(|(_, path, _)| *path != part.1);
    parts.push(part);
    parts
}

pub(super) fn look(bytes: &[u8]) -> Survey {
    survey(bytes, &Bounds::default()).unwrap()
}

/// Why this is not safe; fails where it is.
pub(super) fn danger(bytes: &[u8]) -> String {
    look(bytes).danger.expect("a danger")
}

fn safe(bytes: &[u8]) -> Summary {
    let survey = look(bytes);
    assert_eq!((survey.danger, survey.is_broken), (None, false));
    assert_eq!(survey.size, Some(bytes.len() as u64));
    survey.summary.unwrap()
}

#[test]
fn an_image_is_told_with_its_names_and_layers() {
    for bytes in [tar(&image()), gzip(&tar(&image()))] {
        let summary = safe(&bytes);
        assert_eq!((summary.form, summary.entries, summary.has_manifest), (Form::Image, 8, true));
        assert_eq!(summary.unpacked, tar(&image()).len() as u64);
        assert_eq!(summary.images[0].repo_tags, ["myapp:1.0"]);
        assert_eq!(summary.images[0].layers.len(), 2);
        assert_eq!(summary.top, ["a/", "b/", "c.json", "manifest.json", "repositories"]);
    }
    assert_eq!(look(&gzip(&tar(&image()))).compression, Some(Compression::Gzip));
}

#[test]
fn other_ways_to_write_the_same_image_are_fine() {
    let dotted: Vec<Part> =
        image().into_iter().map(|(kind, path, data)| (kind, format!("./{path}"), data)).collect();
    let dotted = [vec![folder("./")], dotted].concat();
    let layer = tar(&[folder("bin/"), file("bin/sh", "x")]);
    let untagged = r#"[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar","b/layer.tar"],
        "Parent":"x","LayerSources":{"sha256:x":{"size":1}}}]"#;
    // GNU tar fills its last record.
    let padded = [tar(&image()), vec![0; 8192]].concat();
    let linked = [
        image_with(link(b'2', "a/layer.tar", "../d/layer.tar")),
        vec![file("d/layer.tar", layer.clone())],
    ]
    .concat();
    for bytes in [
        tar(&dotted),
        tar(&image_with(file("a/layer.tar", gzip(&layer)))),
        tar(&image_with(file("manifest.json", untagged))),
        padded,
        // docker save links to a layer that comes twice.
        tar(&linked),
    ] {
        assert_eq!(safe(&bytes).form, Form::Image);
    }
}

#[test]
fn an_oci_layout_has_to_name_the_same_image() {
    let layers = [tar(&[file("a", "x")])];
    let config = json!({ "rootfs": { "diff_ids": [digest(&layers[0])] } }).to_string();
    let blob = |content: &[u8]| format!("blobs/sha256/{}", &digest(content)[7..]);
    let parts = |name: &str, meant: &str| {
        let one = json!({ "config": { "digest": digest(meant.as_bytes()) }, "layers": [] });
        let proof = json!({ "config": { "digest": digest(b"{}") }, "layers": [] });
        let list = json!({ "manifests": [
            { "digest": digest(one.to_string().as_bytes()), "platform": { "os": "linux" } },
            { "digest": digest(proof.to_string().as_bytes()), "platform": { "os": "unknown" } },
            { "digest": digest(b"not there"), "platform": { "os": "windows" } },
        ] });
        let index = json!({ "manifests": [{
            "digest": digest(list.to_string().as_bytes()),
            "annotations": { "io.containerd.image.name": name },
        }] });
        let manifest = json!([{
            "Config": blob(config.as_bytes()), "RepoTags": ["myapp:1.0"],
            "Layers": [blob(&layers[0])],
        }]);
        let blobs = [config.clone(), one.to_string(), proof.to_string(), list.to_string()];
        let mut parts: Vec<Part> =
            blobs.into_iter().map(|text| file(&blob(text.as_bytes()), text)).collect();
        parts.push(file(&blob(&layers[0]), layers[0].clone()));
        parts.push(file("index.json", index.to_string()));
        parts.push(file("manifest.json", manifest.to_string()));
        tar(&parts)
    };
    assert_eq!(safe(&parts("docker.io/library/myapp:1.0", &config)).form, Form::Image);
    for other in [parts("docker.io/library/busybox:latest", &config), parts("myapp:1.0", "{ }")] {
        assert!(danger(&other).contains("index.json"));
    }
}

#[test]
fn an_index_that_names_itself_is_read_once() {
    let index = |digest: &str| json!({ "manifests": vec![json!({ "digest": digest }); 10_000] });
    let inner = index("sha256:0").to_string();
    let parts = [
        image(),
        vec![
            file("blobs/sha256/0", inner.clone()),
            file("blobs/sha256/1", inner),
            file("index.json", index("sha256:1").to_string()),
        ],
    ];
    assert_eq!(safe(&tar(&parts.concat())).form, Form::Image);
}

#[test]
fn a_root_file_system_may_hold_what_a_container_may() {
    let parts: Vec<Part> = ["bin/", "dev/", "etc/", "proc/", "sys/"].map(folder).into();
    let more = [
        (b'3', "dev/null".to_owned(), vec![]),
        (b'6', "dev/initctl".to_owned(), vec![]),
        link(b'2', "etc/mtab", "/proc/mounts"),
        link(b'2', "bin/up", "../../../x"),
        file("bin/busybox", "x"),
        link(b'1', "bin/sh", "bin/busybox"),
        folder("bin/"),
        file("etc/app.json", "{"),
    ];
    let bytes = tar(&[parts.clone(), more.to_vec()].concat());
    let summary = safe(&gzip(&bytes));
    assert_eq!((summary.form, summary.has_manifest), (Form::RootFileSystem, false));
    let bomb = gzip(&tar(&[file("zeros", vec![0; 20 << 20])]));
    let with_bomb = tar(&[parts, vec![file("etc/bomb.tar.gz", bomb)]].concat());
    assert_eq!(safe(&with_bomb).form, Form::RootFileSystem, "a file like any other there");
}

#[test]
fn nothing_is_empty_and_anything_else_is_other() {
    for bytes in [vec![], gzip(b""), END.to_vec(), gzip(&END)] {
        assert_eq!(safe(&bytes).form, Form::Empty);
    }
    let summary = safe(&tar(&[file("Dockerfile", "FROM x")]));
    assert_eq!((summary.form, summary.top), (Form::Other, vec!["Dockerfile".to_owned()]));
}

#[test]
fn a_source_that_fails_is_no_fault_of_the_archive() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    // In the head, in an entry, in a layer within gzip, after the end.
    let (plain, zipped) = (tar(&image()), gzip(&tar(&image())));
    for start in [&[][..], &plain[..3000], &plain[..6000], &plain, &zipped[..400], &zipped] {
        let error = survey(start.chain(Failing), &Bounds::default()).unwrap_err();
        assert_eq!(error.to_string(), "the disk is gone", "{}", start.len());
    }
}

#[test]
fn a_failure_is_not_forgotten_when_reading_could_go_on() {
    struct Once<'a>(&'a [u8], Option<usize>);
    impl Read for Once<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match &mut self.1 {
                Some(0) => {
                    self.1 = None;
                    return Err(io::Error::other("the disk was gone"));
                }
                Some(left) => *left -= 1,
                None => {}
            }
            let most = buffer.len().min(512);
            self.0.read(&mut buffer[..most])
        }
    }
    let bytes = tar(&image());
    for reads in 0..bytes.len() / 512 {
        let read = survey(Once(&bytes, Some(reads)), &Bounds::default());
        assert!(read.is_err(), "{reads}");
    }
    // The bound is hit within a layer, and what follows would fit again.
    let bounds = Bounds { file: 1 << 20, unpacked: bytes.len() as u64 - 600, ..Bounds::default() };
    assert!(survey(Once(&bytes, None), &bounds).unwrap().danger.is_some());
}
