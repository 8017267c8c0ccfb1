//! The rules of a `.dockerignore`, and paths that they are asked about: the text's own lines, too.
#![no_main]

use grade::submission::IgnoreRules;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(rules) = IgnoreRules::parse(&text) else { return };
    for path in ["Dockerfile", "a/b/c.txt", ".env"].into_iter().chain(text.lines().take(4)) {
        // Without an exception, all that lies in a folder is ignored with it.
        if rules.ignores(path) && !rules.has_exceptions() {
            assert!(rules.ignores(&format!("{path}/below")), "{path:?}");
        }
    }
});
