//! Submissions from real servers on the loopback interface: git's own smart HTTP behind TLS, git's
//! daemon, an ssh server, and servers that are slow, silent, full, or send one elsewhere.
//!
//! Needs `git` with its http-backend and daemon, but no engine.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says what it expected"
)]

mod command;
mod ends;
mod lab;
mod places;
mod secrets;
mod server;
mod signals;
mod ssh;
mod web;
