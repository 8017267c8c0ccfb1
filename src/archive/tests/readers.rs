//! Properties: whatever is done to an archive, it is refused, or all readers agree on it.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::bounds::Budget;
use super::super::tar::{EntryKind, Tar};
use super::*;

/// Path, type, link and size of an entry.
type Told = (Vec<u8>, u8, Vec<u8>, u64);

/// What our reader tells of a tar; nothing when it refuses.
fn ours(bytes: &[u8]) -> Option<Vec<Told>> {
    let budget = Budget::new(&Bounds::default());
    let mut tar = Tar::new(bytes, &budget);
    let mut told = Vec::new();
    while let Some(entry) = tar.next().ok()? {
        let kind = match entry.kind {
            EntryKind::File => b'0',
            EntryKind::HardLink => b'1',
            EntryKind::Symlink => b'2',
            EntryKind::CharDevice => b'3',
            EntryKind::BlockDevice => b'4',
            EntryKind::Directory => b'5',
            EntryKind::Fifo => b'6',
        };
        told.push((entry.path, kind, entry.link, entry.size));
    }
    tar.finish().ok()?.1.then_some(told)
}

/// What another reader tells.
fn theirs(bytes: &[u8]) -> io::Result<Vec<Told>> {
    let mut told = Vec::new();
    for entry in ::tar::Archive::new(bytes).entries()? {
        let entry = entry?;
        let path = super::super::path::clean(&entry.path_bytes(), 4096).unwrap();
        let kind = entry.header().entry_type().as_byte();
        let kind = if kind == 0 { b'0' } else { kind };
        let link = entry.link_name_bytes().unwrap_or_default().into_owned();
        told.push((path, kind, link, entry.size()));
    }
    Ok(told)
}

fn part() -> impl Strategy<Value = Part> {
    let name = "[a-c]{1,3}(/[a-c]{1,3})?";
    prop_oneof![
        (name, prop::collection::vec(any::<u8>(), 0..700))
            .prop_map(|(name, data)| file(&name, data)),
        (prop::sample::select(b"123456".as_slice()), name, "[a-c/.]{0,9}")
            .prop_map(|(kind, name, target)| (kind, name, target.into_bytes())),
        name.prop_map(|name| (b'L', "long".to_owned(), format!("{name}\0").into_bytes())),
        name.prop_map(|name| (b'K', "long".to_owned(), format!("{name}\0").into_bytes())),
        "[a-z]{3}".prop_map(|name| {
            (b'x', "pax".to_owned(), format!("12 path={name}\n").into_bytes())
        }),
        "[a-z]{3}".prop_map(|name| {
            (b'x', "pax".to_owned(), format!("16 linkpath={name}\n").into_bytes())
        }),
    ]
}

/// Changes a byte, and mends the checksums of the headers that this breaks.
fn change(bytes: &mut [u8], at: Index, to: u8) {
    let at = at.index(bytes.len());
    bytes[at] = to;
    let block = &mut bytes[at / 512 * 512..][..512];
    if block[257..262] == *b"ustar" {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn two_readers_agree_on_what_is_not_refused(
        parts in prop::collection::vec(part(), 1..6),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = tar(&parts);
        for (at, to) in changes {
            change(&mut bytes, at, to);
        }
        if let Some(ours) = ours(&bytes) {
            prop_assert_eq!(ours, theirs(&bytes).unwrap());
        }
    }

    #[test]
    fn whatever_is_read_there_is_an_answer(
        start in prop::sample::select(vec![&b""[..], &[0x1f, 0x8b, 8, 0], b"BZh"]),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let survey = look(&[start, &bytes].concat());
        prop_assert!(survey.danger.is_some() || survey.summary.unwrap().form == Form::Empty);
    }

    #[test]
    fn an_archive_that_was_cut_is_not_safe(at in any::<Index>(), zipped in any::<bool>()) {
        let whole = if zipped { gzip(&tar(&image())) } else { tar(&image()) };
        let cut = &whole[..at.index(whole.len())];
        prop_assert!(cut.is_empty() || look(cut).danger.is_some());
    }

    /// All that a manifest, a configuration or a layer says is held by something else.
    #[test]
    fn a_changed_byte_changes_no_image_that_is_safe(at in any::<Index>(), to in any::<u8>()) {
        let whole = tar(&image());
        let mut bytes = whole.clone();
        bytes[at.index(whole.len())] = to;
        let changed = look(&bytes);
        if changed.danger.is_none() {
            let (before, after) = (look(&whole).summary.unwrap(), changed.summary.unwrap());
            prop_assert_eq!(before.form, after.form);
            let layers = |summary: &Summary| summary.images[0].layers.clone();
            prop_assert_eq!(layers(&before), layers(&after));
        }
    }
}
