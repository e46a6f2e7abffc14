//! What is read at each scrape: the view, the streams, Redis's memory.

use std::time::Duration;

use prometheus::Result;
use prometheus::proto::MetricFamily;

use super::sheet::Sheet;
use crate::clock;
use crate::engine::Standing;
use crate::model::{
    ContainerStatus, Direction, Observation, Pool, RedisReport, StoreHealth, View, Worker, WorkerKind, WorkerStatus,
};
use crate::report::fresh;
use crate::store::Inspection;

const STATUSES: [WorkerStatus; 4] =
    [WorkerStatus::Starting, WorkerStatus::Ready, WorkerStatus::Unhealthy, WorkerStatus::Draining];
const UNREMOVABLE: [&str; 4] = ["permanent", "protected", "draining", "in_operation"];

/// What a scrape is made of.
pub(in crate::http) struct Facts<'a> {
    /// The view; `None`: none was read yet.
    pub view: Option<&'a View>,
    /// Where this process's engine stands; `None`: it has none.
    pub standing: Option<&'a Standing>,
    /// How long the lease is: who was not seen for some of them counts as gone.
    pub lease: Duration,
    /// The streams; `None`: Redis did not answer.
    pub streams: Option<&'a Inspection>,
}

/// The families of one scrape.
pub(super) fn families(facts: &Facts<'_>) -> Result<Vec<MetricFamily>> {
    let mut sheet = Sheet::default();
    let version = env!("CARGO_PKG_VERSION");
    sheet.gauges("windlass_build_info", "The version that runs; always 1", ["version"], [([version], Some(1.0))])?;
    let leads = facts.standing.map(|standing| truth(*standing == Standing::Leader));
    sheet.gauge("windlass_leader", "Whether this process leads: 1 or 0; absent where it runs no engine", leads)?;
    let up = facts.view.map(|view| truth(view.store == StoreHealth::Up));
    sheet.gauge("windlass_store_up", "Whether Redis can be used: 1 or 0", up)?;
    // What was read before an outage is no value of now.
    if let Some(view) = facts.view.filter(|view| view.store == StoreHealth::Up) {
        let replicas = view.replicas_running(facts.lease).map(|count| count as f64);
        sheet.gauge("windlass_replicas", "Engines of this cluster that run, the leader among them", replicas)?;
        workers(&mut sheet, view)?;
        load(&mut sheet, view)?;
        guards(&mut sheet, view)?;
        durable(&mut sheet, view)?;
        pools(&mut sheet, view)?;
        if let Some(report) = &view.redis {
            redis(&mut sheet, report)?;
        }
    }
    if let Some(look) = facts.streams {
        streams(&mut sheet, look)?;
    }
    Ok(sheet.into_families())
}

fn workers(sheet: &mut Sheet, view: &View) -> Result<()> {
    let all = || view.state.workers.values();
    let words = STATUSES.map(|status| status.to_string());
    let counts = STATUSES.map(|status| all().filter(|worker| worker.status == status).count() as f64);
    let values = words.iter().zip(counts).map(|(word, count)| ([word.as_str()], Some(count)));
    sheet.gauges("windlass_workers", "Workers that are remembered", ["status"], values)?;
    let limits = view.engine.as_ref().map(|engine| engine.limits);
    let min = limits.map(|limits| f64::from(limits.min_nodes));
    sheet.gauge("windlass_workers_min", "Never fewer workers than this", min)?;
    let max = limits.map(|limits| f64::from(limits.max_nodes));
    sheet.gauge("windlass_workers_max", "Never more workers than this", max)?;
    let expected = f64::from(view.state.workers_expected());
    sheet.gauge("windlass_workers_expected", "Workers once the operations under way have added theirs", expected)?;
    let reasons: Vec<&str> = all().filter_map(|worker| unremovable(view, worker)).collect();
    let values =
        UNREMOVABLE.map(|reason| ([reason], Some(reasons.iter().filter(|found| **found == reason).count() as f64)));
    sheet.gauges(
        "windlass_unremovable_workers",
        "Workers that scaling down may not choose, by the first reason",
        ["reason"],
        values,
    )
}

fn pools(sheet: &mut Sheet, view: &View) -> Result<()> {
    let pools = view.pools.as_deref().map_or(&[][..], Vec::as_slice);
    let values = pools.iter().flat_map(|pool| {
        let count = |status| Some(pool.count(status) as f64);
        ContainerStatus::ALL.map(|status| ([pool.spec.function.as_str(), status.name()], count(status)))
    });
    let help = "Containers of function pools that are remembered";
    sheet.gauges("windlass_pool_containers", help, ["function", "status"], values)?;
    for (name, help, limit) in [
        ("windlass_pool_min", "Never fewer containers of a function than this", PoolLimit::Min),
        ("windlass_pool_max", "Never more containers of a function than this", PoolLimit::Max),
    ] {
        let values = pools.iter().map(|pool| ([pool.spec.function.as_str()], Some(limit.of(pool))));
        sheet.gauges(name, help, ["function"], values)?;
    }
    Ok(())
}

/// One of a pool's limits.
#[derive(Clone, Copy)]
enum PoolLimit {
    Min,
    Max,
}

impl PoolLimit {
    fn of(self, pool: &Pool) -> f64 {
        f64::from(match self {
            Self::Min => pool.spec.min,
            Self::Max => pool.spec.max,
        })
    }
}

fn unremovable(view: &View, worker: &Worker) -> Option<&'static str> {
    if worker.kind == WorkerKind::Permanent || view.state.permanent.contains(&worker.name) {
        Some("permanent")
    } else if worker.protected.is_some() {
        Some("protected")
    } else if worker.status == WorkerStatus::Draining {
        Some("draining")
    } else {
        view.state.operation_of(&worker.name).map(|_| "in_operation")
    }
}

fn load(sheet: &mut Sheet, view: &View) -> Result<()> {
    let seen = fresh(view);
    let ratio = |percent: Option<f64>| percent.map(|percent| percent / 100.0);
    let cpu = ratio(seen.and_then(Observation::cpu_avg));
    sheet.gauge("windlass_cluster_cpu_ratio", "Mean CPU of the live workers, as a part of their limits", cpu)?;
    let memory = ratio(seen.and_then(Observation::memory_avg));
    sheet.gauge(
        "windlass_cluster_memory_ratio",
        "Mean memory of the live workers, as a part of their limits",
        memory,
    )?;
    let pending = seen.and_then(|seen| seen.pending.as_ref()).map(|pending| f64::from(pending.count));
    sheet.gauge("windlass_pending_pods", "Pods that no node has room for", pending)?;
    let nodes = seen.and_then(|seen| seen.nodes).map(f64::from);
    sheet.gauge("windlass_ready_nodes", "Ready Kubernetes nodes among the workers", nodes)?;
    let age = view.observation.as_ref().map(|seen| clock::between(seen.at, view.at).as_secs_f64());
    sheet.gauge("windlass_observation_age_seconds", "Since the cluster was last looked at with success", age)
}

fn guards(sheet: &mut Sheet, view: &View) -> Result<()> {
    let (state, now) = (&view.state, view.at);
    let each = |value: &dyn Fn(Direction) -> Option<f64>| {
        Direction::BOTH.map(|direction| ([direction.key()], value(direction)))
    };
    let cooldown = each(&|direction| {
        Some(state.cooldown(direction, now).map_or(0.0, |until| clock::between(now, until).as_secs_f64()))
    });
    let help = "Until a direction has cooled down; 0: it has";
    sheet.gauges("windlass_cooldown_remaining_seconds", help, ["direction"], cooldown)?;
    let active = each(&|direction| Some(truth(state.hold(direction, now).is_some())));
    sheet.gauges("windlass_hold_active", "Whether an operator holds a direction: 1 or 0", ["direction"], active)?;
    let age =
        each(&|direction| state.hold(direction, now).map(|hold| clock::between(hold.placed_at, now).as_secs_f64()));
    sheet.gauges("windlass_hold_age_seconds", "Since a hold was placed; absent without one", ["direction"], age)?;
    let left = each(&|direction| state.hold(direction, now).map(|hold| clock::between(now, hold.until).as_secs_f64()));
    sheet.gauges("windlass_hold_remaining_seconds", "Until a hold ends; absent without one", ["direction"], left)?;
    let running = each(&|direction| {
        Some(state.operations.values().filter(|operation| operation.direction == direction).count() as f64)
    });
    sheet.gauges("windlass_operations_running", "Operations under way", ["direction"], running)
}

/// What Redis itself counts: no restart sets it back.
fn durable(sheet: &mut Sheet, view: &View) -> Result<()> {
    let state = &view.state;
    let done = Direction::BOTH.map(|direction| ([direction.key()], *state.scaling.count.get(direction)));
    let help = "Scalings that ended well, over all of the cluster's life";
    sheet.counters("windlass_scalings_total", help, ["direction"], done)?;
    let (violations, enforcements) = (state.enforcer.violations, state.enforcer.enforcements);
    let help = "Times that there were fewer workers than the minimum, over all of the cluster's life";
    sheet.counters("windlass_minimum_violations_total", help, [], [([], violations)])?;
    let help = "Times that the minimum was restored, over all of the cluster's life";
    sheet.counters("windlass_minimum_enforcements_total", help, [], [([], enforcements)])
}

fn redis(sheet: &mut Sheet, report: &RedisReport) -> Result<()> {
    let latency = report.latency_ms / 1000.0;
    sheet.gauge("windlass_store_latency_seconds", "One round trip to Redis, measured every few seconds", latency)?;
    let bytes = |bytes: u64| bytes as f64;
    sheet.gauge("windlass_redis_memory_used_bytes", "Memory in use", bytes(report.used_bytes))?;
    sheet.gauge(
        "windlass_redis_memory_peak_bytes",
        "The most memory there ever was in use",
        bytes(report.peak_bytes),
    )?;
    let max = report.max_bytes.map(bytes);
    sheet.gauge("windlass_redis_memory_max_bytes", "The memory limit; absent without one", max)?;
    sheet.gauge(
        "windlass_redis_memory_rss_bytes",
        "Memory as the operating system sees it",
        bytes(report.rss_bytes),
    )?;
    let ratio = report.fragmentation_ratio;
    sheet.gauge("windlass_redis_memory_fragmentation_ratio", "RSS by used; judge it together with the bytes", ratio)?;
    sheet.gauge("windlass_redis_keys", "Keys in the database", bytes(report.keys))?;
    sheet.gauge("windlass_redis_clients", "Connected clients", bytes(report.clients))?;
    sheet.gauge(
        "windlass_redis_persistence_ok",
        "Whether the last write to disk went well: 1 or 0",
        truth(report.persistence_ok),
    )?;
    let warnings = report.findings.iter().filter(|finding| finding.warning).count();
    sheet.gauge("windlass_redis_warnings", "Findings about Redis that need somebody", warnings as f64)?;
    let help = "Keys thrown out for want of memory, since the server started";
    sheet.counters("windlass_redis_evicted_keys_total", help, [], [([], report.evicted_keys)])
}

fn streams(sheet: &mut Sheet, look: &Inspection) -> Result<()> {
    let groups = || look.events.groups.iter().map(|group| ([group.name.as_str()], group));
    let lag = groups().map(|(name, group)| (name, group.lag.map(|lag| lag as f64)));
    let help = "Events that a handler has not read yet; absent where Redis cannot tell";
    sheet.gauges("windlass_handler_lag", help, ["handler"], lag)?;
    let pending = groups().map(|(name, group)| (name, Some(group.pending as f64)));
    let help = "Events that a handler has read and not dealt with yet";
    sheet.gauges("windlass_handler_pending", help, ["handler"], pending)?;
    let retries = groups().map(|(name, group)| (name, group.retries));
    let help = "How often a handler was given an event again";
    sheet.counters("windlass_handler_retries_total", help, ["handler"], retries)?;
    let entries = [(["events"], Some(look.events.length as f64)), (["commands"], Some(look.commands.length as f64))];
    sheet.gauges("windlass_stream_entries", "Entries in the streams", ["stream"], entries)?;
    let dead = look.dead_letters as f64;
    sheet.gauge("windlass_dead_letters", "Events that no try of a handler could deal with", dead)
}

const fn truth(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}
