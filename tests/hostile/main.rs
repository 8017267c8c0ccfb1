//! What submissions do to the grader on purpose, and what must come of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod attacks;
mod faults;
