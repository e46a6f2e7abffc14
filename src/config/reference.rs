//! `docs/CONFIGURATION.md`, made from the types.

use std::fmt::Write;

use serde_json::Value;

use super::environment::{NOT_SETTINGS, variable};
use super::schema::settings;

const HEAD: &str = "# Configuration

<!-- Made from the types in src/config: change those, then run `WINDLASS_BLESS=1 cargo test --test config`. -->

Settings come from a YAML file (`$XDG_CONFIG_HOME/windlass/windlass.yaml`, or the one that `WINDLASS_CONFIG` or a flag
names), then from the environment, then from flags; the later one wins. `windlass config default` prints the file with
every default and a comment on each line, `windlass config check` names every mistake in yours, `windlass config schema`
prints a JSON Schema for editors.

In the environment, a list is written `a,b` or `[a, b]`, a group `{a: b}`, and nothing or `null` unsets what may be null.

A duration is written in seconds (`90`) or as whole numbers with their units (`500ms`, `30s`, `5m`, `2h`, `1d`, `1h 30m`),
an amount of memory in bytes or as a whole number with kb, mb or gb, in powers of 1024 (`256mb`). In paths, a leading `~`
is the home directory.

## Settings
";

/// The page, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut section = "";
    for setting in settings() {
        let of = setting.path.split('.').next().unwrap_or_default();
        if of != section {
            section = of;
            let _ = writeln!(page, "\n### {of}\n\n| Setting | Variable | Default | What it does; what is allowed |");
            let _ = writeln!(page, "|---|---|---|---|");
        }
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {} *{}* |",
            setting.path,
            variable(&setting.path),
            default(&setting.default),
            cell(&setting.description),
            cell(&setting.allowed()),
        );
    }
    let _ = writeln!(page, "\n## Variables that are no settings\n\n| Variable | What it does |\n|---|---|");
    for (name, what) in NOT_SETTINGS {
        let _ = writeln!(page, "| `{name}` | {} |", cell(what));
    }
    page
}

fn default(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<String> = items.iter().map(default).collect();
            items.join(", ")
        }
        other => format!("`{other}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('<', "&lt;")
}
