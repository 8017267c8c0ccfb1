//! A class's roster: a table, or a TOML where the first byte is even. Its mistakes are shown with their places.
#![no_main]

use grade::roster::{RosterOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let name = if first % 2 == 0 { "roster.toml" } else { "roster.csv" };
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    match read(&path, &RosterOptions::default()) {
        Ok(roster) => drop(format!("{roster:?}")),
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.to_string().is_empty());
            }
        }
    }
});
