//! Grades submissions of a Docker course by observing them on a real engine.

pub mod engine;
