//! The relay to a server behind ssh: the user's own `ssh`, with their agent, keys, known hosts and
//! `~/.ssh/config`.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::say;
use super::way::State;
use crate::submission::address::SshAddress;
use crate::submission::fetch::{FetchError, Unreached, disk};

/// What git's own `ssh` may be replaced with, options included: to name a key, for one.
const COMMAND: &str = "GIT_SSH_COMMAND";
/// The most bytes of what `ssh` complains that are kept.
const COMPLAINT: usize = 4096;
/// How long `ssh` may go on complaining when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
const PIECE: usize = 64 * 1024;
/// The exit code that is `ssh`'s own, and not the other side's.
const OWN: i32 = 255;

/// Serves whoever knows the name, one after another.
pub(super) async fn serve(
    listener: TcpListener,
    name: String,
    address: SshAddress,
    state: Arc<State>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        // The client asks for the reason as soon as it is let go.
        if let Err(error) = relay(&mut client, &name, &address, &state).await {
            state.fail(error);
        }
    }
}

/// Connects a client of git's own protocol.
async fn relay(
    client: &mut TcpStream,
    name: &str,
    address: &SshAddress,
    state: &State,
) -> Result<(), FetchError> {
    let asked = greeting(client).await.map_err(|error| disk("speak with libgit2", &error))?;
    if !asked.starts_with(format!("git-upload-pack /{name}\0").as_bytes()) {
        return Ok(());
    }
    let mut ssh = start(address)?;
    let (Some(mut input), Some(mut output), Some(errors)) =
        (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take())
    else {
        return Err(FetchError::unreached(Unreached::Machine, "ssh has no standard streams"));
    };
    let complaint = Arc::new(Mutex::new(Vec::new()));
    let listening = tokio::spawn(listen(errors, complaint.clone()));
    let (mut from, mut to) = client.split();
    // The client is served when it leaves; that `ssh` ends first has a reason.
    let has_ended = tokio::select! {
        _ = tokio::io::copy(&mut from, &mut input) => false,
        passed = pass_on(&mut output, &mut to, state) => passed.is_ok(),
    };
    drop((input, output));
    if !has_ended {
        let _ = ssh.start_kill();
    }
    let status = ssh.wait().await.map_err(|error| disk("wait for ssh", &error))?;
    if !has_ended || status.success() {
        return Ok(());
    }
    // A connection that `ssh` keeps for later holds its standard error open.
    let _ = tokio::time::timeout(LAST_WORDS, listening).await;
    let complaint = complaint.lock().await;
    Err(failed(address, status.code(), &String::from_utf8_lossy(&complaint)))
}

/// Reads to the end, as who does not read on would stop whoever writes, and keeps the beginning.
async fn listen(mut errors: impl AsyncRead + Unpin, complaint: Arc<Mutex<Vec<u8>>>) {
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = errors.read(&mut piece).await {
        let mut kept = complaint.lock().await;
        let room = COMPLAINT.saturating_sub(kept.len());
        kept.extend(&piece[..count.min(room)]);
    }
}

/// The first line of git's protocol: four digits say how long it is.
async fn greeting(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length).await?;
    let length = std::str::from_utf8(&length).ok();
    let length = length.and_then(|digits| usize::from_str_radix(digits, 16).ok()).unwrap_or(0);
    let mut line = vec![0; length.saturating_sub(4)];
    client.read_exact(&mut line).await?;
    Ok(line)
}

fn start(address: &SshAddress) -> Result<Child, FetchError> {
    let command = std::env::var(COMMAND).ok().filter(|command| !command.trim().is_empty());
    let words = match &command {
        Some(command) => {
            shlex::split(command).filter(|words| !words.is_empty()).ok_or_else(|| {
                FetchError::unreached(Unreached::Machine, format!("{COMMAND} is no command"))
            })?
        }
        None => vec!["ssh".to_owned()],
    };
    let mut ssh = Command::new(&words[0]);
    ssh.args(&words[1..]).args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]);
    if let Some(port) = address.port {
        ssh.args(["-p", &port.to_string()]);
    }
    let user = address.user.iter().map(|user| format!("{user}@")).collect::<String>();
    let quoted = address.path.replace('\'', r"'\''");
    ssh.arg("--").arg(format!("{user}{}", address.host)).arg(format!("git-upload-pack '{quoted}'"));
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    ssh.spawn().map_err(|error| {
        disk(&format!("start {}", words[0]), &error)
            .with_advice("ssh addresses need an ssh command: install openssh-client")
    })
}

async fn pass_on(
    output: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    state: &State,
) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match output.read(&mut piece).await? {
            0 => return Ok(()),
            count => {
                state.count(count)?;
                client.write_all(&piece[..count]).await?;
            }
        }
    }
}

/// What a complaint means. Where the other side was reached and has no repository for us, it says
/// the same of what is not there and of what we may not see.
fn failed(address: &SshAddress, code: Option<i32>, complaint: &str) -> FetchError {
    // Servers greet first, and the reason comes last.
    let lines = complaint.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_reason = |line: &&str| {
        let line = line.to_lowercase();
        ["error", "fatal", "denied", "failed", "not "].iter().any(|word| line.contains(word))
    };
    let last = lines.clone().next_back();
    let said = lines.clone().find(is_reason).or(last).unwrap_or("it said nothing");
    let text = format!("{address} was not fetched: {}", say(said));
    let has = |words: &str| complaint.contains(words);
    if code != Some(OWN) {
        return FetchError::unreached(Unreached::Hidden, text)
            .with_advice("see whether the key that ssh offers may read that repository");
    }
    if has("Host key verification failed") {
        let advice = format!("say once whether its key is right: ssh {}", address.host);
        return FetchError::unreached(Unreached::Refused, text).with_advice(advice);
    }
    if has("Permission denied") || has("Too many authentication failures") {
        return FetchError::unreached(Unreached::Refused, text).with_advice(format!(
            "give ssh a key that the server knows: by its agent, by ~/.ssh/config, or by {COMMAND}"
        ));
    }
    FetchError::unreached(Unreached::Network, text)
}
