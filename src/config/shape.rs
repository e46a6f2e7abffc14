//! What a setting may look like, read from the schema: in plain words for people, and as a guide for reading text.

use serde_json::Value;

use super::pointer;

/// What a value may look like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// A section with these settings.
    Group(Vec<String>),
    /// Names of the operator's own, each with such a value.
    Map(Box<Shape>),
    /// A list of such values.
    List(Box<Shape>),
    /// One of these words.
    Choice(Vec<String>),
    /// True or false.
    Boolean,
    /// A whole number, between bounds.
    Whole(Bounds),
    /// A number, between bounds.
    Number(Bounds),
    /// A number or text with a meaning of its own (a duration, an amount of memory), in words.
    Quantity(String),
    /// Text, with its rule in words where there is one.
    Text(Option<String>),
}

/// A range; both ends are allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
}

impl Bounds {
    fn words(self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!(" from {min} to {max}"),
            (Some(min), None) => format!(", {min} or more"),
            (None, Some(max)) => format!(", {max} or less"),
            (None, None) => String::new(),
        }
    }
}

/// A place in the schema: what may stand there, and whether null may.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// What may stand there.
    pub shape: Shape,
    /// Whether null may.
    pub nullable: bool,
}

impl Place {
    /// The place of a node of the schema.
    pub(super) fn of(root: &Value, node: &Value) -> Self {
        let (node, nullable) = resolve(root, node);
        Self { shape: shape(root, node), nullable }
    }

    /// The place that a pointer into a document leads to; `None` where the schema has nothing.
    pub(super) fn at(root: &Value, at: &str) -> Option<Self> {
        pointer::segments(at)
            .try_fold(root, |node, segment| {
                let (node, _) = resolve(root, node);
                let below = |name: &str| node.get(name).filter(|next| next.is_object());
                let named = node.get("properties").and_then(|properties| properties.get(&segment));
                named.or_else(|| below("additionalProperties")).or_else(|| below("items"))
            })
            .map(|node| Self::of(root, node))
    }

    /// What is allowed, in plain words.
    pub(super) fn words(&self) -> String {
        let words = self.shape.words();
        if self.nullable { format!("{words}, or null") } else { words }
    }
}

impl Shape {
    /// What is allowed, in plain words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Group(names) => format!("a group of settings: {}", names.join(", ")),
            Self::Map(value) => format!("a group of `name: value` lines, each value {}", value.words()),
            Self::List(item) => format!("a list, each item {}", item.words()),
            Self::Choice(words) if words.len() == 1 => words.concat(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Boolean => "true or false".to_owned(),
            Self::Whole(bounds) => format!("a whole number{}", bounds.words()),
            Self::Number(bounds) => format!("a number{}", bounds.words()),
            Self::Quantity(words) => words.clone(),
            Self::Text(rule) => rule.clone().unwrap_or_else(|| "text".to_owned()),
        }
    }
}

/// The node of a property, with what stands beside its reference (its own description).
pub(super) fn property<'a>(root: &'a Value, group: &str, name: &str) -> Option<&'a Value> {
    let group = pointer::segments(group).try_fold(root, |node, segment| {
        resolve(root, node).0.get("properties").and_then(|properties| properties.get(&segment))
    })?;
    resolve(root, group).0.get("properties")?.get(name)
}

/// Follows references, and takes "this or null" apart.
fn resolve<'a>(root: &'a Value, mut node: &'a Value) -> (&'a Value, bool) {
    let mut nullable = false;
    // Our schema is not recursive; the bound only keeps a mistake in it from hanging the program.
    for _ in 0..16 {
        if let Some(target) =
            node.get("$ref").and_then(Value::as_str).and_then(|to| root.pointer(to.trim_start_matches('#')))
        {
            node = target;
            continue;
        }
        let is_null = |option: &Value| option.get("type").and_then(Value::as_str) == Some("null");
        let Some(options) = node.get("anyOf").and_then(Value::as_array) else { break };
        nullable |= options.iter().any(is_null);
        let Some(other) = options.iter().find(|option| !is_null(option)) else { break };
        node = other;
    }
    nullable |= types(node).contains(&"null");
    (node, nullable)
}

fn types(node: &Value) -> Vec<&str> {
    match node.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn shape(root: &Value, node: &Value) -> Shape {
    let types = types(node);
    let rule = node.get("x-allowed").and_then(Value::as_str).map(str::to_owned);
    let bound = |name: &str| node.get(name).and_then(Value::as_f64);
    let bounds = Bounds { min: bound("minimum"), max: bound("maximum") };
    let inner = |name: &str| {
        node.get(name).filter(|next| next.is_object()).map_or(Shape::Text(None), |next| Place::of(root, next).shape)
    };
    if let Some(words) = choices(node) {
        return Shape::Choice(words);
    }
    match (rule, types.as_slice()) {
        (Some(rule), types) if types.len() > 1 => Shape::Quantity(rule),
        (_, types) if types.contains(&"object") => match node.get("properties").and_then(Value::as_object) {
            Some(properties) => Shape::Group(properties.keys().cloned().collect()),
            None => Shape::Map(Box::new(inner("additionalProperties"))),
        },
        (_, types) if types.contains(&"array") => Shape::List(Box::new(inner("items"))),
        (_, types) if types.contains(&"boolean") => Shape::Boolean,
        (_, types) if types.contains(&"integer") => Shape::Whole(bounds),
        (_, types) if types.contains(&"number") => Shape::Number(bounds),
        (rule, _) => Shape::Text(rule),
    }
}

fn choices(node: &Value) -> Option<Vec<String>> {
    let words = |values: Vec<&Value>| values.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(options) = node.get("oneOf").and_then(Value::as_array) {
        // Without documentation on a variant, schemars groups such variants in one `enum`.
        let flat = options.iter().flat_map(|option| {
            let listed = option.get("enum").and_then(Value::as_array).into_iter().flatten();
            option.get("const").into_iter().chain(listed)
        });
        return Some(words(flat.collect()));
    }
    node.get("enum").and_then(Value::as_array).map(|options| words(options.iter().collect()))
}
