//! Many rounds, several at a time, and what came of them per fault.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use crate::fault::Fault;
use crate::plan::Plan;
use crate::round::{self, Outcome};

/// The sums of one fault.
#[derive(Debug, Default)]
struct Row {
    rounds: usize,
    faults: usize,
    failures: usize,
    settled: Vec<Duration>,
}

/// The sums of all.
#[derive(Debug, Default)]
pub struct Tally {
    rows: BTreeMap<Fault, Row>,
    leaders: usize,
    writes: (u64, u64),
    /// Each failed round: its command and what was broken.
    pub failures: Vec<String>,
}

/// Plays rounds, `jobs` at a time, and says how each went.
pub fn play_all(plans: Vec<(Plan, crate::dice::Dice)>, jobs: usize) -> Tally {
    let (queue, tally) = (Mutex::new(plans.into_iter()), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let Some((plan, dice)) = queue.lock().unwrap().next() else { return };
                    let outcome = round::play(&plan, dice);
                    tally.lock().unwrap().add(&plan, outcome);
                }
            });
        }
    });
    tally.into_inner().unwrap()
}

impl Tally {
    fn add(&mut self, plan: &Plan, outcome: Outcome) {
        let row = self.rows.entry(plan.fault).or_default();
        row.rounds += 1;
        row.faults += plan.faults.len() * outcome.settled.len();
        self.leaders += outcome.leaders;
        self.writes = (self.writes.0 + outcome.writes.0, self.writes.1 + outcome.writes.1);
        let times: Vec<String> = outcome.settled.iter().map(|time| format!("{:.1} s", time.as_secs_f64())).collect();
        row.settled.extend(outcome.settled);
        if outcome.wrong.is_empty() {
            println!("ok      {}: at rest after {}", plan.describe(), times.join(", "));
            return;
        }
        row.failures += 1;
        let kept = outcome.kept.map_or_else(String::new, |folder| format!("\n  kept in {}", folder.display()));
        let text =
            format!("BROKEN  {}\n  {}{kept}\n  again: {}", plan.describe(), outcome.wrong.join("\n  "), plan.command());
        println!("{text}");
        self.failures.push(text);
    }

    /// The sums as a table.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<18} {:>7} {:>7} {:>7} {:>11} {:>11}\n",
            "fault", "rounds", "faults", "broken", "median", "worst"
        );
        let mut all = Row::default();
        for (fault, row) in &self.rows {
            line(&mut text, fault.name(), row);
            all.rounds += row.rounds;
            all.faults += row.faults;
            all.failures += row.failures;
            all.settled.extend(&row.settled);
        }
        line(&mut text, "all", &all);
        let _ = writeln!(
            text,
            "{} elections; {} writes accepted, {} of old epochs refused",
            self.leaders, self.writes.0, self.writes.1
        );
        text
    }
}

fn line(text: &mut String, name: &str, row: &Row) {
    let mut times = row.settled.clone();
    times.sort();
    let seconds =
        |time: Option<&Duration>| time.map_or_else(|| "-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
    let _ = writeln!(
        text,
        "{name:<18} {:>7} {:>7} {:>7} {:>11} {:>11}",
        row.rounds,
        row.faults,
        row.failures,
        seconds(times.get(times.len() / 2)),
        seconds(times.last())
    );
}
