//! A Dockerfile is read, and changed for a build.
#![no_main]

use std::collections::BTreeMap;

use grade::submission::{Rewrite, Summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Some(summary) = Summary::of(&text) {
        let _ = summary.final_base();
        for (_, instruction) in &summary.instructions {
            let _ = summary.line_of_step(instruction);
        }
    }
    let mounts = BTreeMap::from([("secret".to_owned(), "type=tmpfs".to_owned())]);
    let skip = vec!["secret".to_owned()];
    for rewrite in [
        Rewrite { mounts, ..Rewrite::default() },
        Rewrite { skip, ..Rewrite::default() },
        Rewrite { base: true, ..Rewrite::default() },
    ] {
        let _ = rewrite.apply(&text);
    }
});
