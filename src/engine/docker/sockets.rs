//! The TCP sockets of a container, as its own kernel tables show them, and who holds them.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use crate::engine::container::TcpSocket;
use crate::engine::error::EngineError;

/// The tables of all sockets; then each process' owner, and what it has open.
const SHELL: &str = r#"cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || for t in tcp tcp6; do
  while read -r row; do echo "$row"; done < /proc/net/$t
done 2>/dev/null
"#;
const SHELL_HOLDERS: &str = r#"ls -ldn /proc/[0-9]* 2>/dev/null
ls -ln /proc/[0-9]*/fd 2>/dev/null
true"#;
/// The same for an image without a shell.
const PYTHON: &str = r#"
import os
for table in ("tcp", "tcp6"):
    try:
        with open(f"/proc/net/{table}") as rows:
            print(rows.read())
    except OSError:
        pass
"#;
const PYTHON_HOLDERS: &str = r#"
for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
    try:
        owner = os.stat(f"/proc/{pid}")
        print("d", 9, owner.st_uid, owner.st_gid, f"/proc/{pid}")
        print(f"/proc/{pid}/fd:")
        for number in os.listdir(f"/proc/{pid}/fd"):
            print("->", os.readlink(f"/proc/{pid}/fd/{number}"))
    except OSError:
        pass
"#;
/// The last line of all this.
const END: &str = "that is all";
/// A table that is read piece by piece, as a shell does by itself, lacks rows when sockets of other containers come and go meanwhile.
const TRIES: u32 = 10;
/// The most bytes that are read of all this.
const LIMIT: usize = 4 * 1024 * 1024;

impl Engine {
    /// The TCP sockets in a container's network, looked at until somebody is seen who listens at the port; none when nothing in it can tell.
    ///
    /// # Errors
    /// [`EngineError::Exec`] when the engine failed.
    pub async fn tcp_sockets(
        &self,
        container: &str,
        port: u16,
    ) -> Result<Option<Vec<TcpSocket>>, EngineError> {
        let seen = self.seen(container, None, SHELL, PYTHON, port).await?;
        Ok(seen.map(|seen| sockets(&seen)))
    }

    /// The processes, as numbered inside, that listen at a port or hold a connection made there.
    pub(super) async fn servers(
        &self,
        container: &str,
        port: u16,
    ) -> Result<BTreeSet<u32>, EngineError> {
        let shell = format!("{SHELL}{SHELL_HOLDERS}");
        let python = format!("{PYTHON}{PYTHON_HOLDERS}");
        let Some(seen) = self.seen(container, None, &shell, &python, port).await? else {
            return Ok(BTreeSet::new());
        };
        let found = holders(&seen, port);
        if !found.is_empty() {
            return Ok(found);
        }
        // What another user has open only that user sees.
        for user in owners(&seen, port) {
            let seen = self.seen(container, Some(&user), &shell, &python, port).await?;
            let found = seen.map(|seen| holders(&seen, port));
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                return Ok(found);
            }
        }
        Ok(BTreeSet::new())
    }

    /// What a script tells, to its end; none when nothing in the container can run it.
    async fn seen(
        &self,
        container: &str,
        user: Option<&str>,
        shell: &str,
        python: &str,
        port: u16,
    ) -> Result<Option<String>, EngineError> {
        let shell = format!("{shell}\necho {END}");
        let python = format!("{python}\nprint(\"{END}\")");
        let mut whole = None;
        for _ in 0..TRIES {
            let report = self.run_any(container, user, &shell, &python, LIMIT).await?;
            let Some(report) = report else { return Ok(None) };
            let seen = report.stdout.text();
            if seen.lines().any(|line| line == END) {
                if sockets(&seen).iter().any(|socket| socket.listens && socket.port == port) {
                    return Ok(Some(seen));
                }
                whole = Some(seen);
            }
        }
        Ok(whole)
    }
}

/// The rows of the kernel's tables in a text.
fn sockets(text: &str) -> Vec<TcpSocket> {
    text.lines().filter_map(socket).collect()
}

fn socket(row: &str) -> Option<TcpSocket> {
    let columns: Vec<&str> = row.split_whitespace().collect();
    let [number, local, _, state, queues, _, _, user, _, inode, ..] = columns[..] else {
        return None;
    };
    number.strip_suffix(':')?.parse::<u32>().ok()?;
    Some(TcpSocket {
        port: u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?,
        listens: state == "0A",
        unread: u32::from_str_radix(queues.split_once(':')?.1, 16).ok()?,
        user: user.parse().ok()?,
        inode: inode.parse().ok()?,
    })
}

/// The processes that have a socket open whose own port is this one, if anybody listens there.
fn holders(text: &str, port: u16) -> BTreeSet<u32> {
    let here: Vec<TcpSocket> =
        sockets(text).into_iter().filter(|socket| socket.port == port).collect();
    if !here.iter().any(|socket| socket.listens) {
        return BTreeSet::new();
    }
    let inodes: BTreeSet<u64> =
        here.iter().map(|socket| socket.inode).filter(|inode| *inode != 0).collect();
    let mut found = BTreeSet::new();
    let mut process: Option<u32> = None;
    for line in text.lines() {
        if let Some(pid) = line.strip_prefix("/proc/").and_then(|rest| rest.strip_suffix("/fd:")) {
            process = pid.parse().ok();
        } else if let Some((_, target)) = line.split_once("-> socket:[")
            && let Ok(inode) = target.trim_end_matches(']').parse()
            && inodes.contains(&inode)
        {
            found.extend(process);
        }
    }
    found
}

/// The users with their groups, as `uid:gid`, whose processes may hold what listens at a port.
fn owners(text: &str, port: u16) -> BTreeSet<String> {
    let listening = sockets(text).into_iter().filter(|one| one.listens && one.port == port);
    let users: BTreeSet<u32> = listening.map(|socket| socket.user).collect();
    let mut owners: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        if let [_, _, user, group, .., path] = columns[..]
            && path.starts_with("/proc/")
            && let (Ok(user), Ok(group)) = (user.parse::<u32>(), group.parse::<u32>())
        {
            owners.entry(user).or_default().insert(format!("{user}:{group}"));
        }
    }
    users.iter().filter_map(|user| owners.remove(user)).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: &str = "\
sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
0: 00000000:1F40 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 4711 1 0000 100 0 0 10 0
1: 0100007F:1F40 0100007F:C350 08 00000000:00000013 00:00000000 00000000     0        0 0 1 0000 20 4 0 10 -1
2: 0100007F:C350 0100007F:1F40 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0000
dr-xr-xr-x    9 0        0                0 Dec  1 03:00 /proc/1
dr-xr-xr-x    9 1000     50               0 Dec  1 03:00 /proc/7
/proc/1/fd:
lrwx------    1 0        0               64 Dec  1 03:00 0 -> /dev/null
/proc/7/fd:
lrwx------    1 1000     50              64 Dec  1 03:00 3 -> socket:[4711]
lrwx------    1 1000     50              64 Dec  1 03:00 4 -> socket:[4712]
";

    #[test]
    fn who_listens_holds_the_socket() {
        assert_eq!(holders(SEEN, 8000), [7].into());
        assert_eq!(holders(SEEN, 50_000), [].into());
        assert_eq!(owners(SEEN, 8000), ["1000:50".to_owned()].into());
    }

    #[test]
    fn what_was_sent_and_not_read_is_seen() {
        let seen: Vec<(u16, bool, u32)> =
            sockets(SEEN).iter().map(|one| (one.port, one.listens, one.unread)).collect();
        assert_eq!(seen, [(8000, true, 2), (8000, false, 19), (50_000, false, 0)]);
    }
}
