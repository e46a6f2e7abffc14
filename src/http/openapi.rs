//! The API's description (`OpenAPI` 3.1), made from the table of routes and from the types.

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::access::Access;
use super::answer::JSON;
use super::routes::{Answer, Content, Route};
use crate::config::Role;

const ABOUT: &str = "Reads what windlass knows of a cluster, and gives it commands. Unknown values are null; times are RFC 3339 in UTC; \
                     percentages and seconds are numbers. Every answer that is not a success has the form of `ErrorBody`.";

/// The document.
pub(super) fn document(routes: &[Route]) -> Value {
    let mut written = generator(Contract::Serialize);
    let mut read = generator(Contract::Deserialize);
    let mut paths = Map::new();
    for route in routes {
        let operation = operation(route, &mut written, &mut read);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    // What is only written and what is also read have one name and one form, which a test holds on to.
    let mut schemas = read.take_definitions(true);
    schemas.extend(written.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "windlass",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "One of http.tokens."},
            },
        },
    })
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.contract = contract;
    settings.into_generator()
}

fn operation(route: &Route, written: &mut SchemaGenerator, read: &mut SchemaGenerator) -> Value {
    let mut answers = Map::new();
    for answer in &route.answers {
        answers.insert(answer.status.to_string(), response(answer, written));
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "security": security(route.access),
        "responses": answers,
    });
    if let Some(parameters) = route.parameters {
        operation["parameters"] = parameters(read).into();
    }
    if let Some(body) = route.body {
        operation["requestBody"] = json!({"required": true, "content": {JSON: {"schema": body(read)}}});
    }
    operation
}

fn response(answer: &Answer, written: &mut SchemaGenerator) -> Value {
    let content = match answer.content {
        Content::Text(media) => json!({media: {"schema": {"type": "string"}}}),
        Content::Document(schema) => json!({JSON: {"schema": schema(written)}}),
    };
    json!({"description": answer.meaning, "content": content})
}

fn security(access: Access) -> Value {
    match access {
        Access::Open => json!([]),
        // Without tokens, reading is open.
        Access::Needs(Role::Viewer) => json!([{"bearer": []}, {}]),
        Access::Needs(Role::Operator) => json!([{"bearer": []}]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::routes::routes;
    use super::*;

    #[test]
    fn what_is_read_and_written_has_one_form() {
        let routes = routes();
        let (mut written, mut read) = (generator(Contract::Serialize), generator(Contract::Deserialize));
        for route in &routes {
            operation(route, &mut written, &mut read);
        }
        let (written, read) = (written.take_definitions(true), read.take_definitions(true));
        for (name, schema) in &read {
            assert!(written.get(name).is_none_or(|other| other == schema), "{name}");
        }
        assert!(read.contains_key("CommandRequest"));
    }

    #[test]
    fn every_schema_is_valid_and_everything_that_is_pointed_at_is_there() {
        let document = document(&routes());
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(jsonschema::meta::is_valid(schema), "{name}");
        }
        let text = document.to_string();
        let targets: BTreeSet<&str> =
            text.split(r#""$ref":"#).skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
        assert!(targets.len() > 10, "{targets:?}");
        for target in targets {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_what_it_is_for() {
        let routes = routes();
        let names: BTreeSet<&str> = routes.iter().map(|route| route.id).collect();
        assert_eq!(names.len(), routes.len());
        assert!(routes.iter().all(|route| !route.summary.is_empty()));
    }
}
