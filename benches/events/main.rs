//! What the event bus costs, beside the raw thing in the same run: publishing, one event at a time, and the full chain from pressure to a
//! container.
//!
//! `cargo bench -p windlass --bench events`; `WINDLASS_BENCH=publish|handled|chain` runs one of them.
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod chain;
mod handled;
mod numbers;
mod publish;
#[path = "../../tests/support/redis.rs"]
mod redis;
mod rig;

use std::error::Error;

/// Whatever goes wrong ends the bench.
type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    // `cargo test --benches` asks only whether it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let only = std::env::var("WINDLASS_BENCH").ok();
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        if wanted("publish") {
            publish::run().await?;
        }
        if wanted("handled") {
            handled::run().await?;
        }
        if wanted("chain") {
            chain::run().await?;
        }
        Ok(())
    })
}
