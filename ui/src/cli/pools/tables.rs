//! Pools as a person reads them.

use windlass::model::ContainerStatus;
use windlass::report::{PoolContainerLine, PoolLine};
use windlass_ui::format;

use crate::cli::failure::Failure;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::{Cell, Table};

/// One pool a line.
pub fn all(screen: Screen, pools: &[PoolLine<'_>]) -> Result<(), Failure> {
    if pools.is_empty() {
        return screen.line("no function pools");
    }
    let mut table = Table::new(&["FUNCTION", "CONTAINERS", ">MIN", ">MAX", ">CPU", ">MEM", "IMAGE", ">PORT", ""]);
    for pool in pools {
        table.row(vec![
            Cell::new(pool.function, Tone::Strong),
            Cell::new(containers(pool), if is_overloaded(pool) { Tone::Bad } else { Tone::Plain }),
            pool.min.into(),
            pool.max.into(),
            format::percent(mean(pool, |container| container.cpu_percent)).into(),
            format::percent(mean(pool, |container| container.memory_percent)).into(),
            pool.image.into(),
            pool.port.into(),
            Cell::new(if pool.verified { "" } else { "unverified" }, Tone::Warn),
        ]);
    }
    table.print(screen)
}

/// A pool, and its containers one a line.
pub fn one(screen: Screen, pool: &PoolLine<'_>) -> Result<(), Failure> {
    let mut facts = Table::new(&["", ""]);
    let mut fact = |name: &str, text: String, tone: Tone| facts.row(vec![name.into(), Cell::new(text, tone)]);
    fact("function", pool.function.to_string(), Tone::Strong);
    fact("image", format!("{}, port {}", pool.image, pool.port), Tone::Plain);
    fact("containers", format!("{} (min {}, max {})", containers(pool), pool.min, pool.max), Tone::Plain);
    if !pool.verified {
        fact("unverified", "the containers' runtime has not confirmed this yet".to_owned(), Tone::Warn);
    }
    facts.print(screen)?;
    if pool.containers.is_empty() {
        return Ok(());
    }
    screen.line("")?;
    let mut table = Table::new(&["NAME", "STATUS", ">CPU", ">MEM", "ADDRESS", ">IDLE", "CONTAINER"]);
    for container in &pool.containers {
        let id = &container.id.0;
        table.row(vec![
            Cell::new(container.name, Tone::Strong),
            Cell::new(container.status, tone(container.status)),
            format::percent(container.cpu_percent).into(),
            format::percent(container.memory_percent).into(),
            address(container).into(),
            container
                .idle_seconds
                .map_or_else(|| format::UNKNOWN.to_owned(), |idle| format::seconds(idle as f64))
                .into(),
            id.get(..12).unwrap_or(id).into(),
        ]);
    }
    table.print(screen)
}

/// How many there are, and how they are doing: `3: 1 healthy, 2 idle`.
fn containers(pool: &PoolLine<'_>) -> String {
    let count = |status: ContainerStatus| {
        let count = pool.containers.iter().filter(|container| container.status == status.name()).count();
        (count > 0).then(|| format!("{count} {status}"))
    };
    let states: Vec<String> = ContainerStatus::ALL.into_iter().filter_map(count).collect();
    if states.is_empty() { "0".to_owned() } else { format!("{}: {}", pool.containers.len(), states.join(", ")) }
}

fn is_overloaded(pool: &PoolLine<'_>) -> bool {
    let overloaded = ContainerStatus::Overloaded.name();
    !pool.containers.is_empty() && pool.containers.iter().all(|container| container.status == overloaded)
}

/// The mean of what is known; `None` where nothing is.
fn mean(pool: &PoolLine<'_>, load: impl Fn(&PoolContainerLine<'_>) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = pool.containers.iter().filter_map(load).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn address(container: &PoolContainerLine<'_>) -> String {
    container.address.map_or_else(
        || format::UNKNOWN.to_owned(),
        |address| std::net::SocketAddr::new(address, container.port).to_string(),
    )
}

/// The tone of a status.
fn tone(status: &str) -> Tone {
    match ContainerStatus::ALL.into_iter().find(|known| known.name() == status) {
        Some(ContainerStatus::Healthy) => Tone::Good,
        Some(ContainerStatus::Overloaded) => Tone::Bad,
        Some(ContainerStatus::Draining) => Tone::Person,
        Some(ContainerStatus::Idle) | None => Tone::Faint,
    }
}
