//! Reports of panics, and what a panic in the background must not do.

use std::panic;
use std::thread;

use super::failure::Failure;

/// Installs the reports. First of all, so that whatever takes the terminal over later wraps them.
///
/// The cockpit runs on the main thread. A panic there ends the program, and is reported in full on a terminal in order. One on
/// another thread (a handler, a piece of work) is caught where it happened and only logged: printing it would tear the screen.
pub fn install() -> Result<(), Failure> {
    color_eyre::install().map_err(Failure::failed)?;
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tracing::error!(place = ?info.location().map(ToString::to_string), "a panic: {}", message(info));
        if thread::current().name() == Some("main") {
            report(info);
        }
    }));
    Ok(())
}

fn message(info: &panic::PanicHookInfo<'_>) -> String {
    let text = info.payload().downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| info.payload().downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}
