//! The name that an operator's commands carry.

use windlass::model::Actor;

use super::failure::Failure;
use super::global::Global;
use super::settings::Settings;

/// Longer names would only push everything else off the timeline.
const LONGEST: usize = 64;

/// Who gives the commands: the flag, the configuration, the login name, or else "operator".
pub fn actor(global: &Global, settings: &Settings) -> Result<Actor, Failure> {
    let login = ["USER", "LOGNAME"].map(|name| std::env::var(name).ok());
    choose(global.actor.as_deref(), settings.config.cockpit.actor.as_deref(), login)
}

fn choose(flag: Option<&str>, config: Option<&str>, login: [Option<String>; 2]) -> Result<Actor, Failure> {
    for (source, name) in [("--actor", flag), ("cockpit.actor", config)] {
        if let Some(name) = name {
            return match allowed(name) {
                Ok(()) => Ok(Actor::Person(name.trim().to_owned())),
                Err(error) => Err(Failure::Usage(format!("{source} {name:?} is not allowed: {error}"))),
            };
        }
    }
    let login = login.into_iter().flatten().find(|name| allowed(name).is_ok());
    Ok(Actor::Person(login.map_or_else(|| "operator".to_owned(), |name| name.trim().to_owned())))
}

fn allowed(name: &str) -> Result<(), String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {LONGEST} printable characters"));
    }
    if name == Actor::Engine.to_string() {
        return Err("that is what the engine calls itself; give the name of a person".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: [Option<String>; 2] = [None, None];

    fn name(actor: Result<Actor, Failure>) -> String {
        actor.expect("a name").to_string()
    }

    #[test]
    fn the_flag_wins_then_the_configuration_then_the_login() {
        let login = || [Some("ida".to_owned()), Some("ida2".to_owned())];
        assert_eq!(name(choose(Some("anna"), Some("ben"), login())), "anna");
        assert_eq!(name(choose(None, Some("ben"), login())), "ben");
        assert_eq!(name(choose(None, None, login())), "ida");
        assert_eq!(name(choose(None, None, NOBODY)), "operator");
    }

    #[test]
    fn nobody_speaks_for_the_engine() {
        for given in ["engine", " engine ", "", "a\nb"] {
            assert!(matches!(choose(Some(given), None, NOBODY), Err(Failure::Usage(_))), "{given:?}");
        }
        assert_eq!(name(choose(None, None, [Some("engine".to_owned()), Some("ida".to_owned())])), "ida");
    }
}
