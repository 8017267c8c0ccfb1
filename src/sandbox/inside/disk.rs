//! A disk of a fixed size: a file system in a file, for the engine's data and the student's folders.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use rustix::fs::{FileType, Mode, mknodat};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change,
    mount_remount, unmount,
};

use crate::sandbox::protocol::{DISK, HOME, PROGRAMS, STUDENT_RUN, VOLUME};

/// The engine's data.
pub(super) const DATA: &str = "/var/lib/docker";
/// The data of the engine's other half.
const CONTAINERD: &str = "/var/lib/containerd";
/// What a sandbox needs besides its disk, in memory: sockets, the engine's notes on what runs, logs.
const SCRATCH: [(&str, &str); 2] =
    [("/run", "mode=755,size=128m,nr_inodes=64k"), ("/tmp", "mode=1777,size=16m")];
/// Where programs look for name servers.
const RESOLVER: &str = "/etc/resolv.conf";
/// The engine's own address on its own network. As a name server, where there is no other, it says
/// at once that nobody is there; one that does not answer costs each look-up ten seconds.
pub(super) const ADDRESS: &str = "198.18.0.1";
/// File systems that hold no files of the machine's.
const VIRTUAL: [&str; 8] =
    ["cgroup", "cgroup2", "devpts", "mqueue", "nsfs", "proc", "sysfs", "tmpfs"];
/// Loop devices that are tried: the first free one can be another sandbox's a moment later.
const TRIES: u32 = 8;

/// Makes and mounts the disk, with a place for the engine and one for the student's folders.
pub(super) fn make(size: u64) -> io::Result<()> {
    let image = Path::new(VOLUME).join("disk");
    // Sparse: it takes what is written to it.
    File::create(&image)?.set_len(size)?;
    let image = image.display().to_string();
    let mut words = vec!["-q", "-F", "-m", "0", "-i", "16384", "-O", FEATURES, "-E", EXTRA];
    words.push(&image);
    run("mkfs.ext4", &words)?;
    fs::create_dir_all(DISK)?;
    mount_loop(&image)?;
    let bound = |name: &str, to: &str| {
        let from = Path::new(DISK).join(name);
        fs::create_dir_all(&from)?;
        fs::create_dir_all(to)?;
        mount_bind(from, to).map_err(io::Error::from)
    };
    bound("docker", DATA)?;
    bound("containerd", CONTAINERD)?;
    bound("home", HOME)?;
    // The engine follows a path into the student's folder when it mounts it, and a link there could
    // be changed at the last moment: on this mount, links lead nowhere.
    let quiet = MountFlags::BIND | MountFlags::from_bits_retain(NOSYMFOLLOW);
    mount_remount(HOME, quiet | MountFlags::NODEV | MountFlags::NOSUID, "")?;
    fs::create_dir_all(STUDENT_RUN)?;
    // Else a mount that is to follow its source (`bind-propagation=rslave`) is refused.
    let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    Ok(mount_change("/", shared)?)
}

/// `MS_NOSYMFOLLOW` of Linux 5.10 and newer.
const NOSYMFOLLOW: u32 = 256;
/// Nothing of it is ever to survive a crash, nor to grow.
const FEATURES: &str = "^has_journal,^metadata_csum,^resize_inode";
/// Zeroes are written when they are needed.
const EXTRA: &str = "lazy_itable_init=1,nodiscard";

/// Gives the sandbox files of its own in memory, before anything else is there.
pub(super) fn scratch() -> io::Result<()> {
    for (folder, options) in SCRATCH {
        let options = std::ffi::CString::new(options)?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        mount("tmpfs", folder, "tmpfs", flags, options.as_c_str())?;
    }
    let resolver = Path::new("/run/grade-resolv.conf");
    fs::write(resolver, format!("nameserver {ADDRESS}\n"))?;
    Ok(mount_bind(resolver, RESOLVER)?)
}

/// Uncovers the machine's name servers: there is going to be a way to the outside.
pub(super) fn outside() -> io::Result<()> {
    Ok(unmount(RESOLVER, UnmountFlags::DETACH)?)
}

/// Leaves nothing that can be written but the disk, and memory that is counted.
pub(super) fn seal() -> io::Result<()> {
    // An engine makes what it is to mount and is not there. Not every image has all of them.
    for path in PROGRAMS.iter().filter(|path| !Path::new(path).exists()) {
        fs::create_dir_all(path)?;
    }
    // The disk is in use, and needs its file's name no more.
    unmount(VOLUME, UnmountFlags::DETACH)?;
    let disk = fs::metadata(DISK)?.dev();
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    for line in mounts.lines() {
        let mounted = Mounted::read(line);
        let Some(mounted) = mounted.filter(|one| !VIRTUAL.contains(&one.kind)) else { continue };
        let is_disk = fs::metadata(&mounted.at).is_ok_and(|meta| meta.dev() == disk);
        if !is_disk {
            mount_remount(&mounted.at, MountFlags::BIND | MountFlags::RDONLY, "")?;
        }
    }
    Ok(())
}

/// A line of `/proc/self/mountinfo`; see proc(5).
pub(super) struct Mounted<'a> {
    /// Where it is mounted.
    pub(super) at: String,
    /// The file system's type.
    pub(super) kind: &'a str,
    /// The file system's own options.
    pub(super) options: &'a str,
}

impl<'a> Mounted<'a> {
    pub(super) fn read(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let at = mount.split(' ').nth(4)?.replace("\\040", " ");
        let mut system = system.split(' ');
        Some(Self { at, kind: system.next()?, options: system.nth(1)? })
    }
}

/// Bytes that are free.
pub(super) fn free() -> u64 {
    rustix::fs::statvfs(DISK).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)).unwrap_or(0)
}

fn mount_loop(image: &str) -> io::Result<()> {
    node("/dev/loop-control", FileType::CharacterDevice, 10, 237)?;
    let mut last = io::Error::other("no loop device");
    for _ in 0..TRIES {
        let device = output("losetup", &["-f"])?;
        // "(lost)" follows where there is no node for it yet.
        let device = device.split_whitespace().next().unwrap_or_default();
        let number = device.strip_prefix("/dev/loop").and_then(|number| number.parse().ok());
        let Some(number) = number else {
            return Err(io::Error::other(format!("{device:?} is no loop device")));
        };
        node(device, FileType::BlockDevice, 7, number)?;
        match run("losetup", &[device, image]) {
            Ok(()) => {
                let mounted = mount(device, DISK, "ext4", MountFlags::NOATIME, None);
                // The device goes with its last use, which is the mount.
                let detached = run("losetup", &["-d", device]);
                return mounted.map_err(io::Error::from).and(detached);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn node(path: &str, kind: FileType, major: u32, minor: u32) -> io::Result<()> {
    let is_there = fs::metadata(path)
        .is_ok_and(|meta| meta.file_type().is_block_device() || meta.file_type().is_char_device());
    if is_there {
        return Ok(());
    }
    let device = rustix::fs::makedev(major, minor);
    mknodat(rustix::fs::CWD, path, kind, Mode::RUSR | Mode::WUSR, device)?;
    Ok(())
}

fn run(program: &str, arguments: &[&str]) -> io::Result<()> {
    output(program, arguments).map(drop)
}

fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
    let failed = |why: String| io::Error::other(format!("{program}: {why}"));
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// Lets anybody use a socket.
pub(super) fn open_to_all(path: &str) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))
}
