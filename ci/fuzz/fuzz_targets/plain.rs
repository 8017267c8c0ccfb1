//! A student's text becomes plain text, which stays as it is.
#![no_main]

use grade::judge::{line, plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let once = plain(&text);
    assert!(once.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()), "{once:?}");
    assert_eq!(plain(&once), once);
    let short = line(&text, 50);
    assert!(short.chars().count() <= 51 && !short.contains('\n'), "{short:?}");
});
