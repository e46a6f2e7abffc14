//! The cockpit in a real terminal: somebody looks, takes the handle, and leaves; whatever ends it, the terminal is as it was.

use std::process::Command;

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;
#[path = "support/terminal.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod terminal;

use program::{Home, runs, signal};
use terminal::{Size, Terminal};

const DEMO: [&str; 3] = ["demo", "--scenario", "quiet"];
const SMALL: Size = (80, 24);
const LARGE: Size = (160, 48);

fn ready(terminal: &Terminal, workers: usize) {
    terminal
        .shows(&format!("{workers} ready workers"), |screen| screen.contents().matches("● ready").count() == workers);
}

/// Nothing that has to do with this home may be left: no windlass, no redis-server.
fn nothing_is_left(home: &Home, server: u32) {
    assert!(!runs(server), "the Redis server {server} still runs");
    let all = Command::new("ps").args(["-eo", "pid=,args="]).output().expect("ps");
    let all = String::from_utf8_lossy(&all.stdout).into_owned();
    let place = home.path("data");
    let place = place.to_str().expect("a path");
    let left: Vec<_> = all.lines().filter(|line| line.contains(place)).collect();
    assert!(left.is_empty(), "{left:#?}");
}

fn a_whole_visit(size: Size, other: Size) {
    let home = Home::new();
    let mut terminal = Terminal::start(&home.command(&DEMO), size);
    ready(&terminal, 2);
    terminal.says(&["windlass", "demo", "● leader", "k3s-worker-1", "k3s-worker-2", "quit"]);
    assert!(terminal.is_raw());
    let server = home.server().expect("a server");

    terminal.press("u");
    terminal.says(&["scale up by 1?", "workers 2 → 3"]);
    terminal.press("y");
    terminal.says(&["taken: scale up 2 → 3"]);
    ready(&terminal, 3);
    terminal.says(&["k3s-worker-3"]);

    terminal.press("h");
    terminal.says(&["hold what?"]);
    terminal.press("d");
    terminal.says(&["hold scaling down for how long?"]);
    terminal.press("2");
    terminal.says(&["hold scaling down", "why"]);
    terminal.press("night shift\r");
    terminal.says(&["taken: ", "HELD", "tester: night"]);

    terminal.resize((60, 12));
    terminal.says(&["windlass needs 80x24, there is 60x12"]);
    terminal.resize(other);
    let (columns, rows) = other;
    terminal.shows("the whole of the other size", |screen| {
        let lines: Vec<String> = screen.rows(0, columns).collect();
        let frame = lines.iter().filter(|line| line.chars().count() == usize::from(columns) && line.ends_with('│'));
        lines[usize::from(rows) - 1].contains("q quit") && frame.count() > 4
    });
    ready(&terminal, 3);

    terminal.press("q");
    let status = terminal.ends();
    assert_eq!(status.exit_code(), 0, "{}", terminal.text());
    terminal.is_restored();
    nothing_is_left(&home, server);
}

#[test]
fn a_whole_visit_on_a_small_terminal() {
    a_whole_visit(SMALL, (133, 40));
}

#[test]
fn a_whole_visit_on_a_large_terminal() {
    a_whole_visit(LARGE, SMALL);
}

#[test]
fn a_signal_ends_it_as_a_key_does() {
    for name in ["-TERM", "-HUP"] {
        let home = Home::new();
        let mut terminal = Terminal::start(&home.command(&DEMO), SMALL);
        ready(&terminal, 2);
        assert!(terminal.is_raw());
        let server = home.server().expect("a server");
        signal(name, terminal.pid());
        let status = terminal.ends();
        assert_eq!((status.exit_code(), status.signal()), (0, None), "{name}: {}", terminal.text());
        terminal.is_restored();
        nothing_is_left(&home, server);
    }
}

/// A shell with job control starts the program, says when it has stopped, and brings it back after Enter.
fn job(command: &Command) -> Command {
    let script = r#"set -m; "$0" "$@"; echo "stopped: $?"; read -r _; fg >/dev/null; echo "ended: $?""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// The program that this shell runs.
fn child_of(shell: u32) -> u32 {
    let all = Command::new("ps").args(["-o", "pid=", "--ppid", &shell.to_string()]).output().expect("ps");
    let all = String::from_utf8_lossy(&all.stdout).into_owned();
    let children: Vec<u32> = all.split_whitespace().map(|pid| pid.parse().expect("a process")).collect();
    assert_eq!(children.len(), 1, "the children of the shell {shell}: {children:?}");
    children[0]
}

/// How a stop is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Key,
    Signal,
    /// With the one that no program hears of before it has stopped.
    Force,
}

fn it_stops_and_comes_back(how: Stop) {
    let home = Home::new();
    let mut terminal = Terminal::start(&job(&home.command(&DEMO)), SMALL);
    ready(&terminal, 2);
    let server = home.server().expect("a server");

    match how {
        Stop::Key => terminal.press("\x1a"),
        Stop::Signal => signal("-TSTP", child_of(terminal.pid())),
        Stop::Force => signal("-STOP", child_of(terminal.pid())),
    }
    terminal.says(&["stopped: 1"]);
    if how != Stop::Force {
        terminal.is_restored();
    }
    // The second key is there before the program is: it must be neither lost nor kept back until the next one.
    terminal.press("\n?");
    terminal.says(&["take the handle"]);
    terminal.press("\x1b");
    ready(&terminal, 2);
    terminal.shows("the alternate screen, and no word of the shell", |screen| {
        screen.alternate_screen() && !screen.contents().contains("stopped")
    });
    assert!(terminal.is_raw());

    terminal.press("q");
    terminal.says(&["ended: 0"]);
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
    nothing_is_left(&home, server);
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    it_stops_and_comes_back(Stop::Key);
}

#[test]
fn a_stop_from_outside_does_what_ctrl_z_does() {
    it_stops_and_comes_back(Stop::Signal);
}

#[test]
fn after_a_stop_that_it_cannot_hear_of_the_screen_is_drawn_anew() {
    it_stops_and_comes_back(Stop::Force);
}

#[test]
fn ctrl_z_where_no_shell_could_continue_it_does_not_stop_it() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home.command(&DEMO), SMALL);
    ready(&terminal, 2);
    let server = home.server().expect("a server");
    terminal.press("\x1a");
    signal("-TSTP", terminal.pid());
    terminal.press("?");
    terminal.says(&["take the handle"]);
    terminal.press("qq");
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
    nothing_is_left(&home, server);
}
