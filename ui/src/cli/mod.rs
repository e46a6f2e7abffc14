//! The command line: one file per subcommand, and what they share.

mod actor;
mod attach;
mod cockpit;
mod completions;
mod config;
mod demo;
mod doctor;
mod engine;
mod events;
mod facts;
mod failure;
mod global;
mod logging;
mod memory;
mod orders;
mod panics;
mod pools;
mod redis;
mod run;
mod screen;
mod settings;
mod signals;
mod status;
mod table;
mod verdict;
mod why;
mod workers;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use failure::Failure;
use global::Global;
use screen::{Screen, note};
use settings::Settings;

/// What is left of background tasks gets this long at the end.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Raises and lowers the workers of a small k3s cluster in Docker, and tells why
///
/// Without a command: the cockpit. It runs the engine too, unless one leads already.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, max_term_width = 120, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by policy.")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine alone
    Run,
    /// Open the cockpit alone, on an engine that runs elsewhere
    Attach,
    /// Open the cockpit on a simulated cluster, with everything in a temporary directory
    Demo(demo::Args),
    /// Tell how the cluster is
    Status(facts::Form),
    /// List the workers
    Workers(facts::Form),
    /// List what happened, or follow what happens
    Events(events::Args),
    /// Tell why the last decision was taken, or what led to an event
    Why(why::Args),
    /// List the function pools, scale them, drain their containers
    Pools(pools::Args),
    /// Report on Redis's memory
    Redis(redis::Args),
    /// Add or remove workers
    Scale(orders::scale::Args),
    /// Block scaling for a time
    Hold(orders::hold::Args),
    /// End a block
    Release(orders::release::Args),
    /// Keep a worker from being scaled away
    Protect(orders::protect::Args),
    /// Let a worker be scaled away again
    Unprotect(orders::protect::Args),
    /// Compare the state with the cluster now
    Reconcile(orders::reconcile::Args),
    /// Print, check and explain the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Check everything that windlass needs, and tell what to do
    Doctor(facts::Form),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What every command works with.
struct Context {
    global: Global,
    settings: Settings,
    screen: Screen,
}

/// The whole program.
pub fn main() -> ExitCode {
    let installed = panics::install();
    let cli = Cli::parse();
    let done = installed.and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let done = runtime.block_on(dispatch(cli));
        runtime.shutdown_timeout(LAST_MOMENT);
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                note(format_args!("windlass: {message}"));
            }
            failure.code()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    let screen = Screen::new(global.no_color);
    match command {
        Some(Command::Config(command)) => config::run(&global, screen, &command),
        Some(Command::Completions { shell }) => completions::run(screen, shell),
        Some(Command::Events(args)) if args.schema().is_some() => {
            events::print_schema(screen, args.schema().and_then(|types| types.first().copied()))
        }
        Some(Command::Demo(args)) => demo::run(&global, &args).await,
        Some(Command::Doctor(form)) => doctor::run(&global, screen, form).await,
        command => {
            let settings = settings::load(&global)?;
            with_settings(Context { global, settings, screen }, command).await
        }
    }
}

async fn with_settings(context: Context, command: Option<Command>) -> Result<(), Failure> {
    let context = &context;
    match command {
        None => cockpit::run(context).await,
        Some(Command::Run) => run::run(context).await,
        Some(Command::Attach) => attach::run(context).await,
        Some(Command::Status(form)) => status::run(context, form).await,
        Some(Command::Workers(form)) => workers::run(context, form).await,
        Some(Command::Events(args)) => events::run(context, args).await,
        Some(Command::Why(args)) => why::run(context, args).await,
        Some(Command::Pools(args)) => pools::run(context, args).await,
        Some(Command::Redis(args)) => redis::run(context, args).await,
        Some(Command::Scale(args)) => orders::scale::run(context, args).await,
        Some(Command::Hold(args)) => orders::hold::run(context, args).await,
        Some(Command::Release(args)) => orders::release::run(context, args).await,
        Some(Command::Protect(args)) => orders::protect::run(context, args, true).await,
        Some(Command::Unprotect(args)) => orders::protect::run(context, args, false).await,
        Some(Command::Reconcile(args)) => orders::reconcile::run(context, args).await,
        Some(Command::Config(_) | Command::Completions { .. } | Command::Demo(_) | Command::Doctor(_)) => {
            unreachable!("these need no settings and were dealt with")
        }
    }
}
