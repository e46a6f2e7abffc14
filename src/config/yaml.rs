//! YAML text into a JSON value that remembers its lines. What cannot be read is noted with line and column, and the rest
//! is read all the same.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, ScanError, YamlData};
use serde_json::{Map, Number, Value};

use super::pointer;

/// More is no configuration, and deep nesting in it could exhaust the stack of the parser.
const MAX_BYTES: usize = 256 * 1024;
/// The deepest indentation, in bytes, for the same reason.
const MAX_INDENT: usize = 200;
/// The most `- - -` on one line, again for it.
const MAX_NESTED_ON_A_LINE: usize = 32;
/// The most repeated keys that are reported one by one.
const MAX_DUPLICATES: usize = 64;
/// Put before a repeated key (a private-use character), so that the parser goes on and the key is told apart.
const DUPLICATE: char = '\u{E000}';

/// What a text says.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Its value; `None` where the syntax is broken.
    pub value: Option<Value>,
    /// The line of every place in it, from 1.
    pub lines: BTreeMap<String, usize>,
    /// What could not be read.
    pub flaws: Vec<Flaw>,
    /// What repeated keys set, each at the place of its key: a flaw already, but there may be mistakes in it too.
    pub repeats: Vec<Document>,
}

/// Something that could not be read.
#[derive(Debug)]
pub(super) struct Flaw {
    /// The place it belongs to; the root for broken syntax.
    pub pointer: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What it is.
    pub found: String,
    /// What may stand there.
    pub allowed: &'static str,
    /// What to do.
    pub hint: Option<String>,
}

/// Reads a file's text.
pub(super) fn parse(text: &str) -> Document {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(flaw) = excess(text) {
        return Document { flaws: vec![flaw], ..Document::default() };
    }
    let mut text = text.to_owned();
    for _ in 0..=MAX_DUPLICATES {
        let marked = match MarkedYaml::load_from_str(&text) {
            Ok(documents) => return read(&documents),
            Err(error) if error.info().starts_with("duplicated key") => mark_duplicate(&text, error.marker().index()),
            Err(error) => return Document { flaws: vec![syntax(&text, &error)], ..Document::default() },
        };
        text = marked;
    }
    let flaw = whole("so many repeated names that reading stopped", "every name once in its group");
    Document { flaws: vec![flaw], ..Document::default() }
}

/// Reads the text of an environment variable or a flag; `None` where it is no YAML.
pub(super) fn inline(text: &str) -> Option<Value> {
    let document = parse(text);
    document.value.filter(|_| document.flaws.is_empty())
}

fn whole(found: &str, allowed: &'static str) -> Flaw {
    Flaw { pointer: String::new(), line: 1, column: 1, found: found.to_owned(), allowed, hint: None }
}

fn excess(text: &str) -> Option<Flaw> {
    if text.len() > MAX_BYTES {
        return Some(whole(
            "a file of more than 256 kb",
            "a configuration file: the documented default has less than 12 kb",
        ));
    }
    // How deep a line opens, at the most: its indentation, and what it opens before its first word.
    let opens = |word: &&str| matches!(*word, "-" | "?" | ":") || word.starts_with(['&', '!']);
    let deep = |line: &str| {
        let indented = line.len() - line.trim_start().len();
        indented > MAX_INDENT || line.split_whitespace().take_while(opens).count() > MAX_NESTED_ON_A_LINE
    };
    let (at, _) = text.lines().enumerate().find(|(_, line)| deep(line))?;
    Some(Flaw {
        line: at + 1,
        ..whole("groups in groups in groups, or a deep indentation", "no deeper than the settings go")
    })
}

fn mark_duplicate(text: &str, index: usize) -> String {
    let mut marked = String::with_capacity(text.len() + DUPLICATE.len_utf8());
    for (at, c) in text.chars().enumerate() {
        let quote = matches!(c, '"' | '\'');
        if at == index && !quote {
            marked.push(DUPLICATE);
        }
        marked.push(c);
        if at == index && quote {
            marked.push(DUPLICATE);
        }
    }
    marked
}

fn syntax(text: &str, error: &ScanError) -> Flaw {
    let line = error.marker().line();
    // The parser may notice only on the line after.
    let tabbed = |number: usize| {
        let line = number.checked_sub(1).and_then(|at| text.lines().nth(at)).unwrap_or_default();
        line.trim_start_matches(' ').starts_with('\t')
    };
    let hint = if tabbed(line) || tabbed(line.saturating_sub(1)) {
        "the line begins with a tab: indent with spaces"
    } else {
        "nothing in the file could be read; check indentation, colons and quotes on this line and the one before"
    };
    Flaw {
        line,
        column: error.marker().col() + 1,
        hint: Some(hint.to_owned()),
        ..whole(
            &format!("broken YAML ({})", error.info().escape_debug()),
            "YAML, such as windlass config default prints",
        )
    }
}

fn read(documents: &[MarkedYaml<'_>]) -> Document {
    let mut document = Document::default();
    let value = match documents {
        [] => Value::Null,
        [only] => match &only.data {
            // A file of comments.
            YamlData::BadValue => Value::Null,
            _ => document.convert(only, ""),
        },
        [_, second, ..] => {
            let start = second.span.start;
            document.flaws.push(Flaw {
                line: start.line(),
                column: start.col() + 1,
                hint: Some("remove the `---` between them".to_owned()),
                ..whole("a second YAML document", "one document in a file")
            });
            return document;
        }
    };
    document.value = Some(value);
    document
}

impl Document {
    fn convert(&mut self, node: &MarkedYaml<'_>, at: &str) -> Value {
        match &node.data {
            YamlData::Value(scalar) => value_of(scalar),
            YamlData::Tagged(_, inner) => self.convert(inner, at),
            YamlData::Sequence(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (number, item) in items.iter().enumerate() {
                    let below = pointer::join(at, &number.to_string());
                    self.lines.insert(below.clone(), item.span.start.line());
                    list.push(self.convert(item, &below));
                }
                Value::Array(list)
            }
            YamlData::Mapping(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    self.entry(key, value, at, &mut map);
                }
                Value::Object(map)
            }
            YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => {
                self.flaw(node, at, "a value that its tag does not allow".to_owned(), "a value without `!!`", None);
                Value::Null
            }
        }
    }

    fn entry(&mut self, key: &MarkedYaml<'_>, value: &MarkedYaml<'_>, at: &str, map: &mut Map<String, Value>) {
        let Some(name) = name_of(key) else {
            self.flaw(key, at, "a list or a group as a name".to_owned(), "text before the colon", None);
            return;
        };
        let plain = name.trim_start_matches(DUPLICATE);
        let below = pointer::join(at, plain);
        if plain.len() < name.len()
            && let Some(first) = self.lines.get(&below)
        {
            let hint = format!("it is set on line {first} already: keep one of the two");
            self.flaw(
                key,
                &below,
                "the same name a second time".to_owned(),
                "every name once in its group",
                Some(hint),
            );
            let lines = BTreeMap::from([(below.clone(), key.span.start.line())]);
            let mut again = Self { lines, ..Self::default() };
            again.value = Some(pointer::nest(&below, again.convert(value, &below)));
            self.repeats.append(&mut again.repeats);
            self.repeats.push(again);
            return;
        }
        self.lines.insert(below.clone(), key.span.start.line());
        let value = self.convert(value, &below);
        map.insert(plain.to_owned(), value);
    }

    fn flaw(&mut self, node: &MarkedYaml<'_>, at: &str, found: String, allowed: &'static str, hint: Option<String>) {
        let start = node.span.start;
        self.flaws.push(Flaw {
            pointer: at.to_owned(),
            line: start.line(),
            column: start.col() + 1,
            found,
            allowed,
            hint,
        });
    }
}

fn name_of(key: &MarkedYaml<'_>) -> Option<String> {
    match &key.data {
        YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
        YamlData::Value(scalar) => Some(match value_of(scalar) {
            Value::String(text) => text,
            other => other.to_string(),
        }),
        YamlData::Tagged(_, inner) => name_of(inner),
        _ => None,
    }
}

fn value_of(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Bool(*value),
        Scalar::Integer(value) => Value::Number((*value).into()),
        Scalar::FloatingPoint(value) => number(value.into_inner()),
        Scalar::String(text) => Value::String(text.to_string()),
    }
}

/// `2.0` may stand for 2; infinities are no numbers in JSON and become text, which no numeric setting takes.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Value::Number((value as i64).into());
    }
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_their_lines() {
        let document = parse("# a comment\na:\n  b: 2.0\n  c: [x, \"y\"]\n\n  d:\n    - 1\n    - .inf\n");
        assert_eq!(document.value, Some(json!({"a": {"b": 2, "c": ["x", "y"], "d": [1, "inf"]}})));
        for (at, line) in [("/a", 2), ("/a/b", 3), ("/a/c/1", 4), ("/a/d", 6), ("/a/d/1", 8)] {
            assert_eq!(document.lines.get(at), Some(&line), "{at}");
        }
    }

    #[test]
    fn every_repeated_key_is_found_and_the_rest_is_read() {
        let document = parse("a: 1\nb:\n  c: 1\n  \"c\": 2\n  c: 3\na: 2\nd: 4\n");
        let places: Vec<_> = document.flaws.iter().map(|f| (f.pointer.as_str(), f.line, f.column)).collect();
        assert_eq!(places, [("/b/c", 4, 3), ("/b/c", 5, 3), ("/a", 6, 1)]);
        assert_eq!(document.value, Some(json!({"a": 1, "b": {"c": 1}, "d": 4})));
        let windows = parse("\u{feff}# ä\r\na: 1\r\n'a': 2\r\n");
        assert_eq!(windows.flaws.iter().map(|f| (f.line, f.column)).collect::<Vec<_>>(), [(3, 1)]);
        assert_eq!(windows.repeats[0].value, Some(json!({"a": 2})));
    }

    #[test]
    fn broken_syntax_has_line_and_column() {
        let document = parse("a:\n  b: [1, 2\nc: 3\n");
        assert!(document.value.is_none());
        assert!(document.flaws.len() == 1 && document.flaws[0].line >= 2, "{:?}", document.flaws);
        let tabbed = parse("a:\n\tb: 1\n");
        assert_eq!(tabbed.flaws[0].line, 2);
        assert!(tabbed.flaws[0].hint.as_deref().is_some_and(|hint| hint.contains("tab")), "{:?}", tabbed.flaws);
    }

    #[test]
    fn hostile_nesting_is_refused_without_exhausting_the_stack() {
        let indented = |depth: usize| (0..depth).flat_map(|d| [" ".repeat(d), "a:\n".to_owned()]).collect::<String>();
        let deep = [
            "[".repeat(100_000),
            "{a: ".repeat(50_000),
            "[a, ? ".repeat(40_000),
            "- ".repeat(100_000),
            "? ".repeat(100_000),
            "- &a ".repeat(40_000),
            "- !t ".repeat(40_000),
            "? - ".repeat(50_000),
            indented(190),
            indented(700),
            format!("{}{}{}{}", indented(190), " ".repeat(190), "[".repeat(250), "]".repeat(250)),
            (0..8_000).map(|n| format!("- &{} [*{n}]\n", n + 1)).collect::<Vec<_>>().concat(),
        ];
        for text in deep {
            let _ = parse(&text);
        }
        assert!(!parse(&"- ".repeat(100)).flaws.is_empty());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s).{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_yamlish_text_panics(text in "([a-c]{1,2}|: |- |\\[|\\]|\\{|\\}|\n|  |\"|'|#|&a|\\*a|!!int |\\||>|~|1|,|\t|\\? |---\n){0,40}") {
            let _ = parse(&text);
        }
    }
}
