//! The metrics: what they count, what they leave out, and whether Prometheus itself likes them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::client::{Reply, VIEWER, with_tokens};
use crate::support::engine::brisk;
use crate::{Stage, scale_up};

#[tokio::test]
async fn metrics_count_what_happens_and_leave_out_what_is_unknown() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    assert_eq!(stage.server.command(&scale_up(&json!({}))).await.status, 200);
    assert_eq!(stage.server.command(&scale_up(&json!({"count": 50}))).await.status, 409);
    let hold = json!({"command": "hold", "scope": "down", "seconds": 600, "reason": "audit"});
    assert_eq!(stage.server.command(&hold).await.status, 200);
    let total = r#"windlass_operation_duration_seconds_count{direction="scale_up",step="total"}"#;
    let done = |reply: &Reply| {
        reply.metric(total) >= Some(1.0)
            && reply.metric(r#"windlass_workers{status="ready"}"#) == Some(3.0)
            && reply.metric(r#"windlass_hold_active{direction="scale_down"}"#) == Some(1.0)
            && reply.metric("windlass_cluster_cpu_ratio").is_some()
            // What was just appended is read and acknowledged in a moment.
            && reply.metric(r#"windlass_handler_pending{handler="NodeManager"}"#) == Some(0.0)
            && reply.metric(r#"windlass_handler_lag{handler="NodeManager"}"#) == Some(0.0)
    };
    let metrics = stage.server.until("/metrics", Some(VIEWER), done).await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for (series, value) in [
        (r#"windlass_decisions_total{direction="scale_up",origin="operator",outcome="taken"}"#, 1.0),
        (r#"windlass_commands_refused_total{command="scale",reason="limit"}"#, 1.0),
        (r#"windlass_events_total{severity="warning",type="HoldPlaced"}"#, 1.0),
        (r#"windlass_events_total{severity="critical",type="EmergencyScaleUp"}"#, 0.0),
        (r#"windlass_operation_duration_seconds_count{direction="scale_up",step="created"}"#, 1.0),
        (r#"windlass_operation_duration_seconds_count{direction="scale_up",step="ready"}"#, 1.0),
        (r#"windlass_scalings_total{direction="scale_up"}"#, 2.0),
        (r#"windlass_handler_pending{handler="NodeManager"}"#, 0.0),
        (r#"windlass_handler_lag{handler="NodeManager"}"#, 0.0),
        (r#"windlass_handler_retries_total{handler="NodeManager"}"#, 0.0),
        (r#"windlass_workers{status="unhealthy"}"#, 0.0),
        (r#"windlass_unremovable_workers{reason="permanent"}"#, 0.0),
        (r#"windlass_hold_active{direction="scale_up"}"#, 0.0),
        ("windlass_workers_min", 2.0),
        ("windlass_workers_max", 6.0),
        ("windlass_dead_letters", 0.0),
        ("windlass_minimum_violations_total", 1.0),
        ("windlass_store_up", 1.0),
    ] {
        assert_eq!(metrics.metric(series), Some(value), "{series} in\n{}", metrics.body);
    }
    assert!(metrics.metric("windlass_store_latency_seconds").is_some_and(|seconds| seconds > 0.0 && seconds < 1.0));
    assert!(metrics.metric(r#"windlass_cooldown_remaining_seconds{direction="scale_up"}"#) > Some(0.0));
    assert!(metrics.metric("windlass_cluster_cpu_ratio") <= Some(1.0));
    // Who runs is read every few seconds: the engine of this test may not have been seen yet.
    assert!(metrics.metric("windlass_replicas").is_some_and(|replicas| replicas <= 1.0), "{}", metrics.body);
    for unknown in [
        "windlass_leader",
        r#"windlass_hold_remaining_seconds{direction="scale_up"}"#,
        "windlass_redis_memory_max_bytes",
        r#"windlass_hold_age_seconds{direction="scale_up"}"#,
    ] {
        assert_eq!(metrics.metric(unknown), None, "{unknown} is unknown here, and absent");
    }
    promtool("metrics_count_what_happens_and_leave_out_what_is_unknown", &metrics.body);
    stage.clear().await;
}

/// Prometheus's own judgement of a text. Without promtool the test says so, or fails where `WINDLASS_REQUIRE_REAL=1` forbids that.
fn promtool(test: &str, metrics: &str) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(
            std::env::var("WINDLASS_REQUIRE_REAL").as_deref() != Ok("1"),
            "{test}: promtool is not installed, and WINDLASS_REQUIRE_REAL=1 forbids skipping"
        );
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {test}, the part with promtool: it is not installed (package prometheus)"
        );
        return;
    };
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && words.trim().is_empty(), "{words}\n{metrics}");
}
