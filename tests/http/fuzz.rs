//! Requests made from the API's own description, right and wrong ones, and answers held against it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

use super::client::{OPERATOR, Reply, Request, VIEWER};

/// The API as it describes itself.
#[derive(Clone)]
pub struct Api {
    document: Value,
}

impl Api {
    /// From the served document.
    pub fn new(document: Value) -> Self {
        Self { document }
    }

    /// Any request to any operation.
    pub fn requests(&self) -> BoxedStrategy<(String, Request)> {
        let paths = self.document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
        });
        // What reads a body has more ways to go wrong than all others together.
        let weigh = |operation: &Value| if operation["requestBody"].is_object() { 10 } else { 1 };
        let weighted =
            operations.map(|(path, method, operation)| (weigh(operation), self.request(path, method, operation)));
        proptest::strategy::Union::new_weighted(weighted.collect()).boxed()
    }

    fn request(&self, path: &str, method: &str, operation: &Value) -> BoxedStrategy<(String, Request)> {
        let (path, method) = (path.to_owned(), method.to_owned());
        let token = prop_oneof![
            8 => Just(Some(OPERATOR.to_owned())),
            1 => Just(Some(VIEWER.to_owned())),
            1 => Just(None),
            1 => "[ -~]{0,40}".prop_map(Some),
        ];
        // What stands in a path's braces.
        let segment = prop_oneof![1 => Just("hello".to_owned()), 3 => "[ -~\u{e4}]{1,12}"];
        (self.query(operation), token, self.body(operation), segment)
            .prop_map(move |(query, token, body, segment)| {
                let address = format!("{}{query}", path.replace("{function}", &percent(&segment)));
                (path.clone(), Request { method: method.to_ascii_uppercase(), path: address, host: None, token, body })
            })
            .boxed()
    }

    fn query(&self, operation: &Value) -> BoxedStrategy<String> {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut pairs = vec![("[a-z]{1,8}", "[ -~\u{e4}]{0,12}").prop_map(|(name, text)| (name, text)).boxed()];
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap().to_owned();
            let schema = if parameter["schema"]["items"].is_null() {
                &parameter["schema"]
            } else {
                &parameter["schema"]["items"]
            };
            let right =
                self.value(schema).prop_map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let text = prop_oneof![6 => right, 1 => "[ -~\u{e4}]{0,12}"];
            pairs.push(text.prop_map(move |text| (name.clone(), text)).boxed());
        }
        let query = prop::collection::vec(proptest::strategy::Union::new(pairs), 1..4);
        let query = query.prop_map(|pairs| {
            let pairs: Vec<String> = pairs.iter().map(|(name, text)| format!("{name}={}", percent(text))).collect();
            format!("?{}", pairs.join("&"))
        });
        // What is no URI at all is answered by the protocol, not by the API.
        prop_oneof![Just(String::new()), query, "\\?[!$-;=?-~]{0,20}"].boxed()
    }

    fn body(&self, operation: &Value) -> BoxedStrategy<Option<(String, Vec<u8>)>> {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            return Just(None).boxed();
        }
        let right = self.value(schema);
        let spoiled =
            (self.value(schema), "[a-z_]{1,12}", anything(), 0..3_u8).prop_map(|(mut value, name, other, how)| {
                if let Value::Object(fields) = &mut value {
                    let known: Vec<String> = fields.keys().cloned().collect();
                    let one = known[name.len() % known.len()].clone();
                    match how {
                        0 => fields.remove(&one),
                        1 => fields.insert(one, other),
                        _ => fields.insert(name, other),
                    };
                }
                value
            });
        let bytes = prop_oneof![
            8 => right.prop_map(|value| value.to_string().into_bytes()),
            8 => spoiled.prop_map(|value| value.to_string().into_bytes()),
            2 => anything().prop_map(|value| value.to_string().into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..64),
            1 => Just(vec![b' '; 70_000]),
        ];
        let media = prop_oneof![
            20 => Just("application/json".to_owned()),
            1 => Just("application/json; charset=utf-8".to_owned()),
            1 => "[ -~]{0,20}",
        ];
        (media, bytes).prop_map(Some).boxed()
    }

    /// Any value that a schema allows.
    fn value(&self, schema: &Value) -> BoxedStrategy<Value> {
        if let Some(target) = schema["$ref"].as_str() {
            return self.value(self.document.pointer(target.trim_start_matches('#')).unwrap());
        }
        if let Some(options) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            return proptest::strategy::Union::new(options.iter().map(|option| self.value(option))).boxed();
        }
        if !schema["const"].is_null() {
            return Just(schema["const"].clone()).boxed();
        }
        if let Some(words) = schema["enum"].as_array() {
            return prop::sample::select(words.clone()).boxed();
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind {
            Some("null") => Just(Value::Null).boxed(),
            Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
            Some("integer") => {
                let least = schema["minimum"].as_u64().unwrap_or(0);
                prop_oneof![least..least + 5, least..=schema["maximum"].as_u64().unwrap_or(u64::MAX)]
                    .prop_map(Value::from)
                    .boxed()
            }
            Some("string") => {
                let pattern =
                    schema["pattern"].as_str().unwrap_or(".{0,20}").trim_start_matches('^').trim_end_matches('$');
                string_regex(pattern).unwrap().prop_map(Value::from).boxed()
            }
            Some("object") => self.object(schema),
            other => panic!("nothing is made for {other:?}: {schema}"),
        }
    }

    fn object(&self, schema: &Value) -> BoxedStrategy<Value> {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fields = schema["properties"].as_object().unwrap().iter().map(|(name, schema)| {
            let field_name = name.clone();
            let name = name.clone();
            let field = self.value(schema).prop_map(move |value| (name.clone(), value));
            if required.contains(&field_name.as_str()) {
                field.prop_map(Some).boxed()
            } else {
                prop::option::weighted(0.3, field).boxed()
            }
        });
        fields
            .collect::<Vec<_>>()
            .prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>()))
            .boxed()
    }

    /// Whether an answer is one that the description has, in every respect.
    pub fn judge(&self, path: &str, method: &str, reply: &Reply) -> Result<(), String> {
        let operation = &self.document["paths"][path][method.to_ascii_lowercase()];
        let answer = &operation["responses"][reply.status.to_string()];
        let Some(content) = answer["content"].as_object() else {
            return Err(format!("{method} {path} answers {}, which is not documented", reply.status));
        };
        let media = reply.header("content-type").unwrap_or_default();
        let Some(schema) = content.get(media).map(|content| &content["schema"]) else {
            return Err(format!("{method} {path} answers {media:?}, which is not documented"));
        };
        let value = if media == "application/json" {
            serde_json::from_str(&reply.body).map_err(|error| error.to_string())?
        } else {
            Value::from(reply.body.as_str())
        };
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
        let flaws: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if flaws.is_empty() {
            Ok(())
        } else {
            Err(format!("{method} {path} {}: {}\n{value}", reply.status, flaws.join("; ")))
        }
    }
}

/// How often each status came of each operation.
pub type Tally = BTreeMap<(String, u16), u32>;

fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("reconcile")),
        Just(json!("\u{7}\u{0}")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,10}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .boxed()
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
