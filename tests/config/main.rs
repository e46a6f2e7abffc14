//! The configuration as operators meet it: files, variables and flags in, a configuration or all mistakes out.

mod any;
mod documented;
mod mistakes;
mod rules;
mod secrets;
mod sources;
mod targets;

use windlass::config::{Config, ConfigFile, Loaded, Mistake, Sources};

fn text(text: &str) -> Sources {
    Sources::new().file(ConfigFile::Text("windlass.yaml".into(), text.to_owned()))
}

fn mistakes(sources: &Sources) -> Vec<Mistake> {
    Config::load(sources).expect_err("there are mistakes").0
}

fn loads(sources: &Sources) -> Loaded {
    Config::load(sources).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Line and field of each.
fn places(mistakes: &[Mistake]) -> Vec<(usize, &str)> {
    mistakes.iter().map(|mistake| (mistake.origin.line.unwrap_or(0), mistake.field.as_str())).collect()
}
