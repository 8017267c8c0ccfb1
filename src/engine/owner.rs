//! Who owns what a run made: one process, named so that nobody else is ever taken for it.

use std::fmt;
use std::str::FromStr;

/// A process of this or another boot: `<boot id>:<pid namespace>:<pid>:<start time>`. A process id
/// alone is used again; with its start time (clock ticks since boot) and the boot it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    boot: String,
    namespace: String,
    pid: u32,
    started: u64,
}

/// Whether an owner still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerLife {
    /// It runs.
    Alive,
    /// It is gone: what it owned may be removed.
    Dead,
    /// It cannot be told from here: another machine or namespace, or no /proc.
    Unknown,
}

impl Owner {
    /// This process; none where there is no /proc.
    pub fn this_process() -> Option<Self> {
        let pid = std::process::id();
        Some(Self {
            boot: boot_id()?,
            namespace: pid_namespace()?,
            pid,
            started: start_time(&read_stat(pid).ok()?)?,
        })
    }

    /// Looks in /proc, which shows the processes of every user.
    pub fn is_alive(&self) -> OwnerLife {
        match (boot_id(), pid_namespace()) {
            // What another boot of this machine started is gone; but another machine has another
            // boot id, too, and one engine may serve both. So that stays unknown.
            (Some(boot), Some(namespace)) if boot == self.boot && namespace == self.namespace => {}
            _ => return OwnerLife::Unknown,
        }
        match read_stat(self.pid) {
            Ok(stat) if start_time(&stat) == Some(self.started) => OwnerLife::Alive,
            Ok(_) => OwnerLife::Dead,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && proc_shows_all() => {
                OwnerLife::Dead
            }
            Err(_) => OwnerLife::Unknown,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { boot, namespace, pid, started } = self;
        write!(f, "{boot}:{namespace}:{pid}:{started}")
    }
}

/// The text is no owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no owner of a run")]
pub struct NoOwner(String);

impl FromStr for Owner {
    type Err = NoOwner;

    fn from_str(text: &str) -> Result<Self, NoOwner> {
        let wrong = || NoOwner(text.to_owned());
        let parts: Vec<&str> = text.split(':').collect();
        let &[boot, namespace, pid, started] = parts.as_slice() else {
            return Err(wrong());
        };
        Ok(Self {
            boot: boot.to_owned(),
            namespace: namespace.to_owned(),
            pid: pid.parse().map_err(|_| wrong())?,
            started: started.parse().map_err(|_| wrong())?,
        })
    }
}

fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// The inode in `pid:[4026531836]`.
fn pid_namespace() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let inode = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?;
    Some(inode.to_owned())
}

fn read_stat(pid: u32) -> std::io::Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
}

/// Field 22 of `stat`. The second one is the program's name in brackets, which may itself hold
/// spaces and brackets.
fn start_time(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// With `hidepid`, another user's process looks as if it were not there; then so does process 1.
fn proc_shows_all() -> bool {
    std::path::Path::new("/proc/1/stat").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_survives_a_round_trip() {
        let owner = Owner::this_process().expect("a /proc");
        assert_eq!(owner.is_alive(), OwnerLife::Alive);
        assert_eq!(owner.to_string().parse(), Ok(owner));
    }

    #[test]
    fn a_process_that_ended_is_dead() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("started");
        let stat = read_stat(child.id()).expect("there");
        let owner = Owner {
            pid: child.id(),
            started: start_time(&stat).expect("a start"),
            ..Owner::this_process().expect("a /proc")
        };
        assert_eq!(owner.is_alive(), OwnerLife::Alive);
        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert_eq!(owner.is_alive(), OwnerLife::Dead);
    }

    #[test]
    fn a_later_process_with_the_same_id_is_another() {
        let mut owner = Owner::this_process().expect("a /proc");
        owner.started += 1;
        assert_eq!(owner.is_alive(), OwnerLife::Dead);
    }

    #[test]
    fn another_boot_or_namespace_cannot_be_told() {
        let owner = Owner::this_process().expect("a /proc");
        let other_boot = Owner { boot: "x".to_owned(), ..owner.clone() };
        let other_namespace = Owner { namespace: "1".to_owned(), ..owner };
        assert_eq!(other_boot.is_alive(), OwnerLife::Unknown);
        assert_eq!(other_namespace.is_alive(), OwnerLife::Unknown);
    }

    #[test]
    fn a_program_s_name_may_hold_brackets() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 2";
        assert_eq!(start_time(stat), Some(4242));
    }

    #[test]
    fn what_is_no_owner_is_refused() {
        assert!("nonsense".parse::<Owner>().is_err());
        assert!("a:b:c:d".parse::<Owner>().is_err());
    }
}
