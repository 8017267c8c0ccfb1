//! The bodies that say what a container is to be: create, update, commit and exec.

use super::harmless::{
    capabilities, image, isolation, log_driver, log_options, oom_score, ports, runtime, security,
    size, sysctls, ulimit, unmasked,
};
use super::mounts::{binds, mounts, volume_driver};
use super::namespaces::{cgroup, endpoints, ipc, links, network_mode, pid, volumes_from};
use super::no::No;
use super::shape::{Check, Field, Rule, Table, labels, rebuild};

/// What an image can say too.
const CONFIG: &[Field] = &[
    Field("Hostname", Rule::Text),
    Field("Domainname", Rule::Text),
    Field("User", Rule::Text),
    Field("AttachStdin", Rule::Flag),
    Field("AttachStdout", Rule::Flag),
    Field("AttachStderr", Rule::Flag),
    Field("ExposedPorts", Rule::Keys),
    Field("Tty", Rule::Flag),
    Field("OpenStdin", Rule::Flag),
    Field("StdinOnce", Rule::Flag),
    Field("Env", Rule::Texts),
    Field("Cmd", Rule::Texts),
    Field("Healthcheck", Rule::Object(HEALTH)),
    Field("ArgsEscaped", Rule::Flag),
    Field("Image", Rule::Check(image)),
    Field("Volumes", Rule::Keys),
    Field("WorkingDir", Rule::Text),
    Field("Entrypoint", Rule::Texts),
    Field("NetworkDisabled", Rule::Flag),
    Field("MacAddress", Rule::Text),
    Field("OnBuild", Rule::Texts),
    Field("Labels", Rule::Check(labels)),
    Field("StopSignal", Rule::Text),
    Field("StopTimeout", Rule::Number),
    Field("Shell", Rule::Texts),
];

const HEALTH: Table = &[&[
    Field("Test", Rule::Texts),
    Field("Interval", Rule::Number),
    Field("Timeout", Rule::Number),
    Field("StartPeriod", Rule::Number),
    Field("StartInterval", Rule::Number),
    Field("Retries", Rule::Number),
]];

const CREATE: Table = &[
    CONFIG,
    &[Field("HostConfig", Rule::Object(HOST)), Field("NetworkingConfig", Rule::Object(NETWORKING))],
];

const NETWORKING: Table = &[&[Field("EndpointsConfig", Rule::Check(endpoints))]];

const HOST: Table = &[RESOURCES, RESTART, OF_HOST];

/// Limits. They count below those of the sandbox, so that more than the sandbox has is not to be had.
const RESOURCES: &[Field] = &[
    Field("CpuShares", Rule::Number),
    Field("Memory", Rule::Number),
    Field("NanoCpus", Rule::Number),
    Field("CpuPeriod", Rule::Number),
    Field("CpuQuota", Rule::Number),
    Field("CpusetCpus", Rule::Text),
    Field("CpusetMems", Rule::Text),
    Field("BlkioWeight", Rule::Number),
    Field("KernelMemory", Rule::Number),
    Field("KernelMemoryTCP", Rule::Number),
    Field("MemoryReservation", Rule::Number),
    Field("MemorySwap", Rule::Number),
    Field("MemorySwappiness", Rule::Number),
    Field("PidsLimit", Rule::Number),
    Field("CpuCount", Rule::Number),
    Field("CpuPercent", Rule::Number),
    Field("IOMaximumIOps", Rule::Number),
    Field("IOMaximumBandwidth", Rule::Number),
    Field("Ulimits", Rule::List(ULIMIT)),
    Field("OomKillDisable", Rule::Never("--oom-kill-disable")),
    Field("CgroupParent", Rule::Never("--cgroup-parent")),
    Field("CpuRealtimePeriod", Rule::Never("--cpu-rt-period")),
    Field("CpuRealtimeRuntime", Rule::Never("--cpu-rt-runtime")),
    Field("Devices", Rule::Never("--device")),
    Field("DeviceCgroupRules", Rule::Never("--device-cgroup-rule")),
    Field("DeviceRequests", Rule::Never("--gpus")),
    Field("BlkioWeightDevice", Rule::Never("--blkio-weight-device")),
    Field("BlkioDeviceReadBps", Rule::Never("--device-read-bps")),
    Field("BlkioDeviceWriteBps", Rule::Never("--device-write-bps")),
    Field("BlkioDeviceReadIOps", Rule::Never("--device-read-iops")),
    Field("BlkioDeviceWriteIOps", Rule::Never("--device-write-iops")),
];

/// An item of `Ulimits`.
pub(super) const ULIMIT: Table = &[&[
    Field("Name", Rule::Check(ulimit)),
    Field("Hard", Rule::Number),
    Field("Soft", Rule::Number),
]];

const RESTART: &[Field] = &[Field(
    "RestartPolicy",
    Rule::Object(&[&[Field("Name", Rule::Text), Field("MaximumRetryCount", Rule::Number)]]),
)];

const OF_HOST: &[Field] = &[
    Field("Binds", Rule::Check(binds)),
    Field("Mounts", Rule::Check(mounts)),
    Field("Tmpfs", Rule::TextMap),
    Field("VolumesFrom", Rule::Check(volumes_from)),
    Field("VolumeDriver", Rule::Check(volume_driver)),
    Field("ContainerIDFile", Rule::Text),
    Field("NetworkMode", Rule::Check(network_mode)),
    Field("PidMode", Rule::Check(pid)),
    Field("IpcMode", Rule::Check(ipc)),
    Field("CgroupnsMode", Rule::Check(cgroup)),
    Field("UTSMode", Rule::Never("--uts host")),
    Field("UsernsMode", Rule::Never("--userns host")),
    Field("PortBindings", Rule::Check(ports)),
    Field("PublishAllPorts", Rule::Flag),
    Field("Links", Rule::Check(links)),
    Field("Dns", Rule::Texts),
    Field("DnsOptions", Rule::Texts),
    Field("DnsSearch", Rule::Texts),
    Field("ExtraHosts", Rule::Texts),
    Field("AutoRemove", Rule::Flag),
    Field("ReadonlyRootfs", Rule::Flag),
    Field("Init", Rule::Flag),
    Field("ShmSize", Rule::Number),
    Field("GroupAdd", Rule::Texts),
    Field("ConsoleSize", Rule::Check(size)),
    Field("LogConfig", Rule::Object(LOG)),
    Field("CapAdd", Rule::Check(capabilities)),
    Field("CapDrop", Rule::Texts),
    Field("SecurityOpt", Rule::Check(security)),
    Field("Sysctls", Rule::Check(sysctls)),
    Field("OomScoreAdj", Rule::Check(oom_score)),
    Field("Runtime", Rule::Check(runtime)),
    Field("Isolation", Rule::Check(isolation)),
    Field("MaskedPaths", Rule::Check(unmasked)),
    Field("ReadonlyPaths", Rule::Check(unmasked)),
    Field("Privileged", Rule::Never("--privileged")),
    Field("Cgroup", Rule::Never("the cgroup of another container")),
    Field("Capabilities", Rule::Never("a set of capabilities of its own")),
    Field("StorageOpt", Rule::Never("--storage-opt")),
    Field("Annotations", Rule::Never("--annotation")),
];

const LOG: Table =
    &[&[Field("Type", Rule::Check(log_driver)), Field("Config", Rule::Check(log_options))]];

const EXEC: Table = &[&[
    Field("Container", Rule::Ignored),
    Field("AttachStdin", Rule::Flag),
    Field("AttachStdout", Rule::Flag),
    Field("AttachStderr", Rule::Flag),
    Field("Detach", Rule::Flag),
    Field("DetachKeys", Rule::Text),
    Field("Tty", Rule::Flag),
    Field("ConsoleSize", Rule::Check(size)),
    Field("Cmd", Rule::Texts),
    Field("Env", Rule::Texts),
    Field("WorkingDir", Rule::Text),
    Field("User", Rule::Text),
    Field("Privileged", Rule::Never("--privileged")),
]];

pub(super) const CONTAINER: Check = |value, context| {
    rebuild(value, CREATE, context).map_err(|no| match no {
        // Whatever is not there, the CLI takes it for the image, and pulls that.
        No::Absent(sentence) if !sentence.starts_with("No such image") => No::Bad(sentence),
        no => no,
    })
};
pub(super) const UPDATE: Check = |value, context| rebuild(value, &[RESOURCES, RESTART], context);
pub(super) const COMMIT: Check = |value, context| rebuild(value, &[CONFIG], context);
pub(super) const EXEC_CREATE: Check = |value, context| rebuild(value, EXEC, context);
pub(super) const EXEC_START: Check = |value, context| {
    let fields: Table = &[&[
        Field("Detach", Rule::Flag),
        Field("Tty", Rule::Flag),
        Field("ConsoleSize", Rule::Check(size)),
    ]];
    rebuild(value, fields, context)
};
