//! Asking a person before something is taken away.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::cli::Context;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;
use crate::cli::screen::note;

/// A person at a terminal is asked, unless they said `--yes`; a script is not.
pub fn is_asked(context: &Context, yes: bool, form: Form) -> bool {
    let person = io::stdin().is_terminal() && io::stderr().is_terminal();
    person && !yes && !form.json && context.settings.config.cockpit.confirm
}

/// Asks; anything but a yes ends the command with nothing changed.
pub async fn agree(question: String) -> Result<(), Failure> {
    let answer = tokio::task::spawn_blocking(move || ask(&question)).await.map_err(Failure::failed)??;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    note("nothing was changed");
    Err(Failure::Told)
}

fn ask(question: &str) -> io::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}
