//! Does anybody lag behind on the streams?

use windlass::store::{GroupLook, Store};
use windlass_ui::format;

use super::check::Check;
use crate::cli::failure::Failure;

/// More unread entries than this are not worked off in passing.
const LAG: u64 = 1000;

/// The streams and the dead letters.
pub async fn checks(store: &Store) -> Result<Vec<Check>, Failure> {
    let look = store.inspect().await?;
    let mut checks = Vec::new();
    let groups: Vec<&GroupLook> = look.events.groups.iter().chain(&look.commands.groups).collect();
    let behind = |group: &GroupLook| group.pending > LAG || group.lag.is_some_and(|lag| lag > LAG);
    let entries = format::plural(look.events.length, "event");
    let (late, told): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| behind(group));
    if late.is_empty() {
        let groups = if told.is_empty() { "no engine has run yet".to_owned() } else { list(&told) };
        checks.push(Check::ok("streams", format_args!("{entries}\n{groups}")));
    } else {
        let remedy = "the engine is slow or away; when it does not catch up, its log tells why";
        checks.push(Check::warning("streams", format_args!("{entries}; behind:\n{}", list(&late)), remedy));
    }
    checks.push(if look.dead_letters == 0 {
        Check::ok("dead letters", "none")
    } else {
        let found = format!("{} could not be dealt with", format::plural(look.dead_letters, "event"));
        let remedy = "`windlass events dead` tells which and why; `events dead retry` or `drop` works them off";
        Check::warning("dead letters", found, remedy)
    });
    Ok(checks)
}

fn list(groups: &[&GroupLook]) -> String {
    let line = |group: &&GroupLook| {
        let lag = group.lag.map_or_else(|| format::UNKNOWN.to_owned(), |lag| lag.to_string());
        format!("{}: {} pending, {lag} unread", group.name, group.pending)
    };
    groups.iter().map(line).collect::<Vec<_>>().join("\n")
}
