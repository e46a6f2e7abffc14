//! The memory report of a real server.

use chrono::DateTime;
use windlass::store::report;

#[path = "support/redis.rs"]
mod redis_support;

use redis_support::TestRedis;

async fn connect(redis: &TestRedis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(redis.url()).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

#[tokio::test]
async fn a_server_that_fills_up_is_reported_with_its_numbers() {
    let redis = TestRedis::with(&["--maxmemory", "8mb", "--maxmemory-policy", "volatile-lru", "--appendonly", "yes"]);
    let mut connection = connect(&redis).await;
    let stream = "{test}:autoscaler_events";
    for _ in 0..3 {
        redis.command(&["XADD", stream, "*", "a", "b"]);
    }
    for number in 0..100 {
        let set = redis.command(&["SET", &format!("big-{number}"), &"x".repeat(60 << 10)]);
        assert_eq!(set, "+OK\r\n");
    }
    let report = report::read(&mut connection, stream, DateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!((report.keys, report.stream_entries), (101, Some(3)));
    assert_eq!(report.max_bytes, Some(8 << 20));
    assert!(report.used_bytes > 5 << 20 && report.rss_bytes > 0 && report.peak_bytes >= report.used_bytes);
    assert!(report.aof && report.persistence_ok && report.clients >= 1);
    assert!(report.latency_ms > 0.0 && report.latency_ms < 1000.0, "{}", report.latency_ms);
    assert!(report.fragmentation_ratio.is_some() && report.allocator_bytes.is_some());
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.what.as_str()).collect();
    assert!(found[0].contains("% of maxmemory"), "{found:#?}");
    assert!(found.iter().any(|what| what.contains("volatile-lru")), "{found:#?}");
}

#[tokio::test]
async fn a_stream_that_does_not_exist_yet_has_no_entries_and_of_another_kind_of_key_it_is_unknown() {
    let redis = TestRedis::start();
    let mut connection = connect(&redis).await;
    let report = report::read(&mut connection, "{test}:none", DateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!((report.keys, report.stream_entries), (0, Some(0)));
    redis.command(&["SET", "text", "1"]);
    let report = report::read(&mut connection, "text", DateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!((report.keys, report.stream_entries), (1, None));
}
