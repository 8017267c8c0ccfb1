//! Looking for a needle in everything an image holds: every layer, also what later layers delete,
//! file names, links, the configuration, and what is compressed or encoded in any of the files. Streamed; nothing is written to disk.

mod archive;
mod bounds;
mod forms;
mod needle;
mod rows;
mod sieve;
mod unfold;

pub use archive::{Haystack, LeakError, search};
pub use needle::Needle;
