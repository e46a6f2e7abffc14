//! The loop around `update` and `draw`: keys, pictures, signals and time in; commands out.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::WrapErr;
use crossterm::event::{Event as TerminalEvent, EventStream};
use futures::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use windlass::clock;
use windlass::model::{Action, Actor, Command, View};

use super::message::{Effect, Message};
use super::signals::{Asked, Signals, has_job_control};
use super::terminal::Screen;
use super::{Options, Theme, open, update};

/// Shows pictures and sends commands until the operator quits or the process is told to end. Install color-eyre before.
pub async fn run(
    mut views: watch::Receiver<Arc<View>>,
    commands: mpsc::Sender<Command>,
    options: Options,
) -> color_eyre::Result<()> {
    let mut signals = Signals::new().wrap_err("cannot listen for signals")?;
    let mut screen = Screen::take().wrap_err("cannot take the terminal over: is this a terminal?")?;
    let size = screen.size().wrap_err("cannot ask the terminal for its size")?;
    let actor = Actor::from(options.actor.clone());
    let first = Arc::clone(&views.borrow_and_update());
    let theme = if options.color { Theme::from_environment() } else { Theme::plain() };
    let mut model = open(options, theme, size, first);
    let mut keys = EventStream::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);

    loop {
        if model.take_stale_screen() {
            screen.draw(&model).wrap_err("cannot draw on the terminal")?;
        }
        let message = tokio::select! {
            biased;
            asked = signals.any() => match answer(asked, &mut signals, &mut screen).await? {
                Some(message) => message,
                None => return Ok(()),
            },
            event = keys.next() => match event {
                Some(Ok(event)) => match message_of(event) {
                    Some(message) => message,
                    None => continue,
                },
                Some(Err(error)) => return Err(error).wrap_err("cannot read from the terminal"),
                // The terminal is gone.
                None => return Ok(()),
            },
            changed = views.changed(), if !model.ended => match changed {
                Ok(()) => Message::View(Arc::clone(&views.borrow_and_update())),
                Err(_) => Message::ViewsEnded,
            },
            _ = ticks.tick() => Message::Tick(clock::now()),
        };
        let mut effects = update(&mut model, message);
        while let Some(effect) = effects.pop() {
            match effect {
                Effect::Quit => return Ok(()),
                Effect::Send { action, reason } => {
                    effects.extend(update(&mut model, send(&commands, &actor, action, reason)));
                }
                // The signal that comes of it does the rest, as it does when somebody else sends it.
                Effect::Suspend => Signals::ask_job_to_stop().wrap_err("cannot suspend")?,
            }
        }
    }
}

/// Does what a signal asks for. `None`: the cockpit ends.
///
/// The reader of keys stays as it is meanwhile: dropping it leaves a wake-up behind that hides the first key after `fg` until there is
/// a second one.
async fn answer(asked: Asked, signals: &mut Signals, screen: &mut Screen) -> color_eyre::Result<Option<Message>> {
    let mut asked = asked;
    if asked == Asked::Stop && has_job_control() {
        screen.give_back();
        asked = signals.stop().await.wrap_err("cannot suspend")?;
    }
    match asked {
        Asked::End => Ok(None),
        Asked::Stop | Asked::Continue => {
            screen.take_again().wrap_err("cannot take the terminal over again")?;
            let size = screen.size().wrap_err("cannot ask the terminal for its size")?;
            Ok(Some(Message::Resize(size.width, size.height)))
        }
    }
}

fn message_of(event: TerminalEvent) -> Option<Message> {
    match event {
        TerminalEvent::Key(key) if key.is_press() => Some(Message::Key(key)),
        TerminalEvent::Paste(text) => Some(Message::Paste(text)),
        TerminalEvent::Resize(width, height) => Some(Message::Resize(width, height)),
        _ => None,
    }
}

/// Hands a command over without waiting: a full queue means that nothing takes commands.
fn send(commands: &mpsc::Sender<Command>, actor: &Actor, action: Action, reason: String) -> Message {
    let at = clock::now();
    let command_id = clock::fresh_id(at);
    let command = Command { command_id, issued_at: at, actor: actor.clone(), reason, action: action.clone() };
    match commands.try_send(command) {
        Ok(()) => Message::Sent { command_id, action, at },
        Err(_) => Message::SendFailed { action },
    }
}
