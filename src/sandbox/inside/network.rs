//! What may come in from outside.

use std::io;
use std::process::{Command, Stdio};

/// Lets nothing in that was not asked for. Sandboxes with a way to the outside are on one bridge of the engine
/// around them: what a submission publishes is for itself, and not for another's.
///
/// Interfaces that lead outside are named eth0 and so on by every engine; they come later, if at all. An engine
/// inside puts its own rules first in the tables `nat` and `filter`; `mangle` comes before these, and is ours.
pub(super) fn close() -> io::Result<()> {
    drop_unasked("iptables")?;
    // Not every kernel knows it. The engine at hand gives such addresses only where it was set up to.
    let _unknown = drop_unasked("ip6tables");
    Ok(())
}

fn drop_unasked(program: &str) -> io::Result<()> {
    let made = Command::new(program)
        .args(["-w", "-t", "mangle", "-A", "PREROUTING", "-i", "eth+"])
        .args(["-m", "conntrack", "--ctstate", "NEW", "-j", "DROP"])
        .stdin(Stdio::null())
        .output()?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr);
    Err(io::Error::other(format!("{program}: {}", said.trim())))
}
