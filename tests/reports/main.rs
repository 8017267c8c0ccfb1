//! Reports: goldens of each format, the JSON Schemas, and hostile texts through all of them.
//!
//! `INSTA_UPDATE=always cargo test --test reports` writes goldens and schemas anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod fixture;
mod golden;
mod hostile;
mod schema;
mod xml;
