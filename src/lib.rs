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
pub mod document;
pub mod fact;
pub mod nonce;
pub mod recipe;
pub mod unit;

// Floor 1: predicates on facts.
pub mod expect;

// Floor 2: what is asked, and what was answered.
pub mod evidence;
pub mod rubric;

// Floor 3: the verdict.
pub mod judge;

// Floor 4: what is made of the verdict.
pub mod report;
