//! A class's folder on disk: what was observed of each submission, whole or not at all.
//!
//! The evidence of a submission is the one thing that cannot be made again. It says what it was
//! taken of, by which rubric and how, so that it is also the mark that this work is done; nothing
//! else has to agree with it. Everything else in a class's folder is made from it.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::evidence::{self, Evidence, EvidenceError};
use crate::file;

const STUDENTS: &str = "students";
const EVIDENCE: &str = "evidence.json";
const ABSENCE: &str = "absence.json";
const LOCK: &str = ".lock";
const WORK: &str = ".work";

/// A class's folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process writes there.
    #[error("{path} is in use: a batch, a merge or a regrade is at work there")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("failed to use {path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file there is not what it should be.
    #[error("{path} is not what a batch writes: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// No batch has been there.
    #[error("{path} is no class's folder: it has no class.json, which `grade batch` writes")]
    NoClass {
        /// The folder.
        path: PathBuf,
    },
    /// Evidence could not be stored.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// Why there is no submission to grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Whose doing it is.
    pub kind: AbsenceKind,
    /// Why, in a sentence.
    pub because: String,
}

/// Whose doing an absence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbsenceKind {
    /// Nothing was handed in, or nothing that can be read as a submission.
    Missing,
    /// It could not be had, by what may be our side.
    Unreached,
}

/// What is kept of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing so far.
    Nothing,
    /// What was observed of it.
    Evidence(Box<Evidence>),
    /// Why there is none. Evidence of an earlier state may lie beside it.
    Absent(Absence),
}

/// A class's folder.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held as long as this lives, and let go by the system however the process ends.
    _lock: Option<File>,
}

impl Store {
    /// Opens a class's folder for writing, made where it is missing, and clears away what a killed
    /// process left half done.
    ///
    /// # Errors
    /// When another process writes there, or the file system says no.
    pub fn open(root: &Path) -> Result<Store, StoreError> {
        let failed = |source| StoreError::File { path: root.to_owned(), source };
        std::fs::create_dir_all(root.join(STUDENTS)).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(LOCK))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: root.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let store = Store { root: root.to_owned(), _lock: Some(lock) };
        store.clear().map_err(failed)?;
        Ok(store)
    }

    /// Looks at a class's folder without touching it. Whoever writes there writes whole files, so
    /// that each of them can be read at any time.
    pub fn look(root: &Path) -> Store {
        Store { root: root.to_owned(), _lock: None }
    }

    /// Whether some process writes in this folder now.
    pub fn is_in_use(&self) -> bool {
        let lock = File::open(self.root.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn clear(&self) -> io::Result<()> {
        self.clear_work()?;
        file::sweep(&self.root)?;
        for entry in std::fs::read_dir(self.root.join(STUDENTS))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                file::sweep(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes what was fetched.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn clear_work(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(self.root.join(WORK)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A folder for what is fetched, made where it is missing.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn work(&self) -> Result<PathBuf, StoreError> {
        let path = self.root.join(WORK);
        // Nobody else is to read what students hand in, were they told the path.
        match DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(StoreError::File { path, source }),
        }
    }

    /// The class's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file for the whole class.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder of a submission.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(STUDENTS).join(name)
    }

    /// What is kept of a submission.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> Result<Kept, StoreError> {
        let folder = self.folder(name);
        let path = folder.join(ABSENCE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Kept::Absent)
                .map_err(|error| StoreError::Format { path, message: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(self.evidence(name)?.map_or(Kept::Nothing, |one| Kept::Evidence(Box::new(one))))
            }
            Err(source) => Err(StoreError::File { path, source }),
        }
    }

    /// The evidence of a submission, also where it has been absent since.
    ///
    /// # Errors
    /// When there is some that cannot be read.
    pub fn evidence(&self, name: &str) -> Result<Option<Evidence>, StoreError> {
        match evidence::read(&self.folder(name).join(EVIDENCE)) {
            Ok(evidence) => Ok(Some(evidence)),
            Err(EvidenceError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps evidence. From then on the submission is graded, whatever becomes of this process.
    ///
    /// # Errors
    /// When the file system says no; what was kept before is then untouched.
    pub fn keep(&self, name: &str, evidence: &Evidence) -> Result<(), StoreError> {
        evidence::write(&self.make(name)?.join(EVIDENCE), evidence)?;
        self.present(name)
    }

    /// Keeps that there is no submission. Evidence of an earlier state stays beside it.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn keep_absence(&self, name: &str, absence: &Absence) -> Result<(), StoreError> {
        let path = self.make(name)?.join(ABSENCE);
        let failed = |source| StoreError::File { path: path.clone(), source };
        let mut bytes = serde_json::to_vec_pretty(absence).map_err(|e| failed(e.into()))?;
        bytes.push(b'\n');
        file::update_whole(&path, &bytes).map(drop).map_err(failed)
    }

    /// Forgets an absence: the submission could be had.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn present(&self, name: &str) -> Result<(), StoreError> {
        let path = self.folder(name).join(ABSENCE);
        file::remove(&path).map_err(|source| StoreError::File { path, source })
    }

    /// Puts what cannot be read out of the way, where an instructor may look at it.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn set_aside(&self, name: &str) -> Result<(), StoreError> {
        let path = self.folder(name).join(EVIDENCE);
        self.present(name)?;
        match std::fs::rename(&path, path.with_extension("unreadable.json")) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::File { path, source })
            }
            _ => Ok(()),
        }
    }

    /// Copies what is kept of a submission from another class's folder, in place of what is here.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn take_over(&self, from: &Store, theirs: &str, ours: &str) -> Result<(), StoreError> {
        let folder = self.make(ours)?;
        // The evidence first: with the other's absence beside it, it would not count.
        for name in [EVIDENCE, ABSENCE] {
            let path = folder.join(name);
            let copied = match std::fs::read(from.folder(theirs).join(name)) {
                Ok(bytes) => file::update_whole(&path, &bytes).map(drop),
                Err(error) if error.kind() == io::ErrorKind::NotFound => file::remove(&path),
                Err(error) => Err(error),
            };
            copied.map_err(|source| StoreError::File { path, source })?;
        }
        Ok(())
    }

    /// The folder of a submission, made where it is missing.
    fn make(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder(name);
        match file::make_folder(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(StoreError::File { path, source }),
        }
    }
}
