//! Archives that an engine would read in another way than we do: each is refused, with the reason.

use super::*;

fn refused(parts: &[Part], reason: &str) {
    for bytes in [tar(parts), gzip(&tar(parts))] {
        let told = danger(&bytes);
        assert!(told.contains(reason), "{told}, not {reason}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let with = |part: Part| [image(), vec![part]].concat();
    refused(&with(file("manifest.json", "[]")), "`manifest.json` twice");
    refused(&with(file("./manifest.json", "[]")), "`manifest.json` twice");
    refused(&with(folder("manifest.json/")), "twice");
    refused(&with(file("x/", "y")), "in two ways");
    refused(&with((b'7', "x".into(), vec![])), "unknown kind");
    refused(&with((b'S', "x".into(), vec![])), "sparse");
    refused(&with((b'g', "x".into(), b"10 path=x\n".to_vec())), "unknown kind");
    let sized = (b'x', "x".into(), b"10 size=1\n".to_vec());
    refused(&[with(sized), vec![file("y", "")]].concat(), "in two ways");
    let sparse = (b'x', "x".into(), b"22 GNU.sparse.major=1\n".to_vec());
    refused(&[with(sparse), vec![file("y", "")]].concat(), "sparse");
    let long = (b'L', "x".into(), b"manifest.json\0".to_vec());
    refused(&[with(long.clone()), vec![file("y", "")]].concat(), "twice");
    let pax = (b'x', "x".into(), b"10 path=y\n".to_vec());
    refused(&[with(long.clone()), vec![pax, file("y", "")]].concat(), "two long names");
    refused(&[with(long.clone()), vec![long]].concat(), "two extended headers");
}

#[test]
fn only_files_have_content() {
    for kind in *b"123456" {
        // Some readers skip a block here, and others read it as the next header.
        let hidden = blocks(&file("manifest.json", ""));
        let start = header(kind, "x", b"y", 512);
        let bytes = [start.as_bytes(), &hidden[..], &END].concat();
        assert!(danger(&bytes).contains("in two ways"));
    }
}

#[test]
fn every_number_of_a_header_is_one() {
    for at in [100, 108, 116, 136, 329, 337] {
        let mut header = header(b'0', "x", b"", 0);
        header.as_mut_bytes()[at] = b'9';
        header.set_cksum();
        let bytes = [header.as_bytes(), &END[..]].concat();
        assert!(danger(&bytes).contains("is damaged"), "{at}");
    }
}

#[test]
fn paths_and_links_stay_inside() {
    let with = |part: Part| [image(), vec![part]].concat();
    refused(&with(file("../x", "")), "leads out");
    refused(&with(file("/tmp/x", "")), "leads out");
    refused(&with(file("a/../../x", "")), "leads out");
    refused(&with(link(b'1', "x", "/etc/passwd")), "leads out");
    refused(&with(link(b'1', "x", "../x")), "leads out");
    refused(&with((b'4', "sda".into(), vec![])), "disk device");
    refused(&with((b'3', "null".into(), vec![])), "neither file nor folder");
    refused(&with((b'6', "pipe".into(), vec![])), "neither file nor folder");
    refused(&with(link(b'1', "x", "manifest.json")), "neither file nor folder");
    for target in ["/etc/passwd", "../../etc/passwd", "../c", "../a", "layer.tar", ""] {
        refused(&image_with(link(b'2', "a/layer.tar", target)), "which is no file in it");
    }
    refused(&with(link(b'2', "x", "../../etc")), "which is no file in it");
}

#[test]
fn the_manifest_is_the_one_that_an_engine_reads() {
    let manifest = |json: &str| image_with(file("manifest.json", json));
    let odd = "manifest.json that docker save does not write";
    for json in [
        "",
        "{}",
        "not json",
        "[1]",
        r#"[{"Config":"c.json","config":"d.json","Layers":[]}]"#,
        r#"[{"Config":"c.json","Config":"d.json","Layers":[]}]"#,
        r#"[{"Config":"c.json","Layers":[]}] [{}]"#,
        r#"[{"Config":"c.json","Layers":[],"New":1}]"#,
    ] {
        refused(&manifest(json), odd);
    }
    refused(&image_with(link(b'2', "manifest.json", "c.json")), odd);
    refused(&manifest("[]"), "names no image");
    refused(&manifest(r#"[{"Config":"../c.json"}]"#), "leads out");
    refused(&manifest(r#"[{"Config":"a/layer.tar"}]"#), "no readable configuration");
    refused(&manifest(r#"[{"Config":"none"}]"#), "no readable configuration");
    refused(&manifest(r#"[{"Config":"c.json","Layers":["a/layer.tar"]}]"#), "differ in their");
    let layers = |second: &str| {
        manifest(&format!(r#"[{{"Config":"c.json","Layers":["a/layer.tar","{second}"]}}]"#))
    };
    refused(&layers("none"), "lacks the layer `none`");
    refused(&layers("/b/layer.tar"), "leads out");
    refused(&layers("a/layer.tar"), "not the one that the image was made of");
    refused(&layers("c.json"), "neither a plain tar nor");
    let without: Vec<Part> = image().into_iter().filter(|part| part.1 != "manifest.json").collect();
    refused(&without, "without a manifest.json");
}

#[test]
fn the_configuration_is_whole() {
    for config in [
        "not json",
        "[]",
        "{}",
        r#"{"rootfs":{"diff_ids":1}}"#,
        r#"{"rootfs":{"diff_ids":[]},"RootFS":{}}"#,
        r#"{"rootfs":{"diff_ids":[],"Diff_IDs":[]}}"#,
    ] {
        refused(&image_with(file("c.json", config)), "no readable configuration");
    }
    refused(&image_with(link(b'2', "c.json", "manifest.json")), "no readable configuration");
}

#[test]
fn a_layer_is_walked() {
    let layer = |parts: &[Part]| image_with(file("a/layer.tar", tar(parts)));
    refused(&layer(&[file("../x", "")]), "holds the layer `a/layer.tar`, which holds the path");
    refused(&layer(&[(b'4', "sda".into(), vec![])]), "disk device");
    refused(&layer(&[link(b'1', "x", "/etc/passwd")]), "leads out");
    refused(&layer(&[file("a/.wh...", "")]), "deletes");
    let trusted = b"54 SCHILY.xattr.trusted.overlay.redirect=/etc/passwdx\n".to_vec();
    refused(&layer(&[(b'x', "x".into(), trusted), file("x", "")]), "only the engine");
    refused(&layer(&[file("bin/sh", "y")]), "not the one that the image was made of");
    let cut = &tar(&[file("x", vec![1; 3000])])[..2000];
    refused(&image_with(file("a/layer.tar", cut)), "which breaks off");
    let twice = [gzip(&tar(&[])), gzip(&tar(&[]))].concat();
    refused(&image_with(file("a/layer.tar", twice)), "after the end of its gzip stream");
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd][..], &[0; 2000]].concat();
    refused(&image_with(file("a/layer.tar", zstd)), "neither a plain tar nor");
}

#[test]
fn nothing_follows_the_end() {
    let (plain, zipped) = (tar(&image()), gzip(&tar(&image())));
    let all = |parts: &[&[u8]]| danger(&parts.concat());
    assert!(all(&[&plain, &plain]).contains("more after its end"));
    assert!(danger(&gzip(&[plain.as_slice(), &plain].concat())).contains("more after its end"));
    assert!(all(&[&plain, b"x"]).contains("more after its end"));
    let half = &plain[..plain.len() - 512];
    assert!(all(&[half, &plain]).contains("more after its end"));
    assert!(all(&[&zipped, &zipped]).contains("more after its end"));
    for tail in [&b"x"[..], &[0; 512]] {
        assert!(all(&[&zipped, tail]).contains("after the end of its gzip stream"));
    }
}

#[test]
fn gzip_streams_one_after_the_other_are_one_archive() {
    let plain = tar(&image());
    for size in [100, 512, 1000, plain.len()] {
        let members: Vec<u8> = plain.chunks(size).flat_map(gzip).collect();
        assert_eq!(survey(members.as_slice(), &Bounds::default()).unwrap().danger, None, "{size}");
        assert!(danger(&[members, b"x".to_vec()].concat()).contains("end of its gzip stream"));
    }
    assert!(danger(&gzip(b"").repeat(20_001)).contains("more than 20000 gzip streams"));
}

#[test]
fn what_cannot_be_read_says_so() {
    let (plain, zipped) = (tar(&image()), gzip(&tar(&image())));
    let mut wrong_sum = zipped.clone();
    let at = zipped.len() - 6;
    wrong_sum[at] ^= 1;
    for (bytes, reason) in [
        (b"hello".to_vec(), "is no tar"),
        (vec![0xfe; 5000], "is no tar"),
        (gzip(b"hello"), "is no tar"),
        (b"PK\x03\x04 and more".to_vec(), "is a zip file"),
        (gzip(&zipped), "compressed twice"),
        (plain[..plain.len() - 1024].to_vec(), "breaks off"),
        (plain[..3000].to_vec(), "breaks off"),
        (zipped[..zipped.len() - 1].to_vec(), "breaks off"),
        (zipped[..200].to_vec(), "breaks off"),
        (wrong_sum, "is damaged"),
    ] {
        let survey = look(&bytes);
        assert!(survey.is_broken && survey.summary.is_none());
        assert!(survey.danger.unwrap().contains(reason), "{reason}");
    }
    for start in [&b"BZh91AY&SY"[..], &[0xfd, b'7', b'z', b'X', b'Z', 0], b"\x28\xb5\x2f\xfd"] {
        assert!(danger(start).contains("only gzip can be looked into"));
    }
}

#[test]
fn names_in_messages_are_clean_and_short() {
    let told = danger(&tar(&[file("../\u{1b}[31m\n::error::", "")]));
    assert!(!told.contains(['\u{1b}', '\n']), "{told}");
    let long = format!("{}\n", "../".repeat(1000));
    let long = format!("3010 path={}", &long[..3000]);
    let long = format!("{}\n", &long[..3009]);
    let told = danger(&tar(&[(b'x', "x".into(), long.into_bytes()), file("y", "")]));
    assert!(told.len() < 300, "{told}");
}
