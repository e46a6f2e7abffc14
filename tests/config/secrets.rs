//! What is secret is read and never printed.

use windlass::config::{Config, ConfigErrors, Role, Secret};

use super::{loads, mistakes, text};

#[test]
fn the_password_is_read_and_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "from-file\n").unwrap();
    let sources =
        text("redis: {url: \"redis://ops:in-url@db:6379/1\"}").flag("redis.password_file", path.display().to_string());

    let config = loads(&sources).config;
    assert_eq!(config.redis.password.as_ref().map(Secret::expose), Some("from-file"));
    assert_eq!(config.redis.url.as_deref(), Some("redis://ops:in-url@db:6379/1"));
    let shown = format!("{config:?} {config:#?} {}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("from-file") && !shown.contains("in-url"), "{shown}");
    assert!(shown.contains("redis://ops:***@db:6379/1"), "{shown}");

    let sources = sources.environment([("WINDLASS_REDIS_PASSWORD", "from-env")]);
    let loaded = loads(&sources);
    assert_eq!(loaded.config.redis.password.as_ref().map(Secret::expose), Some("from-env"));
    assert!(!format!("{loaded:?} {sources:?}").contains("from-env"), "neither what was loaded nor its sources show it");
    assert!(!format!("{sources:?}").contains("in-url"));

    for file in [
        "redis: {url: \"http://ops:in-url@db\"}",
        "redis: {url: \"ops:in-url@db\"}",
        "redis: {url: \"redis://ops:in-url@db:port\"}",
        "redis: {url: [\"redis://ops:in-url@db\"]}",
        "redis: {urll: \"redis://ops:in-url@db\"}",
        "redis: {password: in-url}",
        "redis: \"redis://ops:in-url@db\"",
        "workers: {env: {TOKEN: [in-url]}}",
        "workers: {env: in-url}",
        "redis: {password_file: /nowhere/at/all}",
    ] {
        let errors = Config::load(&text(file)).expect_err(file);
        assert_eq!(errors.0.len(), 1, "{errors}");
        assert!(!errors.to_string().contains("in-url") && !format!("{errors:?}").contains("in-url"), "{errors}");
    }
    assert!(mistakes(&text("redis: {password: x}"))[0].to_string().contains("redis.password_file"));
}

#[test]
fn bearer_tokens_are_read_and_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, token: &str| {
        std::fs::write(dir.path().join(name), token).unwrap();
        dir.path().join(name).display().to_string()
    };
    let (good, other, short) =
        (file("good", "anna-s-long-token\n"), file("other", "bert-s-long-token"), file("short", "short"));
    let tokens = |tokens: &str| text(&format!("http: {{listen: \"0.0.0.0:0\", tokens: [{tokens}]}}"));
    let anna = format!("{{name: anna, role: operator, token_file: {good}}}");
    let sources = tokens(&anna).environment([("WINDLASS_HTTP_TOKEN", "from-environment-1")]);
    let loaded = loads(&sources);
    let known: Vec<_> = loaded.config.http.tokens.iter().map(|token| (token.name.as_str(), token.role)).collect();
    assert_eq!(known, [("anna", Role::Operator), ("operator", Role::Operator)]);
    let secrets: Vec<_> = loaded.config.http.tokens.iter().flat_map(|token| &token.token).map(Secret::expose).collect();
    assert_eq!(secrets, ["anna-s-long-token", "from-environment-1"]);
    let shown = format!("{loaded:?} {sources:?} {}", serde_json::to_string(&loaded.config).unwrap());
    assert!(!shown.contains("long-token") && !shown.contains("from-environment"), "{shown}");

    for (sources, expected) in [
        (text("http: {listen: \"0.0.0.0:9464\"}"), "allowed: a loopback address"),
        (text("http: {listen: \"[::]:9464\"}"), "allowed: a loopback address"),
        (
            text("http: {listen: \"localhost:9464\"}"),
            "http.listen: found \"localhost:9464\"; allowed: an IP address and a port",
        ),
        (tokens(&format!("{{name: anna, role: admin, token_file: {good}}}")), "allowed: one of viewer, operator"),
        (tokens("{name: anna, role: viewer, token_file: /nowhere/at/all}"), "which cannot be read"),
        (
            tokens(&format!("{{name: engine, role: viewer, token_file: {good}}}")),
            "that is what the engine calls itself",
        ),
        (tokens(&format!("{{name: anna, role: viewer, token_file: {short}}}")), "fewer than 16 characters"),
        (tokens("{name: anna, role: viewer, token_file: x, token: hunter2}"), "name a file in `token_file`"),
        (tokens("{name: anna, role: viewer}"), "http.tokens[0].token_file: found nothing; allowed: text"),
        (
            tokens(&format!("{anna}, {{name: anna, role: viewer, token_file: {other}}}")),
            "found the name \"anna\" a second time",
        ),
        (
            tokens(&format!("{anna}, {{name: bert, role: viewer, token_file: {good}}}")),
            "the same token as \"anna\" has",
        ),
        (text("").environment([("WINDLASS_HTTP_TOKEN", "hunter2")]), "WINDLASS_HTTP_TOKEN: found a token"),
    ] {
        let errors = ConfigErrors(mistakes(&sources));
        assert!(errors.to_string().contains(expected), "expected {expected}\nfound {errors}");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
    loads(&text("http: {listen: \"0.0.0.0:9464\"}").environment([("WINDLASS_HTTP_TOKEN", "from-environment-1")]));
    loads(&text("http: {listen: \"[::1]:9464\"}"));
}
