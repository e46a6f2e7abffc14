//! `windlass completions`: what a shell needs to complete our command lines.

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Failure;
use super::screen::Screen;

/// Prints them.
pub fn run(screen: Screen, shell: Shell) -> Result<(), Failure> {
    // Into memory first: the generator panics when its reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "windlass", &mut script);
    screen.text(&String::from_utf8_lossy(&script))
}
