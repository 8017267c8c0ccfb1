//! Looking for a needle in everything an image holds: every layer, also what later layers delete,
//! file names, links, and the configuration. Streamed; nothing is written to disk.

mod archive;
mod needle;

pub use archive::{Haystack, LeakError, search};
pub use needle::Needle;
