//! A Dockerfile is read.
#![no_main]

use grade::submission::Summary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Some(summary) = Summary::of(&text) {
        let _ = summary.final_base();
        for (_, instruction) in &summary.instructions {
            let _ = summary.line_of_step(instruction);
        }
    }
});
