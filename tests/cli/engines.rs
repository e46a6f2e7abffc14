//! One engine after another: who leads, and who keeps the Redis server.

use std::fs;

use std::process::Stdio;

use super::program::{Engine, Home, runs, until};
use super::redis::TestRedis;
use super::{mentions, worker_names};

#[test]
fn the_second_engine_follows_and_takes_over_at_once() {
    let home = Home::new();
    let mut first = home.engine();
    let server = home.server().expect("a server");
    let mut second = home.another_engine();
    let log = || fs::read_to_string(home.path("engine.log")).unwrap_or_default();
    until("the second one follows", || log().contains("this replica follows"));
    assert_eq!(home.server(), Some(server), "one server is enough");
    let replica = home.demo(&["status", "--json"]).json()["leader"]["replica"].clone();
    assert!(replica.as_str().is_some_and(|replica| replica.contains(&format!(":{}:", first.pid()))), "{replica}");

    assert_eq!(first.end("-TERM"), Some(0));
    until("the second one leads", || log().contains("this replica leads"));
    assert!(runs(server), "the server stays for the second one");
    assert_eq!(worker_names(&home).len(), 2);
    assert_eq!(second.end("-INT"), Some(0));
    assert!(!runs(server), "the last one out stops the server");
}

#[test]
fn after_a_kill_the_next_engine_adopts_the_server_and_remembers() {
    let home = Home::new();
    let mut first = home.engine();
    home.demo(&["hold", "down", "--for", "1h", "--reason", "remember me"]).expect(0);
    let server = home.server().expect("a server");
    let names = worker_names(&home);
    first.end("-KILL");
    assert!(runs(server), "a kill leaves the server");

    // A command that prints facts would be the last one out, and stop the server: only the engine is started here.
    let mut second = home.another_engine();
    let log = || fs::read_to_string(home.path("engine.log")).unwrap_or_default();
    until("the second one leads", || log().contains("this replica leads"));
    assert_eq!(home.server(), Some(server), "the server is adopted");
    assert_eq!(worker_names(&home), names);
    assert_eq!(home.demo(&["status", "--json"]).json()["holds"]["scale_down"]["reason"], "remember me");
    assert_eq!(second.end("-TERM"), Some(0));
    assert!(!runs(server));
}

/// An engine on a Redis of somebody else's, and its log.
fn engine_on(home: &Home, redis: &TestRedis) -> Engine {
    let log = fs::File::create(home.path("engine.log")).expect("a log");
    let url = format!("unix://{}", redis.socket().display());
    let mut command = home.command(&["run", "--redis-url", &url, "--cluster", "c1"]);
    Engine(command.stdout(Stdio::null()).stderr(log).spawn().expect("the engine starts"))
}

#[test]
fn an_engine_that_starts_before_its_redis_waits_for_it() {
    let (home, mut redis) = (Home::new(), TestRedis::durable());
    redis.kill();
    let mut engine = engine_on(&home, &redis);
    let log = || fs::read_to_string(home.path("engine.log")).unwrap_or_default();
    until("it says what is missing", || log().contains("start Redis there"));
    redis.restart();
    until("it leads", || log().contains("this replica leads"));
    assert_eq!(log().matches("Redis cannot be used yet").count(), 1, "{}", log());
    assert_eq!(engine.end("-TERM"), Some(0));

    redis.kill();
    let mut engine = engine_on(&home, &redis);
    until("it waits again", || log().contains("start Redis there"));
    assert_eq!(engine.end("-TERM"), Some(0), "{}", log());
}

#[test]
fn an_engine_with_a_wrong_password_does_not_wait() {
    let (home, redis) = (Home::new(), TestRedis::start());
    redis.command(&["CONFIG", "SET", "requirepass", "secret"]);
    let url = format!("unix://{}", redis.socket().display());
    let ended = home.run(&["run", "--redis-url", &url]).expect(1);
    mentions(&ended, &["correct `redis.username` and `redis.password`"]);
}
