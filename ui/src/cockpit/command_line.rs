//! Commands in words, as the palette takes them: `scale up 2 because release`, `hold down 30m deploy`.

use windlass::config::Span;
use windlass::model::{Action, Direction, FunctionName, Scope, WorkerName};

/// What a line of words asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A command to the engine, and why.
    Command(Action, String),
    /// A filter on the timeline.
    Filter(String),
}

/// The commands there are, for the palette's help.
pub const FORMS: [&str; 8] = [
    "scale up|down [N|WORKER] [because WHY]",
    "hold up|down|all [30m] [WHY]",
    "release up|down|all [WHY]",
    "protect|unprotect WORKER [WHY]",
    "reconcile [WHY]",
    "pool up|down FUNCTION [N] [because WHY]",
    "pool drain FUNCTION CONTAINER | wake FUNCTION [WHY]",
    "filter WORDS",
];

/// The hold an operator gets who does not say how long, in seconds; what is asked for is shown before it is sent.
const DEFAULT_HOLD: u64 = 1800;

/// Reads a line. `None`: it does not begin like a command. An error says what is allowed.
#[must_use]
pub fn parse(line: &str) -> Option<Result<Request, String>> {
    let mut words = line.split_whitespace();
    let verb = words.next()?;
    let rest: Vec<&str> = words.collect();
    match verb {
        "scale" => Some(scale(&rest)),
        "hold" => Some(hold(&rest)),
        "release" => Some(release(&rest)),
        "protect" => Some(worker(&rest, |worker| Action::Protect { worker })),
        "unprotect" => Some(worker(&rest, |worker| Action::Unprotect { worker })),
        "reconcile" => Some(Ok(Request::Command(Action::Reconcile, reason(&rest)))),
        "pool" => Some(pool(&rest)),
        "filter" => Some(Ok(Request::Filter(rest.join(" ")))),
        _ => None,
    }
}

fn scale(words: &[&str]) -> Result<Request, String> {
    let direction = match words.first() {
        Some(&"up") => Direction::Up,
        Some(&"down") => Direction::Down,
        _ => return Err("scale which way? write: scale up 2 because WHY, or scale down".to_owned()),
    };
    let rest = &words[1..];
    let (count, worker, rest) = match rest.first().copied() {
        None | Some("because" | "for") => (1, None, rest),
        Some(word) => match word.parse::<u32>() {
            Ok(0) => return Err("0 workers: give a number of at least 1".to_owned()),
            Ok(count) => (count, None, &rest[1..]),
            Err(_) if direction == Direction::Up => {
                return Err(format!("{word:?} is not a number of workers; write: scale up 2 because WHY"));
            }
            Err(_) => {
                let name: WorkerName = word.parse().map_err(|error| format!("{error}"))?;
                (1, Some(name), &rest[1..])
            }
        },
    };
    Ok(Request::Command(Action::Scale { direction, count, worker, honor_cooldown: false }, reason(rest)))
}

fn hold(words: &[&str]) -> Result<Request, String> {
    let scope = scope(words.first().copied(), "hold")?;
    let rest = words[1..].strip_prefix(&["for"]).unwrap_or(&words[1..]);
    let timed = rest.first().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let (seconds, rest) = match timed {
        None => (DEFAULT_HOLD, rest),
        Some(word) => (duration(word)?, &rest[1..]),
    };
    Ok(Request::Command(Action::Hold { scope, seconds }, reason(rest)))
}

/// Reads how long a hold is to last, in seconds.
pub fn duration(word: &str) -> Result<u64, String> {
    let span: Span = word.trim().parse()?;
    match span.get().as_secs() {
        0 => Err(format!("{word:?} is no time at all: write 15m, 1h30m, 2d")),
        seconds => Ok(seconds),
    }
}

fn release(words: &[&str]) -> Result<Request, String> {
    let scope = scope(words.first().copied(), "release")?;
    Ok(Request::Command(Action::Release { scope }, reason(&words[1..])))
}

fn scope(word: Option<&str>, verb: &str) -> Result<Scope, String> {
    match word {
        Some("up") => Ok(Scope::Up),
        Some("down") => Ok(Scope::Down),
        Some("all" | "both") => Ok(Scope::All),
        _ => Err(format!("{verb} what? write: {verb} up, {verb} down or {verb} all")),
    }
}

fn worker(words: &[&str], action: impl Fn(WorkerName) -> Action) -> Result<Request, String> {
    let Some(word) = words.first() else {
        return Err("which worker? write its name".to_owned());
    };
    let name = word.parse().map_err(|error| format!("{error}"))?;
    Ok(Request::Command(action(name), reason(&words[1..])))
}

fn pool(words: &[&str]) -> Result<Request, String> {
    const FORM: &str = "write: pool up NAME 2, pool down NAME, pool drain NAME CONTAINER or pool wake NAME";
    let Some((verb, rest)) = words.split_first() else {
        return Err(format!("what about which pool? {FORM}"));
    };
    let direction = match *verb {
        "up" => Some(Direction::Up),
        "down" => Some(Direction::Down),
        "drain" | "wake" => None,
        _ => return Err(format!("{verb:?} is nothing to do with a pool; {FORM}")),
    };
    let Some((name, rest)) = rest.split_first() else {
        return Err(format!("{verb} which pool? {FORM}"));
    };
    let function: FunctionName = name.parse().map_err(|error| format!("{error}"))?;
    let (action, rest) = match (direction, rest.split_first()) {
        (Some(direction), Some((word, rest))) if !matches!(*word, "because" | "for") => match word.parse::<u32>() {
            Ok(0) => return Err("0 containers: give a number of at least 1".to_owned()),
            Ok(count) => (Action::PoolScale { function, direction, count }, rest),
            Err(_) => return Err(format!("{word:?} is not a number of containers; {FORM}")),
        },
        (Some(direction), _) => (Action::PoolScale { function, direction, count: 1 }, rest),
        (None, _) if *verb == "wake" => (Action::PoolWake { function }, rest),
        (None, Some((container, rest))) => (Action::PoolDrain { function, container: (*container).to_owned() }, rest),
        (None, None) => return Err(format!("drain which container of {function}? {FORM}")),
    };
    Ok(Request::Command(action, reason(rest)))
}

fn reason(words: &[&str]) -> String {
    let words = match words {
        ["because" | "for", rest @ ..] => rest,
        words => words,
    };
    if words.is_empty() { "manual".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> (Action, String) {
        match parse(line) {
            Some(Ok(Request::Command(action, reason))) => (action, reason),
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    fn scale(direction: Direction, count: u32, worker: Option<&str>) -> Action {
        Action::Scale { direction, count, worker: worker.map(|name| name.parse().unwrap()), honor_cooldown: false }
    }

    #[test]
    fn commands_read_as_they_are_said() {
        let hold = |scope, seconds| Action::Hold { scope, seconds };
        let hello = || "hello".parse::<FunctionName>().unwrap();
        let pools = |direction, count| Action::PoolScale { function: hello(), direction, count };
        let cases = [
            ("scale up", scale(Direction::Up, 1, None), "manual"),
            ("scale up 2 because release day", scale(Direction::Up, 2, None), "release day"),
            ("scale down w-9 because it is broken", scale(Direction::Down, 1, Some("w-9")), "it is broken"),
            ("scale down because night", scale(Direction::Down, 1, None), "night"),
            ("hold down 30m deploy", hold(Scope::Down, 1800), "deploy"),
            ("hold all for 1h30m because maintenance", hold(Scope::All, 5400), "maintenance"),
            ("hold up", hold(Scope::Up, 1800), "manual"),
            ("release all", Action::Release { scope: Scope::All }, "manual"),
            ("protect w-1 pinned job", Action::Protect { worker: "w-1".parse().unwrap() }, "pinned job"),
            ("reconcile", Action::Reconcile, "manual"),
            ("pool up hello", pools(Direction::Up, 1), "manual"),
            ("pool up hello 2 because fair", pools(Direction::Up, 2), "fair"),
            ("pool down hello because night", pools(Direction::Down, 1), "night"),
            ("pool wake hello for a test", Action::PoolWake { function: hello() }, "a test"),
            (
                "pool drain hello hello-3 stuck",
                Action::PoolDrain { function: hello(), container: "hello-3".to_owned() },
                "stuck",
            ),
        ];
        for (line, action, reason) in cases {
            assert_eq!(command(line), (action, reason.to_owned()), "{line}");
        }
        assert_eq!(parse("filter type:hold"), Some(Ok(Request::Filter("type:hold".to_owned()))));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        let cases = [
            ("scale", "scale which way?"),
            ("scale up 0", "at least 1"),
            ("scale up many", "not a number"),
            ("scale down Upper", "worker name"),
            ("hold", "hold up, hold down or hold all"),
            ("hold up 5x", "not a duration"),
            ("hold up 0s", "no time at all"),
            ("protect", "which worker?"),
            ("pool", "pool up NAME 2"),
            ("pool sideways hello", "nothing to do with a pool"),
            ("pool up", "up which pool?"),
            ("pool up hello many", "not a number"),
            ("pool up hello 0", "at least 1"),
            ("pool drain hello", "drain which container of hello?"),
            ("pool up Two_Words", "function name"),
        ];
        for (line, part) in cases {
            let error = parse(line).unwrap().unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
        assert_eq!(parse("dance"), None);
        assert_eq!(parse(""), None);
    }
}
