//! The lines of Docker's container listing, read piece by piece: only what is asked for, borrowed where the text is as it was written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bollard::errors::Error;
use bollard::models::ContainerSummaryStateEnum as State;
use serde::Deserialize;

/// So many bytes are waited for before lines are looked for: Docker sends no more than a few thousand at a time.
const PIECE: usize = 64 << 10;

/// A text in JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A container in a listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub names: Option<Vec<Text<'a>>>,
    /// Unix seconds.
    pub created: Option<i64>,
    #[serde(borrow)]
    pub labels: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// One that is not known is an error: a container that might run must not be taken for one that has ended.
    pub state: Option<State>,
    #[serde(borrow)]
    pub status: Option<Text<'a>>,
    #[serde(borrow)]
    pub network_settings: Option<NetworkSettings<'a>>,
}

/// The networks that a container is on, by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkSettings<'a> {
    #[serde(borrow)]
    pub networks: Option<BTreeMap<Text<'a>, Endpoint<'a>>>,
}

/// A container's addresses on one network; empty where it has none.
#[derive(Debug, Deserialize)]
pub(super) struct Endpoint<'a> {
    #[serde(borrow, rename = "IPAddress")]
    pub ipv4: Option<Text<'a>>,
    #[serde(borrow, rename = "GlobalIPv6Address")]
    pub ipv6: Option<Text<'a>>,
}

impl Endpoint<'_> {
    pub(super) fn addresses(&self) -> [Option<&str>; 2] {
        [&self.ipv4, &self.ipv6].map(|text| text.as_ref().map(|text| text.0.as_ref()))
    }
}

/// Takes a listing in as it comes. Whoever has pushed all of it must ask whether it was whole ([`Lines::end`]): a container that is
/// missing from half a listing is not gone.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
    /// Length of `rest` from which on it is worth while to look for lines.
    enough: usize,
    place: Place,
}

/// Where in the listing `rest` begins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Begin,
    /// After the bracket.
    First,
    /// After a line.
    After,
    /// After a comma.
    Next,
    End,
}

impl Lines {
    /// Takes in what has come, and hands out the lines that are whole.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(Line<'_>)) -> Result<(), Error> {
        self.rest.extend_from_slice(bytes);
        if self.rest.len() >= self.enough.max(PIECE) { self.take(each) } else { Ok(()) }
    }

    /// Hands out the rest, and fails if that is not the end of a listing.
    pub(super) fn end(mut self, each: &mut impl FnMut(Line<'_>)) -> Result<(), Error> {
        self.take(each)?;
        if self.place == Place::End { Ok(()) } else { Err(nonsense("it ends before its end")) }
    }

    fn take(&mut self, each: &mut impl FnMut(Line<'_>)) -> Result<(), Error> {
        let mut at = 0;
        while let Some(byte) = self.rest.get(at) {
            self.place = match (self.place, byte) {
                (place, b' ' | b'\n' | b'\r' | b'\t') => place,
                (Place::Begin, b'[') => Place::First,
                (Place::First | Place::After, b']') => Place::End,
                (Place::After, b',') => Place::Next,
                (Place::First | Place::Next, b'{') => {
                    let mut lines = serde_json::Deserializer::from_slice(&self.rest[at..]).into_iter();
                    match lines.next() {
                        Some(Ok(line)) => each(line),
                        Some(Err(error)) if !error.is_eof() => return Err(nonsense(error)),
                        // It is not whole yet.
                        Some(Err(_)) | None => break,
                    }
                    at += lines.byte_offset();
                    self.place = Place::After;
                    continue;
                }
                (_, byte) => return Err(nonsense(format!("{:?} is out of place", char::from(*byte)))),
            };
            at += 1;
        }
        self.rest.drain(..at);
        self.enough = self.rest.len() + PIECE;
        Ok(())
    }
}

/// As bollard says it.
fn nonsense(error: impl std::fmt::Display) -> Error {
    Error::JsonDataError { message: format!("not a listing of containers: {error}"), column: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids of a listing that comes in pieces of a size; `None`: it is not a listing.
    fn ids(listing: &str, size: usize) -> Option<Vec<String>> {
        let (mut lines, mut ids) = (Lines::default(), Vec::new());
        let mut each = |line: Line<'_>| ids.push(line.id.unwrap().0.into_owned());
        for piece in listing.as_bytes().chunks(size) {
            lines.rest.extend_from_slice(piece);
            lines.take(&mut each).ok()?;
        }
        lines.end(&mut each).ok()?;
        Some(ids)
    }

    #[test]
    fn a_listing_is_the_same_in_whatever_pieces_it_comes() {
        let listing = r#" [{"Id":"a","Labels":{"x":"]},{\"\\"},"Ports":[{"IP":"::"}]} ,
            {"Names":null,"Id":"\u0062","State":"running"}] "#;
        for size in 1..=listing.len() {
            assert_eq!(ids(listing, size), Some(vec!["a".to_owned(), "b".to_owned()]), "pieces of {size}");
        }
        assert_eq!(ids("[]\n", 1), Some(Vec::new()));
    }

    #[test]
    fn half_a_listing_is_none() {
        let listing = r#"[{"Id":"a"},{"Id":"b"}]"#;
        for end in 0..listing.len() {
            assert_eq!(ids(&listing[..end], 5), None, "{}", &listing[..end]);
        }
        assert!(ids(listing, 5).is_some());
    }

    #[test]
    fn what_is_not_a_listing_is_said() {
        for other in [
            r#"{"hello":"world"}"#,
            "null",
            "[null]",
            "[,]",
            r#"[{"Id":"a"},]"#,
            r#"[{"Id":"a"}{"Id":"b"}]"#,
            r#"[{"Id":"a"}]]"#,
            r#"[{"Id":1}]"#,
            r#"[{"Id":"a","State":"flying"}]"#,
            "",
        ] {
            assert_eq!(ids(other, 7), None, "{other}");
        }
    }
}
