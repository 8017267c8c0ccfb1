//! Every exercise, proven both ways on the real engine by `grade selftest`: solutions and correct
//! styles score full marks, the starter scores little, each flawed sample loses exactly what is
//! stated of it.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

#[test]
fn every_exercise_is_proven_both_ways() {
    // What it prints is for whoever mends a difference, so it is not held back.
    let ended = Command::new(env!("CARGO_BIN_EXE_grade"))
        .args(["selftest", "--color", "never"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("the command starts");
    assert!(ended.success(), "grade selftest: {ended}");
}
