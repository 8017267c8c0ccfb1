//! A build's definition (LLB): the builder's own reading of a Dockerfile. Read, and changed exactly.

use std::collections::{BTreeMap, HashMap};

use bollard_buildkit_proto::pb::op::Op as Work;
use bollard_buildkit_proto::pb::{
    CacheOpt, CacheSharingOpt, Definition, ExecOp, FileAction, FileActionMkDir, FileOp, Input,
    Mount, MountType, Op, OpMetadata, Source, SourceInfo, SourceOp, TmpfsOpt, file_action,
};
use prost::{DecodeError, Message};
use sha2::{Digest, Sha256};

use crate::engine::build::{AddStep, Edit, MountKind, NewMount, RunMount, RunStep};

/// The frontend's name for a step.
const NAME: &str = "llb.customname";
const IMAGE: &str = "docker-image://";
const TOP: &str = "/";

/// A definition, each step after those that it needs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Graph {
    steps: Vec<Step>,
    source: Option<Source>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    digest: String,
    bytes: Vec<u8>,
    op: Op,
    metadata: Option<OpMetadata>,
}

/// One of what a step leaves: its digest, and which.
type Edge = (String, i64);

impl Graph {
    pub(super) fn read(definition: &Definition) -> Result<Self, DecodeError> {
        let steps = definition.def.iter().map(|bytes| {
            let digest = digest(bytes);
            let metadata = definition.metadata.get(&digest).cloned();
            Ok(Step { op: Op::decode(bytes.as_slice())?, bytes: bytes.clone(), digest, metadata })
        });
        let steps = steps.collect::<Result<_, DecodeError>>()?;
        Ok(Self { steps, source: definition.source.clone() })
    }

    /// Each RUN that the build is made of, triggers among them.
    pub(super) fn runs(&self) -> Vec<RunStep> {
        let runs = self.steps.iter().filter_map(|step| match &step.op.op {
            Some(Work::Exec(exec)) => Some((step, exec)),
            _ => None,
        });
        let run = |(step, exec): (&Step, &ExecOp)| RunStep {
            name: self.name(step),
            line: self.line(step),
            mounts: exec.mounts.iter().filter_map(mount).chain(secrets(exec)).collect(),
        };
        runs.map(run).collect()
    }

    /// Each source of an ADD that the build is made of.
    pub(super) fn adds(&self) -> Vec<AddStep> {
        let mut adds = Vec::new();
        for step in &self.steps {
            let Some(Work::File(file)) = &step.op.op else { continue };
            for action in &file.actions {
                let Some(file_action::Action::Copy(copy)) = &action.action else { continue };
                if copy.attempt_unpack_docker_compatibility {
                    let path = copy.src.trim_start_matches('/').to_owned();
                    let is_pattern = copy.allow_wildcard;
                    adds.push(AddStep {
                        name: self.name(step),
                        line: self.line(step),
                        path,
                        is_pattern,
                    });
                }
            }
        }
        adds
    }

    /// The definition with these changes; `None` where nothing is to be changed.
    pub(super) fn changed(&self, edit: &Edit) -> Option<Definition> {
        if *edit == Edit::default() {
            return None;
        }
        let mut changing = Changing::default();
        for step in &self.steps {
            changing.step(step, edit);
        }
        Some(changing.finish(self.source.as_ref()))
    }

    fn name(&self, step: &Step) -> String {
        let described = step.metadata.as_ref().and_then(|metadata| metadata.description.get(NAME));
        described.cloned().unwrap_or_default()
    }

    /// In the Dockerfile, from 1.
    fn line(&self, step: &Step) -> Option<u32> {
        let places = self.source.as_ref()?.locations.get(&step.digest)?;
        let start = places.locations.first()?.ranges.first()?.start.as_ref()?;
        u32::try_from(start.line).ok().filter(|line| *line > 0)
    }

    /// The image that the end result lies upon, through all stages; `None` where that is nothing.
    pub(super) fn base(&self) -> Option<String> {
        let by_digest: HashMap<&str, &Step> =
            self.steps.iter().map(|step| (step.digest.as_str(), step)).collect();
        let end = self.steps.last()?.op.inputs.first()?;
        let (mut step, mut index) = (*by_digest.get(end.digest.as_str())?, end.index);
        // Each step is after what it needs, so this ends.
        loop {
            let input = match &step.op.op {
                Some(Work::Source(SourceOp { identifier, .. })) => {
                    let reference = identifier.strip_prefix(IMAGE)?;
                    // A digest is added by the builder where it asked a registry; the name means the same image.
                    let (name, _) = reference.split_once('@').unwrap_or((reference, ""));
                    return Some(
                        if name.contains([':', '/']) { name } else { reference }.to_owned(),
                    );
                }
                Some(Work::Exec(exec)) => {
                    exec.mounts.iter().find(|mount| mount.output == index)?.input
                }
                Some(Work::File(file)) => lowest(file, step.op.inputs.len(), index)?,
                Some(Work::Merge(merge)) => merge.inputs.first()?.input,
                _ => return None,
            };
            let input = step.op.inputs.get(usize::try_from(input).ok()?)?;
            step = *by_digest.get(input.digest.as_str())?;
            index = input.index;
        }
    }
}

/// The input that an output of file actions lies upon: an action may go on from another one's result.
fn lowest(file: &FileOp, inputs: usize, output: i64) -> Option<i64> {
    let inputs = i64::try_from(inputs).ok()?;
    let mut at = file.actions.iter().position(|action| action.output == output)?;
    loop {
        let input = file.actions.get(at)?.input;
        if input < inputs {
            return Some(input);
        }
        let before = usize::try_from(input - inputs).ok()?;
        if before >= at {
            return None;
        }
        at = before;
    }
}

fn mount(mount: &Mount) -> Option<RunMount> {
    let kind = match mount.mount_type() {
        // What a RUN works upon is no mount of its own.
        MountType::Bind if mount.dest == TOP => return None,
        MountType::Bind => MountKind::Bind,
        MountType::Secret => MountKind::Secret,
        MountType::Ssh => MountKind::Ssh,
        MountType::Cache => MountKind::Cache,
        MountType::Tmpfs => MountKind::Tmpfs,
    };
    let id = match kind {
        MountKind::Secret => mount.secret_opt.as_ref().map(|secret| secret.id.clone()),
        MountKind::Ssh => mount.ssh_opt.as_ref().map(|ssh| ssh.id.clone()),
        MountKind::Cache => mount.cache_opt.as_ref().map(|cache| cache.id.clone()),
        MountKind::Bind | MountKind::Tmpfs => None,
    };
    let size = mount.tmpfs_opt.as_ref().and_then(|tmpfs| u64::try_from(tmpfs.size).ok());
    let size = size.filter(|size| *size > 0);
    Some(RunMount { kind, target: Some(mount.dest.clone()), id, size })
}

/// Secrets that a RUN has as variables; a file of the same one is a mount of its own.
fn secrets(exec: &ExecOp) -> impl Iterator<Item = RunMount> {
    exec.secretenv.iter().map(|secret| RunMount {
        kind: MountKind::Secret,
        target: None,
        id: Some(secret.id.clone()),
        size: None,
    })
}

impl MountKind {
    fn of(mount: &Mount) -> Option<Self> {
        self::mount(mount).map(|mount| mount.kind)
    }
}

/// A definition that is being written.
#[derive(Default)]
struct Changing {
    def: Vec<Vec<u8>>,
    metadata: BTreeMap<String, OpMetadata>,
    /// What a step is called now, by what it was called.
    renamed: BTreeMap<String, String>,
    /// What is left out, and what takes its place.
    left_out: HashMap<Edge, Edge>,
}

impl Changing {
    fn step(&mut self, step: &Step, edit: &Edit) {
        let mut op = step.op.clone();
        for input in &mut op.inputs {
            let mut edge = (input.digest.clone(), input.index);
            while let Some(other) = self.left_out.get(&edge) {
                edge = other.clone();
            }
            if let Some(renamed) = self.renamed.get(&edge.0) {
                edge.0.clone_from(renamed);
            }
            (input.digest, input.index) = edge;
        }
        if let Some(Work::Exec(exec)) = &mut op.op {
            let kinds = |exec: &ExecOp| -> Vec<MountKind> {
                exec.mounts
                    .iter()
                    .filter_map(MountKind::of)
                    .chain(secrets(exec).map(|one| one.kind))
                    .collect()
            };
            let has = |those: &[MountKind]| kinds(exec).iter().any(|kind| those.contains(kind));
            if has(&edit.skip) || !(edit.only.is_empty() || has(&edit.only)) {
                let exec = exec.clone();
                self.leave_out(step, &exec, &op.inputs);
                return;
            }
            for mount in &mut exec.mounts {
                let new = MountKind::of(mount).and_then(|kind| edit.mounts.get(&kind));
                if let Some(new) = new {
                    *mount = replaced(mount, new);
                }
            }
        }
        self.write(step, (op != step.op).then_some(op));
    }

    /// What a RUN would have left is what it began with.
    fn leave_out(&mut self, step: &Step, exec: &ExecOp, inputs: &[Input]) {
        for mount in exec.mounts.iter().filter(|mount| mount.output >= 0) {
            let input = usize::try_from(mount.input).ok().and_then(|input| inputs.get(input));
            let before = match input {
                Some(input) => (input.digest.clone(), input.index),
                None => self.nothing(),
            };
            self.left_out.insert((step.digest.clone(), mount.output), before);
        }
    }

    /// An empty file system.
    fn nothing(&mut self) -> Edge {
        let action = FileActionMkDir {
            path: TOP.to_owned(),
            mode: 0o755,
            make_parents: true,
            timestamp: -1,
            ..FileActionMkDir::default()
        };
        let action = FileAction {
            input: -1,
            secondary_input: -1,
            output: 0,
            action: Some(file_action::Action::Mkdir(action)),
        };
        let op = Op { op: Some(Work::File(FileOp { actions: vec![action] })), ..Op::default() };
        let bytes = op.encode_to_vec();
        let digest = digest(&bytes);
        if !self.def.contains(&bytes) {
            self.def.push(bytes);
        }
        (digest, 0)
    }

    /// Steps that stay as they are keep their bytes: what is in them need not be known here.
    fn write(&mut self, step: &Step, changed: Option<Op>) {
        let bytes = changed.map_or_else(|| step.bytes.clone(), |op| op.encode_to_vec());
        let digest = digest(&bytes);
        if let Some(metadata) = &step.metadata {
            self.metadata.insert(digest.clone(), metadata.clone());
        }
        self.renamed.insert(step.digest.clone(), digest);
        self.def.push(bytes);
    }

    fn finish(self, source: Option<&Source>) -> Definition {
        let source = source.map(|source| {
            let places = source.locations.iter();
            let places = places
                .filter_map(|(old, places)| Some((self.renamed.get(old)?.clone(), places.clone())));
            // Without the Dockerfile's text: of a huge one, it is more than a message may hold.
            let infos =
                source.infos.iter().map(|info| SourceInfo { data: Vec::new(), ..info.clone() });
            Source { locations: places.collect(), infos: infos.collect() }
        });
        Definition { def: self.def, metadata: self.metadata, source }
    }
}

/// Another mount at the same place.
fn replaced(old: &Mount, new: &NewMount) -> Mount {
    let plain = Mount { input: -1, dest: old.dest.clone(), output: -1, ..Mount::default() };
    match new {
        NewMount::Tmpfs { size } => Mount {
            mount_type: MountType::Tmpfs.into(),
            tmpfs_opt: Some(TmpfsOpt { size: i64::try_from(*size).unwrap_or(i64::MAX) }),
            ..plain
        },
        NewMount::Cache { id } => Mount {
            mount_type: MountType::Cache.into(),
            // Whoever asks for one that is being given back waits for it; shared, they would get another, empty one.
            cache_opt: Some(CacheOpt { id: id.clone(), sharing: CacheSharingOpt::Locked.into() }),
            ..plain
        },
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
