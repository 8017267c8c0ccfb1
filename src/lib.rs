//! Grades Docker course exercises by building and running them on a real Docker Engine.
//!
//! A probe asks the engine one question about a submission and answers with named facts. A rubric
//! puts points on expectations, predicates on facts. Judging is a pure function of rubric and
//! recorded evidence, so every score can be explained, argued about and computed again.
//!
//! ```text
//! submission ──▶ plan ──▶ observe ──▶ evidence ──▶ judge ──▶ gradebook ──▶ reports
//! ```
//!
//! Modules import lower floors or their own folder only; `tests/floors.rs` holds them to it.

// Floor 0: words that everything shares.
pub mod ask;
pub mod context;
pub mod document;
pub mod fact;
pub mod file;
pub mod nonce;
pub mod recipe;
pub mod sift;
pub mod unit;

// Floor 1: the engine and the wall before it, predicates on facts, what is handed in.
pub mod archive;
pub mod engine;
pub mod expect;
pub mod policy;
pub mod submission;

// Floor 2: what is asked, what was answered, where it is tried, what must not be in an image.
pub mod evidence;
pub mod leak;
pub mod rubric;
pub mod sandbox;

// Floor 3: the verdict, and what the submission's own commands do.
pub mod judge;
pub mod play;

// Floor 4: the kinds of question, what is made of a verdict, and a class.
pub mod probe;
pub mod report;
pub mod roster;

// Floor 5: a rubric bound to the kinds, and what a workflow on GitHub is told.
pub mod github;
pub mod plan;

// Floor 6: asking.
pub mod observe;

// Floor 7: one submission from beginning to end.
pub mod session;

// Floor 8: a class, and a course's exercises: begun, and proven.
pub mod batch;
pub mod selftest;
pub mod skeleton;

// Floor 9: the command line.
pub mod cli;
