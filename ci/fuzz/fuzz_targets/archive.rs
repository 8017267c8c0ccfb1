//! What an image's archive is found to be. A source in memory never fails: whatever is wrong is said of the archive.
#![no_main]

use grade::archive::{Bounds, survey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bounds = Bounds { unpacked: 8 << 20, entries: 500, ..Bounds::default() };
    let survey = survey(bytes, &bounds).expect("a source in memory does not fail");
    assert!(survey.summary.is_some() || survey.danger.is_some());
});
