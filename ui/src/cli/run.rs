//! `windlass run`: the engine alone.

use windlass::engine::Standing;

use super::Context;
use super::engine::RunningEngine;
use super::failure::Failure;
use super::logging::{self, Echo};
use super::memory::Memory;
use super::settings::Settings;
use super::signals::Signals;

/// Runs it until a signal comes.
pub async fn run(context: &Context) -> Result<(), Failure> {
    serve(&context.settings).await
}

/// Runs an engine until a signal comes; then the lease is given up and the own server is left in order. A second signal forces.
pub async fn serve(settings: &Settings) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let _guard = logging::start(settings, Echo::Stderr)?;
    let memory = tokio::select! {
        memory = Memory::await_one(settings, "engine") => memory?,
        name = signals.next() => {
            tracing::info!("{name}: stopped before Redis could be used");
            return Ok(());
        }
    };
    let done = until_signal(settings, &memory, &mut signals).await;
    let closed = memory.close().await;
    done.and(closed)?;
    tracing::info!("stopped");
    Ok(())
}

async fn until_signal(settings: &Settings, memory: &Memory, signals: &mut Signals) -> Result<(), Failure> {
    let mut engine = RunningEngine::start(settings, memory).await?;
    tracing::info!(
        cluster = settings.cluster(),
        kind = settings.config.cluster.kind.name(),
        redis = memory.store.address().describe(),
        replica = %engine.replica,
        config = settings.file.as_ref().map_or_else(|| "defaults".to_owned(), |file| file.display().to_string()),
        dry_run = settings.config.autoscaler.dry_run,
        "windlass {} starts",
        env!("CARGO_PKG_VERSION"),
    );
    tell(&engine.standing.borrow_and_update().clone());
    loop {
        let mut standing = engine.standing.clone();
        tokio::select! {
            name = signals.next() => {
                tracing::info!("{name}: stopping");
                return engine.stop(signals).await;
            }
            failure = engine.ended() => return Err(failure),
            Ok(()) = standing.changed() => {
                tell(&standing.borrow_and_update().clone());
                engine.standing = standing;
            }
        }
    }
}

fn tell(standing: &Standing) {
    match standing {
        Standing::Leader => tracing::info!("this replica leads"),
        Standing::Follower => tracing::info!("this replica follows until it has the lease"),
        Standing::WithoutStore { error, protects: true } => {
            tracing::error!(error, "Redis cannot be used; the minimum is protected, nothing is removed until it can");
        }
        Standing::WithoutStore { error, protects: false } => {
            tracing::error!(error, "Redis cannot be used; nothing is changed until it can");
        }
    }
}
