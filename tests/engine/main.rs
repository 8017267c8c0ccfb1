//! The engine module against a real engine, with the image `busybox` on it.
//!
//! Both have to be there: without them these tests fail, and do not pass by skipping.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected")]

mod base_image;
mod bench;
mod build;
mod connection;
mod files;
mod health;
mod reap;
mod run;
