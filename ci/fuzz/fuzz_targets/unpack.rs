//! What was handed in as a zip, a tar or a tar.gz is unpacked. What is wrong with it is the student's, and nothing is
//! written beside the folder or beyond the limits.
#![no_main]

use grade::submission::{FetchError, FetchLimits, fuzz};
use libfuzzer_sys::fuzz_target;
use walkdir::WalkDir;

const BYTES: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let kept = tempfile::tempdir().expect("a folder");
    let archive = kept.path().join("archive");
    std::fs::write(&archive, bytes).expect("written");
    let limits =
        FetchLimits { entries: 200, bytes: BYTES, file: BYTES, depth: 16, ..FetchLimits::default() };
    let into = kept.path().join("into");
    std::fs::create_dir(&into).expect("a folder");
    match fuzz::archive(&archive, &into.join("submission"), &limits) {
        Ok(()) => assert!(into.join("submission").is_dir()),
        Err(FetchError::Missing { .. }) => {}
        Err(error) => panic!("not ours: {error:?}"),
    }
    let found = WalkDir::new(&into).into_iter().map(|entry| entry.expect("readable"));
    let files = found.map(|entry| entry.metadata().expect("there")).filter(|data| data.is_file());
    assert!(files.map(|data| data.len()).sum::<u64>() <= BYTES);
    let beside: Vec<_> = std::fs::read_dir(kept.path()).expect("there").collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
});
