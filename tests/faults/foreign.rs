//! Values under windlass's keys that are not windlass's: of another type, damaged, or of a windlass that is newer.

use windlass::model::Direction;

use crate::dice::Dice;
use crate::fault::Fault;
use crate::functions::FUNCTIONS;
use crate::inject::{Scene, a_while};

/// What somebody leaves there.
const RUBBISH: &str = "{\"left by\": somebody else";
/// What a windlass that does not exist yet may write.
const NEWER: &str = "{\"schema\":99,\"what\":\"nobody knows yet\"}";

/// Puts one somewhere, or two. Who leads has it all in its memory and may never look: so the next one has to.
pub async fn place_one(scene: &Scene<'_>, dice: &mut Dice) {
    for _ in 0..=dice.below(2) {
        let key = some_key(scene, dice);
        let kind = scene.surely(&["TYPE", &key]).await;
        let kind = kind.trim_start_matches('+').trim_end().to_owned();
        scene.record.with(|seen| seen.notes.push(format!("{key} ({kind})")));
        let words: Vec<&str> = match (dice.below(3), kind.as_str()) {
            (0, "string") => {
                scene.surely(&["DEL", &key]).await;
                vec!["RPUSH", &key, RUBBISH]
            }
            (0, _) => vec!["SET", &key, RUBBISH],
            (1, "string") => vec!["SET", &key, NEWER],
            (1, "list") => vec!["LPUSH", &key, NEWER],
            (1, "hash") if key.contains(":workers:") || key.contains(":hold:") => vec!["HSET", &key, "schema", "99"],
            (1, "hash") => vec!["HSET", &key, "01a1f9a3-d86f-731c-96ba-eaf2b40e1fe4", NEWER],
            (_, "list") => vec!["LPUSH", &key, RUBBISH],
            (_, "hash") => vec!["HSET", &key, "status", RUBBISH],
            (_, "set") => vec!["SADD", &key, RUBBISH],
            (_, "stream") => vec!["XADD", &key, "*", "event", RUBBISH],
            _ => vec!["SET", &key, RUBBISH],
        };
        // What is told of it from here on is told in a log that may begin anew.
        scene.forget();
        scene.surely(&words).await;
        a_while(dice, 1, 500).await;
    }
    scene.leader(Fault::Killed, dice).await;
}

/// Any key that windlass reads; those of workers more often, for there are several.
fn some_key(scene: &Scene<'_>, dice: &mut Dice) -> String {
    let keys = scene.store.keys();
    let prefix = keys.worker_prefix().trim_end_matches("workers:").to_owned();
    let mut all: Vec<String> = windlass::store::Keys::TABLE.iter().map(|(key, _)| format!("{prefix}{key}")).collect();
    all.extend(Direction::BOTH.iter().flat_map(|direction| [keys.cooldown(*direction), keys.hold(*direction)]));
    all.extend(FUNCTIONS.iter().map(|(function, ..)| keys.pool(function)));
    all.push(keys.events());
    let workers: Vec<String> = scene.record.with(|seen| seen.containers.keys().cloned().collect());
    all.extend(workers.iter().map(|name| format!("{prefix}workers:{name}")));
    all[dice.below(all.len() as u64) as usize].clone()
}
