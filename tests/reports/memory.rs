//! A class of any size takes the same memory: what is written is not kept.

use std::process::Command;

use grade::report::View;
use grade::report::class::CLASS_FORMATS;

use crate::class::{class, full, graded, student};
use crate::fixture::missed;

/// Set where the test runs itself as a process of its own: how many students it writes there.
const SIZE: &str = "GRADE_TEST_CLASS_SIZE";

/// The most memory that a process took which wrote every report of a class of that size, in kB.
fn peak(size: usize) -> u64 {
    let test = ["--exact", "memory::six_hundred_students_take_the_memory_of_sixty", "--nocapture"];
    let child = Command::new(std::env::current_exe().unwrap())
        .args(test)
        .env(SIZE, size.to_string())
        .output()
        .unwrap();
    let told = String::from_utf8(child.stdout).unwrap();
    let peak = told.lines().find_map(|line| line.strip_prefix("peak "));
    peak.unwrap_or_else(|| panic!("{told}")).parse().unwrap()
}

#[test]
fn six_hundred_students_take_the_memory_of_sixty() {
    if let Ok(size) = std::env::var(SIZE) {
        return write_and_tell_the_peak(size.parse().unwrap());
    }
    let (few, many) = (peak(60), peak(600));
    assert!(many * 10 < few * 12, "{few} kB for 60, {many} kB for 600");
}

#[expect(clippy::print_stdout, reason = "it is how the process answers")]
fn write_and_tell_the_peak(size: usize) {
    let class = class();
    let mut reports: Vec<_> = CLASS_FORMATS
        .iter()
        .map(|format| (format.open)(&class, &View::default(), Box::new(std::io::sink())).unwrap())
        .collect();
    for number in 0..size {
        let id = format!("s{number:04}");
        let mut entry = full(&id);
        for mark in &mut entry.grade.marks {
            mark.verdict = missed();
            mark.feedback.log = Some(format!("{id} {}\n", "x".repeat(80)).repeat(30));
        }
        let row = graded(student(&id, "Ada"), entry, Default::default());
        for report in &mut reports {
            report.row(&row).unwrap();
        }
    }
    for report in reports {
        report.finish().unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    print!("\npeak {}\n", peak.trim().trim_end_matches(" kB"));
}
