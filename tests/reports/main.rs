//! Reports: goldens of each format, the JSON Schemas, and hostile texts through all of them.
//!
//! `INSTA_UPDATE=always cargo test --test reports` writes goldens and schemas anew.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod browser;
mod class;
mod class_golden;
mod class_hostile;
mod feedback;
mod fixture;
mod golden;
mod hostile;
mod memory;
mod page;
mod schema;
mod systems;
mod xml;
