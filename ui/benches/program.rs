//! What the program costs as a whole: how soon its first frame is there, and what it takes of a core when nothing happens. Each number
//! beside a baseline of the same run; nothing is asserted.
//!
//! `cargo bench -p windlass-ui --bench program` (Linux: it reads `/proc`)
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[path = "../../tests/support/program.rs"]
#[allow(dead_code, reason = "the bench uses its part of this")]
mod program;
#[path = "../../tests/support/terminal.rs"]
#[allow(dead_code, reason = "the bench uses its part of this")]
mod terminal;

use program::{Home, until};
use terminal::{Size, Terminal};

const SIZE: Size = (160, 48);
/// Starts of each kind; their median counts.
const STARTS: usize = 15;
/// What happens once after a start is not idleness.
const SETTLE: Duration = Duration::from_secs(10);
/// How long idleness is watched.
const WATCHED: Duration = Duration::from_secs(20);
const WORKERS: usize = 5;

fn main() {
    if !cfg!(target_os = "linux") {
        println!("SKIPPED: the numbers are read from /proc, which only Linux has");
        return;
    }
    println!("{}", machine());
    first_frame();
    idle();
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map_or("", |(_, it)| it);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores,{model}")
}

fn ready(screen: &vt100::Screen, workers: usize) -> bool {
    screen.contents().matches("● ready").count() == workers
}

/// From the start of the process to the first frame with everything on it, on a Redis that runs.
fn first_frame() {
    println!("\nfirst frame, median of {STARTS} starts{:>29}   ratio   promised", "ms");
    let home = Home::new();
    let version = median(|| Terminal::start(&home.command(&["--version"]), SIZE).says(&["windlass 0."]));
    row("windlass --version", version, version, None);

    let engine = home.engine();
    let attach = home.command(&["attach", "--cluster", "demo"]);
    let attached = median(|| Terminal::start(&attach, SIZE).shows("a frame", |screen| ready(screen, 2)));
    row("cockpit, engine elsewhere", attached, version, Some(100));
    drop(engine);

    let home = Home::new();
    let both = home.command(&["--set", "cockpit.confirm=false"]);
    let start = || {
        let mut terminal = Terminal::start(&both, SIZE);
        let time = terminal.shows("a frame", |screen| ready(screen, 2));
        // Only a cockpit that has left in order has given its lease back.
        terminal.press("q");
        terminal.ends();
        time
    };
    // The workers have to be there, and somebody has to keep the server: a command that follows the events does.
    start();
    let mut keeper = home.command(&["events", "-f"]).spawn().expect("a keeper");
    until("the server runs", || home.server().is_some());
    row("cockpit with its engine", median(start), version, Some(100));
    let _ = keeper.kill();
    let _ = keeper.wait();
}

fn row(name: &str, time: Duration, baseline: Duration, promised: Option<u32>) {
    let promised = promised.map_or_else(String::new, |ms| format!("< {ms}"));
    println!("  {name:<56} {:>6.1} {:>7.2} {promised:>10}", ms(time), time.as_secs_f64() / baseline.as_secs_f64());
}

/// The share of a core that a cockpit and its engine take while nothing happens, all watched at the same time.
fn idle() {
    let minimum = format!("autoscaler.limits.min_nodes={WORKERS}");
    let homes = [Home::new(), Home::new()];
    let top = Terminal::start(Command::new("top").args(["-d", "1"]).env("HOME", homes[0].path("home")), SIZE);
    let usual = Terminal::start(&homes[0].command(&["--set", &minimum]), SIZE);
    let demo = Terminal::start(&homes[1].command(&["demo", "--scenario", "quiet", "--set", &minimum]), SIZE);
    for terminal in [&usual, &demo] {
        terminal.shows("five ready workers", |screen| ready(screen, WORKERS));
    }
    sleep(SETTLE);
    let server = |home: &Home| home.server().expect("a server");
    let watched = [
        ("top -d 1", top.pid(), None),
        ("cockpit and engine, looks every 5 s (the default)", usual.pid(), Some(1)),
        ("  its redis-server", server(&homes[0]), None),
        ("cockpit and engine, looks every second (the demo)", demo.pid(), None),
        ("  its redis-server", server(&homes[1]), None),
    ];
    let begun = Instant::now();
    let before = watched.map(|(_, pid, _)| busy(pid));
    sleep(WATCHED);
    let after = watched.map(|(_, pid, _)| busy(pid));
    let passed = begun.elapsed().as_secs_f64();
    let shares: Vec<f64> = before.iter().zip(after).map(|(before, after)| (after - before) / passed * 100.0).collect();

    println!("\nidle with {WORKERS} simulated workers, {passed:.0} s{:>26}   ratio   promised", "% of a core");
    for ((name, _, promised), share) in watched.iter().zip(&shares) {
        let promised = promised.map_or_else(String::new, |percent| format!("< {percent} %"));
        println!("  {name:<56} {share:>6.2} {:>7.2} {promised:>10}", share / shares[0].max(0.01));
    }
}

/// Seconds that a process has been busy, in user and kernel; without its children.
fn busy(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    // Its name may have blanks: fields are counted from behind it. User time is the 14th of all, kernel time the 15th.
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / ticks_per_second()
}

fn ticks_per_second() -> f64 {
    let told = Command::new("getconf").arg("CLK_TCK").output().ok();
    told.and_then(|told| String::from_utf8_lossy(&told.stdout).trim().parse().ok()).unwrap_or(100.0)
}

fn median(mut start: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<_> = (0..STARTS).map(|_| start()).collect();
    times.sort();
    times[STARTS / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
