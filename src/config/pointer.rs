//! Places in a document: JSON pointers (RFC 6901) inside, `a.b[2]` for people.

use std::fmt::Write;

use serde_json::{Map, Value};

/// The pointer of a setting's dotted path.
pub(super) fn of_path(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The pointer one step further.
pub(super) fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

/// Its steps, unescaped.
pub(super) fn segments(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// The pointer without its last step; `None` at the root.
pub(super) fn parent(pointer: &str) -> Option<&str> {
    pointer.rsplit_once('/').map(|(parent, _)| parent)
}

/// Whether `inner` is `outer` or lies below it.
pub(super) fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A document that holds nothing but one value, at this place.
pub(super) fn nest(pointer: &str, value: Value) -> Value {
    let segments: Vec<String> = segments(pointer).collect();
    segments.into_iter().rev().fold(value, |inner, name| Value::Object(Map::from_iter([(name, inner)])))
}

/// As people write it. Control characters of a hostile file are escaped.
pub(super) fn display(pointer: &str) -> String {
    let mut path = String::new();
    for segment in segments(pointer) {
        if segment.parse::<usize>().is_ok() {
            let _ = write!(path, "[{segment}]");
        } else if segment.is_empty() || segment.contains('.') {
            let _ = write!(path, "[{segment:?}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.extend(segment.escape_debug());
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_shown_as_paths() {
        assert_eq!(display("/autoscaler/limits/min_nodes"), "autoscaler.limits.min_nodes");
        assert_eq!(display("/workers/permanent/1"), "workers.permanent[1]");
        assert_eq!(display(&join("/workers/labels", "com.example/a~b")), "workers.labels[\"com.example/a~b\"]");
        assert_eq!(segments("/a~1b/c~0d").collect::<Vec<_>>(), ["a/b", "c~d"]);
    }

    #[test]
    fn a_pointer_covers_itself_and_what_is_below() {
        assert!(covers("/a", "/a") && covers("/a", "/a/b") && covers("", "/a"));
        assert!(!covers("/a", "/ab") && !covers("/a/b", "/a"));
    }
}
