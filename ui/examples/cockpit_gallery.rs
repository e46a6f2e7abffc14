//! The cockpit on a synthetic picture: for screenshots, and for looking at it without an engine.
//!
//! `cargo run -p windlass-ui --example cockpit_gallery`; commands are refused, in a friendly way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use uuid::Uuid;
use windlass::clock;
use windlass::model::event::CommandRefused;
use windlass::model::{Command, Event, StoreHealth, View};
use windlass_ui::cockpit::{KeyMap, Mode, Options, gallery, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    let now = clock::now();
    let mut view = gallery::view_at(now);
    match std::env::args().nth(1).as_deref() {
        Some("down") => {
            let error = "connection refused (unix:///run/windlass/redis.sock)".to_owned();
            view.store = StoreHealth::Down { since: now - chrono::TimeDelta::seconds(73), error, protects: None };
        }
        Some("alone") => view.leader = None,
        Some("pools") => view = gallery::with_pools(view),
        Some("empty") => view = View::empty(view.cluster_id, now),
        _ => {}
    }
    let last = view.observation.clone();
    view.observation = last.as_ref().map(|_| Arc::new(gallery::earlier_observation(now, 60)));
    let (views, receiver) = watch::channel(Arc::new(view));
    let (commands, taken) = mpsc::channel(16);
    tokio::spawn(engine(views, taken, now, last.is_some()));
    let options = Options {
        actor: "anna".to_owned(),
        confirm: true,
        keys: KeyMap::default(),
        mode: Mode::Attached,
        lease: gallery::LEASE,
        color: true,
    };
    run(receiver, commands, options).await
}

/// Shows a little history, then answers every command with a refusal.
async fn engine(
    views: watch::Sender<Arc<View>>,
    mut commands: mpsc::Receiver<Command>,
    now: chrono::DateTime<chrono::Utc>,
    history: bool,
) {
    for looks in (0..60).rev().filter(|_| history) {
        views.send_modify(|view| {
            Arc::make_mut(view).observation = Some(Arc::new(gallery::earlier_observation(now, looks)));
        });
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    while let Some(command) = commands.recv().await {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let at = clock::now();
        views.send_modify(|view| {
            let view = Arc::make_mut(view);
            view.at = at;
            let Some(like) = view.events.back().map(|event| event.metadata.clone()) else { return };
            Arc::make_mut(&mut view.events).push_back(Arc::new(refusal(&command, clock::fresh_id(at), at, like)));
        });
    }
}

fn refusal(
    command: &Command,
    event_id: Uuid,
    at: chrono::DateTime<chrono::Utc>,
    metadata: windlass::model::Metadata,
) -> Event {
    let detail = "this is the gallery: nothing is scaled here".to_owned();
    Event {
        event_id,
        timestamp: at,
        source: "gallery".to_owned(),
        data: CommandRefused { command: command.action.name().to_owned(), reason: "gallery".to_owned(), detail }.into(),
        metadata,
        caused_by: Some(command.command_id),
        correlation_id: None,
        actor: command.actor.clone(),
    }
}
