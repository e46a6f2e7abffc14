//! What function pools cost, beside the seed's way in the same run.
//!
//! `cargo bench -p windlass --bench pools -- recovery`
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod daemon;
mod population;
mod recovery;
#[path = "../../tests/support/redis.rs"]
mod redis;
mod seeds_way;

use std::error::Error;

/// Whatever goes wrong ends the bench.
type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // `cargo test --benches` asks only whether it runs.
    if arguments.iter().any(|argument| argument == "--test") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        // The daemon is a process of its own, so that its time is not counted as windlass's.
        if let Some(socket) = std::env::var_os(daemon::SOCKET) {
            return daemon::serve(socket.as_ref()).await;
        }
        if arguments.is_empty() || arguments.iter().any(|argument| argument == "recovery") {
            recovery::run().await?;
        }
        Ok(())
    })
}
