//! A class without an engine: what is graded when, kept where, tried again how often, and made of
//! what is kept. The engine is played by `fake`; what needs a real one is in `tests/command`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says what it expected"
)]

mod class;
mod fake;
mod merging;
mod regrading;
mod running;
mod standing;
mod stopping;
