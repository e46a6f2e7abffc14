//! What a round does: everything that can be chosen follows from its seed.

use std::fmt::Write as _;
use std::time::Duration;

use crate::dice::Dice;
use crate::fault::Fault;
use crate::functions;

/// How long the scenario brings trouble of its own; then the world is calm.
pub const TURBULENCE: Duration = Duration::from_secs(6);

/// One round.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What everything follows from.
    pub seed: u64,
    /// The row of the table that this round is about.
    pub fault: Fault,
    /// What is done: the fault itself, or several at a time.
    pub faults: Vec<Fault>,
    /// How often, with a check after each.
    pub repeats: usize,
    /// How many replicas run.
    pub replicas: usize,
    /// The lease, milliseconds.
    pub lease: u64,
    /// Real containers instead of simulated ones.
    pub docker: bool,
}

impl Plan {
    /// The round of a seed; `only`: about this fault.
    pub fn of(seed: u64, only: Option<Fault>, docker: bool) -> (Self, Dice) {
        let mut dice = Dice::of(seed);
        let drawn = dice.one_of(&Fault::ALL);
        let fault = only.unwrap_or(drawn);
        let faults = match fault {
            Fault::Together => {
                let mut several: Vec<Fault> = (0..2 + dice.below(2)).map(|_| dice.one_of(&Fault::COMBINED)).collect();
                several.sort_unstable();
                several.dedup();
                several
            }
            one => vec![one],
        };
        let single = dice.below(3) == 0 || fault == Fault::OwnRedisKilled;
        let replicas = if single { 1 } else { 3 };
        let lease = if dice.below(8) == 0 { 3000 } else { 600 };
        // One takeover after the other in the same cluster: what one leaves behind, the next one finds.
        let is_series = fault == Fault::OwnRedisKilled || fault.is_takeover() && replicas > 1;
        let repeats = if is_series { 2 + dice.below(3) as usize } else { 1 };
        (Self { seed, fault, faults, repeats, replicas, lease, docker }, dice)
    }

    /// Whether what was remembered is gone after it.
    pub fn loses_data(&self) -> bool {
        self.faults.iter().any(|fault| fault.loses_data())
    }

    /// Whether windlass runs its own Redis server.
    pub fn is_self_served(&self) -> bool {
        self.fault == Fault::OwnRedisKilled
    }

    /// Whether a windlass that starts may find no Redis to start with.
    pub fn denies_redis(&self) -> bool {
        self.faults.iter().any(|fault| fault.denies_redis())
    }

    /// The command that repeats it.
    pub fn command(&self) -> String {
        let docker = if self.docker { " DOCKER=1" } else { "" };
        format!("make soak ROUNDS=1 SEED={} FAULT={}{docker}", self.seed, self.fault.name())
    }

    /// For people.
    pub fn describe(&self) -> String {
        let names: Vec<&str> = self.faults.iter().map(|fault| fault.name()).collect();
        let world = if self.docker { "Docker" } else { "simulated" };
        format!(
            "{} x{}, {} replicas, lease {} ms, {world}, seed {}",
            names.join(" + "),
            self.repeats,
            self.replicas,
            self.lease,
            self.seed
        )
    }

    /// Everything but what the command line says.
    pub fn config(&self, cluster: &str) -> String {
        format!(
            "
cluster: {{ id: {cluster}, kind: simulated }}
autoscaler:
  check_interval: 250ms
  limits: {{ min_nodes: 2, max_nodes: 6 }}
  cooldowns: {{ scale_up: 1s, scale_down: 1s }}
  windows: {{ underutilization: 1s }}
  enforcement: {{ min_violation_check_interval: 1s }}
  events:
    event_bus: {{ max_stream_length: 1000000 }}
workers: {{ ready_timeout: 10s }}
redis: {{ timeout: 500ms }}
leader: {{ lease: {}ms }}
http: {{ listen: '127.0.0.1:0' }}
log: {{ level: info }}
{}",
            self.lease,
            functions::config()
        )
    }

    /// A wave of load, pods that wait, workers that fall ill and crash, at random moments; then calm, in which the cluster finds a size
    /// that it keeps.
    pub fn scenario(dice: &mut Dice) -> String {
        let mut moments: Vec<u64> = (0..3).map(|_| 300 + dice.below(4500)).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut text =
            "name: faults\ndescription: trouble, then calm\nstartup: 150ms\ndrain: 100ms\nphases:\n".to_owned();
        let mut phase = |at: u64, what: &str| writeln!(text, "  - {{ at: {at}ms, step: true, {what} }}").unwrap();
        phase(0, "cpu_demand: 1.2, memory_demand: 2.2");
        for at in moments {
            phase(
                at,
                match dice.below(4) {
                    0 => "cpu_demand: 5.0, memory_demand: 2.2",
                    1 => "cpu_demand: 0.3, memory_demand: 0.5",
                    2 => {
                        "cpu_demand: 1.2, memory_demand: 2.2, pending: { count: 5, per_worker: 3, deployments: [shop] }"
                    }
                    _ => "cpu_demand: 1.5, memory_demand: 2.2",
                },
            );
        }
        phase(5500, "cpu_demand: 1.2, memory_demand: 2.2");
        text.push_str("incidents:\n");
        for _ in 0..2 {
            let at = 500 + dice.below(4500);
            let what =
                ["crash: 1", "crash: 2", "unhealthy: { count: 1, for: 500ms }", "slow_start: { startup: 1s, for: 1s }"];
            writeln!(text, "  - {{ at: {at}ms, {} }}", dice.one_of(&what)).unwrap();
        }
        text
    }
}
