//! A needle is looked for in an image's archive.
#![no_main]

use grade::leak::{Needle, search};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let needle = Needle::new("s3cret-of-this-run").expect("long enough");
    let _ = search(bytes, &needle, &[]);
});
