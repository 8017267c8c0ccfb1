//! The policy on the wire: before a made-up engine, and before the real one with the real docker CLI.
//!
//! The real ones have to be there, with the image `busybox`: without them these tests fail, and do
//! not pass by skipping.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bench;
mod builds;
mod engine;
mod images;
mod wire;
