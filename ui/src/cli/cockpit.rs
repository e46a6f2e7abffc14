//! `windlass`: the cockpit, with the engine unless one leads already.

use std::io::{self, IsTerminal};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use windlass::bus;
use windlass::engine::told;
use windlass::model::Command;
use windlass::store::Store;
use windlass::viewer;
use windlass_ui::cockpit::{self, KeyMap, Mode, Options};

use super::Context;
use super::actor::actor;
use super::engine::{RunningEngine, is_gone};
use super::failure::Failure;
use super::logging::{self, Echo};
use super::memory::Memory;
use super::signals::Signals;

/// More commands than this do not wait to be sent: then Redis is away.
const COMMANDS_WAITING: usize = 16;

/// Opens the cockpit, with an engine unless one leads already.
pub async fn run(context: &Context) -> Result<(), Failure> {
    open(context, None).await
}

/// Opens the cockpit. `mode` says where the engine is; without one that is found out.
pub async fn open(context: &Context, mode: Option<Mode>) -> Result<(), Failure> {
    needs_terminal()?;
    let options = |mode| options(context, mode);
    // Mistakes in the key map and the name are told before anything is started.
    options(Mode::Attached)?;
    let _guard = logging::start(&context.settings, Echo::Silent)?;
    let memory = Memory::open(&context.settings, "cockpit").await?;
    let done = async {
        let mode = match mode {
            Some(mode) => mode,
            None => find_mode(&memory.store).await?,
        };
        fly(context, &memory, options(mode)?).await
    }
    .await;
    let closed = memory.close().await;
    done.and(closed)
}

/// A cockpit needs somebody to look at it.
fn needs_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::Usage(
        "the cockpit needs a terminal, and stdin or stdout is none. Without one: `windlass run` runs the engine, `windlass status` \
         tells how things are"
            .to_owned(),
    ))
}

fn options(context: &Context, mode: Mode) -> Result<Options, Failure> {
    let config = &context.settings.config.cockpit;
    Ok(Options {
        actor: actor(&context.global, &context.settings)?.to_string(),
        confirm: config.confirm,
        keys: KeyMap::new(&config.keys).map_err(Failure::failed)?,
        mode,
        lease: context.settings.config.leader.lease.get(),
        color: !context.global.no_color,
    })
}

async fn find_mode(store: &Store) -> Result<Mode, Failure> {
    let leader = store.leader().await?.filter(|leader| !is_gone(leader));
    Ok(if leader.is_some() { Mode::Attached } else { Mode::EngineHere })
}

/// Runs the cockpit, and the engine beside it where the mode says so. However the cockpit ends, the engine stops in order.
async fn fly(context: &Context, memory: &Memory, options: Options) -> Result<(), Failure> {
    let mut engine =
        if options.mode.has_engine() { Some(RunningEngine::start(&context.settings, memory).await?) } else { None };
    let stop = CancellationToken::new();
    let views = viewer::follow(memory.store.clone(), context.settings.config.cluster.id.clone(), stop.clone());
    let views = match &engine {
        Some(engine) => told(views, engine.standing.clone(), stop.clone()),
        None => views,
    };
    let (commands, waiting) = mpsc::channel(COMMANDS_WAITING);
    let sender = tokio::spawn(send_all(memory.store.clone(), waiting));
    let ended = async {
        match &mut engine {
            Some(engine) => engine.ended().await,
            None => std::future::pending().await,
        }
    };
    // The cockpit is dropped when the engine ends before it, and gives the terminal back then as well.
    let done = tokio::select! {
        shown = cockpit::run(views, commands, options) => shown.map_err(|error| Failure::Failed(format!("{error:#}"))),
        failure = ended => Err(failure),
    };
    stop.cancel();
    // The last command is sent before the engine goes.
    let _ = sender.await;
    let mut signals = Signals::listen()?;
    let stopped = match engine {
        Some(engine) => engine.stop(&mut signals).await,
        None => Ok(()),
    };
    done.and(stopped)
}

/// Sends what the cockpit gives, until the cockpit is gone. What cannot be sent gets no answer, and the cockpit says so.
async fn send_all(store: Store, mut waiting: mpsc::Receiver<Command>) {
    while let Some(command) = waiting.recv().await {
        if let Err(error) = bus::send(&store, &command).await {
            tracing::error!(%error, command = command.action.name(), "a command could not be sent");
        }
    }
}
