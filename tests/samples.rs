//! Every exercise, proven both ways on the real engine by `grade selftest`: the solution and a correct
//! style score full marks, the starter scores little, each probe is lost by a sample that loses
//! exactly what is stated of it. All samples take much longer: `grade selftest` without `--quick`.

use std::process::Command;

#[test]
fn every_exercise_is_proven_both_ways() {
    // What it prints is for whoever mends a difference, so it is not held back.
    let ended = Command::new(env!("CARGO_BIN_EXE_grade"))
        .args(["selftest", "--quick", "--color", "never"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("the command starts");
    assert!(ended.success(), "grade selftest: {ended}");
}
