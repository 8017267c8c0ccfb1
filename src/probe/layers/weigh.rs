//! The files of an image's own layers: what those weigh whose paths match a pattern, and which hold a piece of something.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use regex::Regex;

use super::pieces::Pieces;
use crate::archive::{Compression, head, is_tar, manifest};

const PIECE: usize = 64 * 1024;
/// The most bytes of a manifest.
const MANIFEST: u64 = 8 * 1024 * 1024;

/// What is looked for in files.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    /// Paths whose files are weighed.
    pub(super) paths: Option<Regex>,
    /// Pieces that are looked for.
    pub(super) pieces: Option<Pieces>,
}

/// What was found in layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Bytes of the files with such a path.
    pub(super) weight: u64,
    /// Files that hold a piece.
    pub(super) with_pieces: Vec<String>,
    /// Files that a layer deletes, of those below it.
    pub(super) deleted: Vec<String>,
}

/// Searches all files of an image's layers, as `docker save` writes it, but for its lowest ones, `base` of them. What a later layer deletes
/// is found, too.
///
/// # Errors
/// When the archive breaks off, or a layer cannot be read.
pub(super) fn search(archive: impl Read, base: usize, search: &Search) -> io::Result<Found> {
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
            Compression::Gzip => of_layer(MultiGzDecoder::new(content), search)?,
            Compression::None if is_tar(&start) => of_layer(content, search)?,
            // An empty layer, or none.
            Compression::None => Found::default(),
            // What cannot be read is missed below.
            Compression::Bzip2 | Compression::Xz | Compression::Zstd => continue,
        };
        weights.insert(name, weight);
    }
    let order = order.ok_or_else(|| wrong("the image's archive has no manifest".to_owned()))?;
    let mut all = Found::default();
    for layer in order.layers.iter().skip(base) {
        let found = weights.get(links.get(layer).unwrap_or(layer));
        let found = found.ok_or_else(|| wrong(format!("the layer {layer} cannot be read")))?;
        all.weight += found.weight;
        all.with_pieces.extend(found.with_pieces.iter().cloned());
        all.deleted.extend(found.deleted.iter().cloned());
    }
    Ok(all)
}

fn wrong(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn of_layer(content: impl Read, search: &Search) -> io::Result<Found> {
    let mut found = Found::default();
    for entry in tar::Archive::new(content).entries()? {
        let entry = entry?;
        let path = format!("/{}", String::from_utf8_lossy(&entry.path_bytes()));
        if search.paths.as_ref().is_some_and(|paths| paths.is_match(&path)) {
            found.weight += entry.size();
        }
        if let Some((folder, name)) = path.rsplit_once("/.wh.") {
            found.deleted.push(format!("{folder}/{name}"));
        }
        if let Some(pieces) = &search.pieces
            && pieces.are_in(entry)?
        {
            found.with_pieces.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::sift::tests::tar;

    const MANIFEST: &str = r#"[{"Config":"c.json","RepoTags":null,"Layers":["b/layer.tar","1/layer.tar","2/layer.tar"]}]"#;

    fn by_paths(paths: &str) -> Search {
        Search { paths: Some(Regex::new(paths).unwrap()), pieces: None }
    }

    fn weight(members: &[(&str, &[u8])]) -> io::Result<u64> {
        let paths = by_paths(r"/__pycache__/[^/]+\.pyc$");
        search(tar(members).as_slice(), 1, &paths).map(|found| found.weight)
    }

    #[test]
    fn a_file_with_a_piece_is_found_in_the_images_own_layers() {
        let scratch: Vec<u8> =
            (0..4_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let pieces = Pieces::of(tar(&[("s/", b""), ("s/scratch", &scratch)]).as_slice()).unwrap();
        let layer = tar(&[
            ("etc/sample", &scratch[..1000]),
            ("end", &scratch[15_500..]),
            ("x", &[7; 5000]),
        ]);
        let layers =
            [("b/layer.tar", &layer[..]), ("1/layer.tar", &layer), ("2/layer.tar", &[0; 1024])];
        let whole = [&layers[..], &[("manifest.json", MANIFEST.as_bytes())]].concat();
        let looked_for = Search { paths: None, pieces };
        let found = search(tar(&whole).as_slice(), 1, &looked_for).unwrap();
        assert_eq!(found.with_pieces, ["/etc/sample", "/end"]);
        let zeros = Pieces::of(tar(&[("s/scratch", &[0; 9000])]).as_slice()).unwrap();
        assert!(zeros.is_none(), "nothing that could not be there by chance");
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
        let found = search(archive.as_slice(), 1, &by_paths(r"\.pyc$")).unwrap();
        assert_eq!(found.weight, 100);
    }
}
