//! The program `windlass`: the command line around the engine and the cockpit.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
