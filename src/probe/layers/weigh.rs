//! What the files of an image weigh whose paths match a pattern.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use regex::Regex;

use crate::archive::{Compression, head, is_tar, manifest};

const PIECE: usize = 64 * 1024;
/// The most bytes of a manifest.
const MANIFEST: u64 = 8 * 1024 * 1024;

/// Bytes of all files with a path like this in an image's layers, as `docker save` writes it, but for
/// its lowest ones, `base` of them. What a later layer deletes is counted.
///
/// # Errors
/// When the archive breaks off, or a layer cannot be read.
pub(super) fn weigh(archive: impl Read, base: usize, paths: &Regex) -> io::Result<u64> {
    let mut weights = BTreeMap::new();
    // A layer that comes twice is a link the second time, in docker's own layout.
    let mut links = BTreeMap::new();
    let mut order = None;
    let mut outer = tar::Archive::new(BufReader::with_capacity(PIECE, archive));
    for entry in outer.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if let Some(link) = entry.link_name()? {
            let target = Path::new(&name).parent().unwrap_or(Path::new("")).join(link);
            links.insert(name, path_clean::clean(target).to_string_lossy().into_owned());
            continue;
        }
        if name == "manifest.json" {
            let mut bytes = Vec::new();
            entry.take(MANIFEST).read_to_end(&mut bytes)?;
            order = manifest(&bytes).and_then(|images| images.into_iter().next());
            continue;
        }
        let start = head(&mut entry)?;
        let content = BufReader::with_capacity(PIECE, start.as_slice().chain(entry));
        let weight = match Compression::of(&start) {
            Compression::Gzip => of_layer(MultiGzDecoder::new(content), paths)?,
            Compression::None if is_tar(&start) => of_layer(content, paths)?,
            // An empty layer, or none.
            Compression::None => 0,
            // What cannot be read is missed below.
            Compression::Bzip2 | Compression::Xz | Compression::Zstd => continue,
        };
        weights.insert(name, weight);
    }
    let order = order.ok_or_else(|| wrong("the image's archive has no manifest".to_owned()))?;
    let own = order.layers.iter().skip(base).map(|layer| {
        let weight = weights.get(links.get(layer).unwrap_or(layer));
        weight.copied().ok_or_else(|| wrong(format!("the layer {layer} cannot be read")))
    });
    own.sum()
}

fn wrong(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn of_layer(content: impl Read, paths: &Regex) -> io::Result<u64> {
    let mut weight = 0;
    for entry in tar::Archive::new(content).entries()? {
        let entry = entry?;
        let path = format!("/{}", String::from_utf8_lossy(&entry.path_bytes()));
        if paths.is_match(&path) {
            weight += entry.size();
        }
    }
    Ok(weight)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::sift::tests::tar;

    const MANIFEST: &str = r#"[{"Config":"c.json","RepoTags":null,"Layers":["b/layer.tar","1/layer.tar","2/layer.tar"]}]"#;

    fn weight(members: &[(&str, &[u8])]) -> io::Result<u64> {
        weigh(tar(members).as_slice(), 1, &Regex::new(r"/__pycache__/[^/]+\.pyc$").unwrap())
    }

    #[test]
    fn only_files_like_that_in_the_images_own_layers_weigh() {
        let base = tar(&[("lib/__pycache__/a.pyc", &[0; 1000])]);
        let first = tar(&[("lib/", b""), ("lib/__pycache__/b.pyc", &[0; 200]), ("x", &[0; 9])]);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&tar(&[("__pycache__/c.pyc", &[0; 30])])).unwrap();
        let second = packed.finish().unwrap();
        let layers =
            [("b/layer.tar", &base[..]), ("1/layer.tar", &first), ("2/layer.tar", &second)];
        let manifest = ("manifest.json", MANIFEST.as_bytes());
        let (config, version) = (("c.json", &b"{}"[..]), ("b/VERSION", &b"1.0"[..]));
        let whole = [&layers[..], &[config, version, manifest]].concat();
        assert_eq!(weight(&whole).unwrap(), 230);
        // The manifest may come first, as other engines write it.
        assert_eq!(weight(&[&[manifest], &layers[..]].concat()).unwrap(), 230);
        // What is not there was not weighed.
        assert!(weight(&[&layers[..2], &[manifest]].concat()).is_err());
        assert!(weight(&layers).is_err());
        let zstd = ("2/layer.tar", &b"\x28\xb5\x2f\xfd and so on"[..]);
        assert!(weight(&[&layers[..2], &[zstd, manifest]].concat()).is_err());
        let empty = ("2/layer.tar", &[0; 1024][..]);
        assert_eq!(weight(&[&layers[..2], &[empty, manifest]].concat()).unwrap(), 200);
    }

    #[test]
    fn a_layer_that_comes_twice_weighs_twice() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind, content: &[u8], link: Option<&str>| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(u64::try_from(content.len()).unwrap());
            header.set_mode(0o644);
            if let Some(link) = link {
                header.set_link_name(link).unwrap();
            }
            builder.append_data(&mut header, name, content).unwrap();
        };
        let layer = tar(&[("__pycache__/a.pyc", &[0; 50])]);
        add("b/layer.tar", tar::EntryType::Regular, &[0; 1024], None);
        add("1/layer.tar", tar::EntryType::Regular, &layer, None);
        add("2/layer.tar", tar::EntryType::Symlink, b"", Some("../1/layer.tar"));
        add("manifest.json", tar::EntryType::Regular, MANIFEST.as_bytes(), None);
        let archive = builder.into_inner().unwrap();
        let paths = Regex::new(r"\.pyc$").unwrap();
        assert_eq!(weigh(archive.as_slice(), 1, &paths).unwrap(), 100);
    }
}
