//! A class: each student an island, graded so many at a time, kept as it comes, and gone on with
//! wherever it was stopped.
//!
//! | file | what is in it |
//! |---|---|
//! | `run`, `task`, `patience` | grading: all, one, and what is tried again |
//! | `observer`, `leftovers` | where submissions are observed, and what others left there |
//! | `store`, `register` | a class's folder: evidence, and who is in it |
//! | `books`, `tally` | its reports |
//! | `shard`, `merge` | one class on several machines |
//! | `regrade` | new scores from old evidence |
//! | `news` | what is told meanwhile |

mod books;
mod leftovers;
mod merge;
mod news;
mod observer;
mod patience;
mod register;
mod regrade;
mod run;
mod shard;
mod store;
mod tally;
mod task;

pub use books::{Books, BooksError, reports};
pub use leftovers::clear as clear_leftovers;
pub use merge::{Duplicate, Merge, MergeError, Merged};
pub use news::{End, News};
pub use observer::{Engines, Listen, Observer, places};
pub use patience::Patience;
pub use register::{Enrolled, Register};
pub use regrade::{Moved, Outcome, Regraded, Told, class as regrade_class, loose, write_beside};
pub use run::{Batch, Ended};
pub use shard::{NoShard, Shard};
pub use store::{Absence, AbsenceKind, Kept, Store, StoreError};
pub use tally::{Owed, Tally};
