//! The whole command, as its users start it: what it prints, writes, leaves behind, and exits with.
//!
//! Most of it needs a Docker Engine with the course's base images: run `ci/setup`.
//! `INSTA_UPDATE=always cargo test --test command` writes the goldens anew.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says what it expected"
)]

mod batch;
mod check;
mod choose;
mod faults;
mod hostile;
mod lab;
mod leave;
mod proxy;
mod roster;
mod support;
mod words;
