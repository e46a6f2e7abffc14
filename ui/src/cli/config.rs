//! `windlass config`: the default, the check of a file, the schema, and what is in force.

use std::path::PathBuf;

use clap::Subcommand;
use windlass::config::paths::Places;
use windlass::config::{self, Config, ConfigFile, Sources};

use super::failure::Failure;
use super::global::Global;
use super::screen::{Screen, note};
use super::settings;

/// What about the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the documented default: every setting with what it means
    Default,
    /// Check a file, or the configuration in force; tells every mistake at once
    Check {
        /// The file [default: the one that is in force, with environment and flags]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema, for editors
    Schema,
    /// Print what is in force, secrets hidden
    Show,
}

/// Does it.
pub fn run(global: &Global, screen: Screen, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Default => screen.text(config::DEFAULT),
        Command::Schema => screen.document(&config::schema()),
        Command::Check { file } => check(global, screen, file.as_ref()),
        Command::Show => show(global, screen),
    }
}

/// A named file is checked by itself: neither environment nor flags of this run are part of it.
fn check(global: &Global, screen: Screen, file: Option<&PathBuf>) -> Result<(), Failure> {
    let sources = match file {
        Some(file) => {
            let sources = Sources::new().file(ConfigFile::Required(file.clone()));
            settings::with_home(sources, Places::of_user().ok().as_ref(), &[])
        }
        None => settings::sources(global).environment(std::env::vars_os()),
    };
    match Config::load(&sources) {
        Ok(loaded) => match loaded.file {
            Some(file) => screen.line(format_args!("{}: in order", file.display())),
            None => screen.line("in order; no file was found, the defaults are in force"),
        },
        Err(mistakes) => {
            note(mistakes);
            Err(Failure::Told)
        }
    }
}

fn show(global: &Global, screen: Screen) -> Result<(), Failure> {
    let settings = settings::load(global)?;
    screen.document(settings.config.as_ref())
}
