//! The log: a daily file, and for an engine without a cockpit stderr as well.

use std::fs;
use std::io;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};
use windlass::config::LogLevel;

use super::failure::Failure;
use super::settings::Settings;

/// Older files are removed.
const FILES_KEPT: usize = 14;

/// Whether log lines may be seen on stderr as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// No: the screen belongs to the cockpit.
    Silent,
    /// Yes.
    Stderr,
}

/// Starts to log. What is logged is on disk when the guard is dropped.
pub fn start(settings: &Settings, echo: Echo) -> Result<WorkerGuard, Failure> {
    let dir = &settings.log_dir;
    let refused = |error: &dyn std::fmt::Display| {
        Failure::Failed(format!(
            "the log folder {} cannot be used: {error}. Set `log.dir` to another one",
            dir.display()
        ))
    };
    fs::create_dir_all(dir).map_err(|error| refused(&error))?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("windlass")
        .filename_suffix("log")
        .max_log_files(FILES_KEPT)
        .build(dir)
        .map_err(|error| refused(&error))?;
    // A line that was said is a line that is kept, even when the disk is slow.
    let (file, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
    let stderr = (echo == Echo::Stderr).then(|| fmt::layer().with_ansi(false).with_writer(io::stderr));
    tracing_subscriber::registry()
        .with(filter(settings.config.log.level))
        .with(fmt::layer().with_ansi(false).with_writer(file))
        .with(stderr)
        .try_init()
        .map_err(Failure::failed)?;
    Ok(guard)
}

/// Ours as configured; of everything else only what went wrong.
fn filter(level: LogLevel) -> EnvFilter {
    let ours = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    EnvFilter::new(format!("warn,windlass={ours},windlass_ui={ours}"))
}
