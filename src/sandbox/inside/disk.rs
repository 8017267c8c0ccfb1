//! A disk of a fixed size: a file system in a file, for the engine's data and the student's folders.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use rustix::fs::{FileType, Mode, mknodat};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change,
    mount_remount, unmount,
};

use crate::sandbox::protocol::{DISK, HOME, STUDENT_RUN, VOLUME};

/// The engine's data.
const DATA: &str = "/var/lib/docker";
/// What an engine keeps besides images, of which nothing may outlive a submission: the builder's
/// cache and history among it.
const OF_A_SUBMISSION: [&str; 8] =
    ["buildkit", "builder", "containers", "network", "plugins", "swarm", "tmp", "volumes"];
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

/// Removes what a submission left on the disk. The engine does not run.
pub(super) fn empty() -> io::Result<()> {
    for name in OF_A_SUBMISSION {
        empty_folder(&Path::new(DATA).join(name))?;
    }
    empty_folder(&Path::new(DISK).join("home"))
}

/// Bytes that are free.
pub(super) fn free() -> u64 {
    rustix::fs::statvfs(DISK).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)).unwrap_or(0)
}

/// Leaves the folder, as it may be mounted somewhere.
fn empty_folder(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // Some are mounts of the engine, which it left.
        let _ = unmount(entry.path(), UnmountFlags::DETACH);
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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
