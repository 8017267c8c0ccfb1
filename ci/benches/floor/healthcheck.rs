//! `healthcheck`: the image, and three containers that are waited for; two of them are broken, waited
//! for, mended and waited for again. One after another, as each is asked only when the one before
//! it went well.

use std::path::Path;
use std::time::{Duration, SystemTime};

use futures_util::{Stream, StreamExt};
use grade::engine::{
    ContainerEvent, ContainerEventKind, ContainerSpec, Created, EngineError, ExecRequest,
    HealthStatus, HealthTiming, Signalled, Started,
};

use super::{Build, Floor};
use crate::Outcome;

/// The times that the probe gives a check; waiting for checks is work, too.
const TIMING: HealthTiming = HealthTiming {
    interval: Duration::from_millis(300),
    timeout: None,
    start_period: Duration::from_millis(1),
};
/// For so many more checks the probe looks whether an unhealthy container ends.
const AFTERMATH: usize = 3;
/// For so long the probe looks whether it stays healthy.
const STAY: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
enum Break {
    Never,
    File,
    Freeze,
}

pub(super) async fn work(floor: &Floor, folder: &Path) -> Outcome<()> {
    let image = floor.image(folder, Build::default()).await?;
    floor.engine.image(&image).await?;
    for how in [Break::Never, Break::File, Break::Freeze] {
        watch(floor, &image, how).await?;
    }
    Ok(())
}

async fn watch(floor: &Floor, image: &str, how: Break) -> Outcome<()> {
    let engine = &floor.engine;
    let spec = ContainerSpec {
        image: image.to_owned(),
        name: floor.name(),
        health: Some(TIMING),
        labels: floor.labels.clone(),
        ..ContainerSpec::default()
    };
    let since = SystemTime::now();
    let Created::Container(container) = engine.create(&spec).await? else {
        return Err("the container is refused".into());
    };
    let mut events = engine.events(&container, since);
    if engine.start(&container).await? != Started::Started {
        return Err("the container does not start".into());
    }
    wait(&mut events, HealthStatus::Healthy).await?;
    if let Break::Never = how {
        let falls = wait(&mut events, HealthStatus::Unhealthy);
        if tokio::time::timeout(STAY, falls).await.is_ok() {
            return Err("the container falls".into());
        }
        engine.inspect(&container).await?;
        return Ok(engine.remove(&container).await?);
    }
    let broken = match how {
        Break::Never => false,
        Break::File => run(floor, &container, &["touch", "/tmp/broken"]).await?,
        Break::Freeze => engine.freeze(&container).await? == Signalled::Sent,
    };
    if !broken {
        return Err("the container cannot be broken".into());
    }
    wait(&mut events, HealthStatus::Unhealthy).await?;
    // What is frozen cannot end.
    if let Break::File = how {
        checks(&mut events, AFTERMATH).await?;
    }
    engine.inspect(&container).await?;
    match how {
        Break::Freeze => drop(engine.thaw(&container).await?),
        _ => drop(run(floor, &container, &["rm", "/tmp/broken"]).await?),
    }
    wait(&mut events, HealthStatus::Healthy).await?;
    Ok(engine.remove(&container).await?)
}

async fn run(floor: &Floor, container: &str, command: &[&str]) -> Outcome<bool> {
    let request = ExecRequest {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        user: Some("0".into()),
        time_limit: LIMIT,
        output_limit: 1_000,
        ..ExecRequest::default()
    };
    Ok(floor.engine.exec(container, &request).await?.exit_code == Some(0))
}

async fn wait(
    events: &mut (impl Stream<Item = Result<ContainerEvent, EngineError>> + Unpin),
    wanted: HealthStatus,
) -> Outcome<()> {
    let waiting = async {
        while let Some(event) = events.next().await {
            if event?.kind == ContainerEventKind::Health(wanted) {
                return Ok(());
            }
        }
        Err("the events end".into())
    };
    tokio::time::timeout(LIMIT, waiting).await?
}

/// Waits until so many more checks have ended.
async fn checks(
    events: &mut (impl Stream<Item = Result<ContainerEvent, EngineError>> + Unpin),
    count: usize,
) -> Outcome<()> {
    let ended = ContainerEventKind::Other("exec_die".into());
    let mut seen = 0;
    while seen < count {
        seen += usize::from(events.next().await.ok_or("the events end")??.kind == ended);
    }
    Ok(())
}
