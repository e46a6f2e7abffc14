//! The pages that list things are made from the code: a stale one fails here.

use std::fmt::Write as _;
use std::path::Path;

use windlass::model::EventType;
use windlass::store::Keys;

const HINT: &str = "`WINDLASS_BLESS=1 cargo test --test docs`";

fn check(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        std::fs::write(&path, page).expect("the page should be writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/{name} is stale: run {HINT}");
}

#[test]
fn the_page_of_the_events_is_fresh() {
    let mut page = format!(
        "# Events\n\n<!-- Made from src/model/event/catalog.rs: change that, then run {HINT}. -->\n\n\
         Every event is one entry of the stream `{{<cluster id>}}:autoscaler_events`, in its one field `event`, as JSON:\n\
         `event_id` (UUIDv7), `event_type`, `timestamp` (RFC 3339, UTC), `source`, `data`, `metadata` (`cluster_id`, `region`),\n\
         `caused_by` (the event or command that led to it, or null), `correlation_id` (the operation, or null) and `actor`\n\
         (`engine`, or a person's name). Percentages and seconds are numbers; what is unknown is null.\n\n\
         | Event | Severity | When | Data |\n|---|---|---|---|\n"
    );
    for event in EventType::ALL {
        let fields: Vec<_> = event.fields().iter().map(|(name, what)| format!("`{name}`: {}", what.trim())).collect();
        let when = event.when().trim();
        writeln!(page, "| {event} | {} | {when} | {} |", event.severity(), fields.join("; "))
            .expect("a string can be written to");
    }
    check("EVENTS.md", &page);
}

#[test]
fn the_page_of_the_keys_is_fresh() {
    let mut page = format!(
        "# Keys in Redis\n\n<!-- Made from src/store/keys.rs: change that, then run {HINT}. -->\n\n\
         All keys begin with the cluster's hash tag, `{{<cluster id>}}:`, so that clusters share a Redis and Redis Cluster works.\n\
         They are written by one script only (`assets/lua/commit.lua`), which checks the writer's lease epoch; but for `webhooks:*`, the\n\
         books of each target's deliveries, `autoscaler:engine` and `autoscaler:pool_loads`.\n\n\
         Every JSON record and every hash that is a record (`workers:{{name}}`, `hold:*`) carries `schema`, the version of its structure; one\n\
         without it is version 0. Older records are upgraded when they are read; what is written is always current. The seeds' plain\n\
         values (times, counters, the list of permanent names) have no version and stay as the seeds have them, and events are read by\n\
         name, with defaults for what was added since.\n\n\
         A value that is of a foreign type, damaged, or of a newer schema is renamed or moved to `quarantine:{{key}}:{{when}}` by whoever\n\
         leads, and reported by `ValueQuarantined` with what is done without it. Nothing is deleted: look at it, put back what you need, and\n\
         delete the rest yourself.\n\n\
         | Key | What it holds |\n|---|---|\n"
    );
    let more = [
        (
            "workers:{name}",
            "hash: schema, permanent, type, status, created_at, container_id, last_seen, protected (seed 000)",
        ),
        ("cooldown:scale_up, cooldown:scale_down", "string: until when, RFC 3339 (seed 000)"),
        ("hold:scale_up, hold:scale_down", "hash: schema, until, actor, reason, placed_at"),
        ("autoscaler_events (autoscaler.events.event_bus.stream_name)", "stream of events"),
        (
            "autoscaler_events:dead",
            "stream of events that a handler could not deal with: event, entry, handler, error, tries",
        ),
        (
            "command:{id}",
            "string with a time to live: a command whose client gave the id, so that giving it again does nothing more",
        ),
        (
            "webhooks:{target}",
            "hash: last_success, last_failure, last_error, consecutive_failures, next_attempt, delivered, dropped",
        ),
        ("webhooks:{target}:delivered", "sorted set of the ids of events delivered lately, by when (ms), capped"),
        (
            "autoscaler:pool:{function}",
            "string: JSON, a function pool's record, 24 h to live, refreshed while the pool lives (seed 001)",
        ),
        ("autoscaler:metadata", "string: JSON, about all pools: version, last_cleanup, total_pools (seed 001)"),
        ("autoscaler:pool_loads", "hash of JSON by function: what was last measured of its containers, 24 h to live"),
        (
            "quarantine:{key}:{when}",
            "what stood under the key and could not be read, as it was; a field, entry or member in a key of its type",
        ),
        ("tx:{id}", "string with a time to live: marks a transaction as applied while it may be tried again"),
    ];
    for (key, what) in Keys::TABLE.iter().chain(&more) {
        writeln!(page, "| `{key}` | {} |", what.trim()).expect("a string can be written to");
    }
    check("KEYS.md", &page);
}
