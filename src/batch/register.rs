//! The register of a class's folder: who is in the class and what was wanted of it, so that grades
//! can be put together, or made anew, without the roster.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shard::Shard;
use super::store::{Store, StoreError};
use crate::file::update_whole;
use crate::judge::{Decision, LatePolicy, Points, Student};
use crate::roster::Roster;

/// The name of its file.
const FILE: &str = "class.json";
/// The format this version writes.
const FORMAT: &str = "grade/class/v1";

/// A class as a batch had it from its roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// What the class is called.
    pub title: Option<String>,
    /// The exercise.
    pub assignment: String,
    /// When submissions are due.
    pub due: Option<Timestamp>,
    /// What being late costs.
    pub late: Option<LatePolicy>,
    /// The digest of the rubric that evidence of an earlier one was regraded by: it need not be
    /// taken anew.
    pub regraded_by: Option<String>,
    /// The part of the class that this folder is for; all of it where there is none.
    pub shard: Option<Shard>,
    /// Evidence that was taken before does not count: everybody was to be graded again.
    pub afresh_since: Option<Timestamp>,
    /// The students, in the roster's order.
    pub members: Vec<Enrolled>,
}

/// A student of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// Who.
    pub student: Student,
    /// The folder of their submission, which others may share, or why there is none.
    pub folder: Result<String, String>,
    /// When it is due, for them.
    pub due: Option<Timestamp>,
    /// What the instructor has decided.
    pub decision: Option<Decision>,
}

impl Register {
    /// A class by its roster.
    pub fn of(roster: &Roster, assignment: &str, shard: Option<Shard>) -> Register {
        let mut folders: Vec<Option<String>> = vec![None; roster.members.len()];
        for work in roster.works() {
            for index in work.members {
                folders[index] = Some(work.folder.clone());
            }
        }
        let members = roster.members.iter().zip(folders).map(|(member, folder)| Enrolled {
            student: member.student.clone(),
            folder: match (folder, &member.source) {
                (Some(folder), _) => Ok(folder),
                (None, Err(because)) => Err(because.clone()),
                (None, Ok(_)) => Err("the roster names no submission".into()),
            },
            due: member.due,
            decision: member.decision.clone(),
        });
        Register {
            title: roster.title.clone(),
            assignment: assignment.to_owned(),
            due: roster.due,
            late: roster.late,
            regraded_by: None,
            shard,
            afresh_since: None,
            members: members.collect(),
        }
    }

    /// Where the folder keeps the rubric that it was graded by.
    pub fn rubric(&self, store: &Store) -> PathBuf {
        store.path(&format!("{}.toml", self.assignment))
    }

    /// The students that this folder is for, in the roster's order.
    pub fn here(&self) -> Vec<&Enrolled> {
        let Some(shard) = self.shard else { return self.members.iter().collect() };
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for member in &self.members {
            groups.entry(member.key()).or_default().push(&member.student.id);
        }
        let is_here = |member: &&Enrolled| {
            groups.get(member.key()).is_some_and(|ids| shard.holds(ids.iter().copied()))
        };
        self.members.iter().filter(is_here).collect()
    }

    /// Reads a class's register.
    ///
    /// # Errors
    /// When the folder is none of a class, or the register cannot be read.
    pub fn read(store: &Store) -> Result<Register, StoreError> {
        let path = store.path(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::NoClass { path: store.root().to_owned() });
            }
            Err(source) => return Err(StoreError::File { path, source }),
        };
        let wrong = |message| StoreError::Format { path: path.clone(), message };
        let file: ClassV1 =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if file.format != FORMAT {
            return Err(wrong(format!("it says {}", file.format)));
        }
        file.into_register().map_err(wrong)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write(&self, store: &Store) -> Result<(), StoreError> {
        let path = store.path(FILE);
        let failed = |source| StoreError::File { path: path.clone(), source };
        let mut bytes =
            serde_json::to_vec_pretty(&ClassV1::of(self)).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        update_whole(&path, &bytes).map(drop).map_err(failed)
    }
}

impl Enrolled {
    /// What those who share a submission have in common, and nobody else.
    fn key(&self) -> &str {
        self.folder.as_ref().map_or(self.student.id.as_str(), String::as_str)
    }
}

/// The register as it is written; copies of our own types, so that those may change.
#[derive(Debug, Serialize, Deserialize)]
struct ClassV1 {
    format: String,
    title: Option<String>,
    assignment: String,
    due: Option<Timestamp>,
    late: Option<LateV1>,
    regraded_by: Option<String>,
    shard: Option<String>,
    afresh_since: Option<Timestamp>,
    members: Vec<MemberV1>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LateV1 {
    grace_seconds: u64,
    per_day: u32,
    cap: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct MemberV1 {
    id: String,
    name: Option<String>,
    username: Option<String>,
    github_id: Option<String>,
    email: Option<String>,
    section: Option<String>,
    group: Option<String>,
    folder: Option<String>,
    because: Option<String>,
    due: Option<Timestamp>,
    decision: Option<DecisionV1>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DecisionV1 {
    /// Hundredths of a point.
    counts_hundredths: Option<u64>,
    excused: bool,
    due: Option<Timestamp>,
    reason: String,
}

impl ClassV1 {
    fn of(register: &Register) -> ClassV1 {
        ClassV1 {
            format: FORMAT.into(),
            title: register.title.clone(),
            assignment: register.assignment.clone(),
            due: register.due,
            late: register.late.map(|late| LateV1 {
                grace_seconds: late.grace.as_secs(),
                per_day: late.per_day,
                cap: late.cap,
            }),
            regraded_by: register.regraded_by.clone(),
            shard: register.shard.map(|shard| shard.to_string()),
            afresh_since: register.afresh_since,
            members: register.members.iter().map(MemberV1::of).collect(),
        }
    }

    fn into_register(self) -> Result<Register, String> {
        let shard = self.shard.map(|shard| shard.parse::<Shard>()).transpose();
        Ok(Register {
            title: self.title,
            assignment: self.assignment,
            due: self.due,
            late: self.late.map(|late| LatePolicy {
                grace: Duration::from_secs(late.grace_seconds),
                per_day: late.per_day,
                cap: late.cap,
            }),
            regraded_by: self.regraded_by,
            shard: shard.map_err(|error| error.to_string())?,
            afresh_since: self.afresh_since,
            members: self.members.into_iter().map(MemberV1::into_member).collect(),
        })
    }
}

impl MemberV1 {
    fn of(member: &Enrolled) -> MemberV1 {
        let Student { id, name, username, github_id, email, section, group } =
            member.student.clone();
        MemberV1 {
            id,
            name,
            username,
            github_id,
            email,
            section,
            group,
            folder: member.folder.clone().ok(),
            because: member.folder.clone().err(),
            due: member.due,
            decision: member.decision.clone().map(|decision| DecisionV1 {
                counts_hundredths: decision.counts.map(|points| points.0),
                excused: decision.excused,
                due: decision.due,
                reason: decision.reason,
            }),
        }
    }

    fn into_member(self) -> Enrolled {
        let MemberV1 { id, name, username, github_id, email, section, group, .. } = self;
        Enrolled {
            student: Student { id, name, username, github_id, email, section, group },
            folder: self.folder.ok_or(self.because.unwrap_or_default()),
            due: self.due,
            decision: self.decision.map(|decision| Decision {
                counts: decision.counts_hundredths.map(Points),
                excused: decision.excused,
                due: decision.due,
                reason: decision.reason,
            }),
        }
    }
}
