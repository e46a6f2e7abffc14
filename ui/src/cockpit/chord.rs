//! A key with its modifiers, and how an operator writes it: `u`, `+`, `ctrl-r`, `space`, `pgup`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. Shift is part of a character (`R`), not a modifier of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMES: [(&str, KeyCode); 15] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
];

const MODIFIERS: [(&str, KeyModifiers); 2] = [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT)];

impl Chord {
    /// The chord of a pressed key. Terminals disagree on whether they report shift beside an upper-case letter, so it is dropped.
    #[must_use]
    pub fn of(key: KeyEvent) -> Self {
        Self { code: key.code, modifiers: key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT) }
    }

    /// Ctrl-C and Esc always quit and close; nothing else may be put on them.
    #[must_use]
    pub fn is_reserved(self) -> bool {
        let ctrl = |c| self.code == KeyCode::Char(c) && self.modifiers == KeyModifiers::CONTROL;
        ctrl('c') || ctrl('z') || self.code == KeyCode::Esc
    }

    /// The event a terminal sends for it.
    #[must_use]
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        while let Some((prefix, modifier)) = MODIFIERS.iter().find(|(prefix, _)| rest.starts_with(prefix)) {
            modifiers |= *modifier;
            rest = &rest[prefix.len()..];
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(one), None) if !one.is_control() => Some(KeyCode::Char(one)),
            _ => NAMES.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code).or_else(|| function(rest)),
        };
        code.map(|code| Self { code, modifiers }).ok_or_else(|| {
            format!(
                "{text:?} is no key: write one character (u, +, R), or one of {}, f1 to f12, each with ctrl- or alt- \
                 before it if wanted",
                NAMES.map(|(name, _)| name).join(", ")
            )
        })
    }
}

fn function(text: &str) -> Option<KeyCode> {
    let number: u8 = text.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (prefix, modifier) in MODIFIERS {
            if self.modifiers.contains(modifier) {
                f.write_str(prefix)?;
            }
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, code) => write!(f, "{}", code.to_string().to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_shown() {
        for text in ["u", "+", "-", "R", "ctrl-r", "alt-ctrl-x", "space", "shift-tab", "pgdn", "f5", "ctrl--", "é"] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord, "{text}");
        }
        assert_eq!("alt-ctrl-x".parse::<Chord>().unwrap().to_string(), "ctrl-alt-x");
    }

    #[test]
    fn nonsense_is_refused_with_what_is_allowed() {
        for text in ["", "ctrl-", "hyper-x", "f13", "uu"] {
            let error = text.parse::<Chord>().unwrap_err();
            assert!(error.contains("is no key") && error.contains("pgup"), "{error}");
        }
    }

    #[test]
    fn shift_beside_a_letter_makes_no_difference() {
        let with = Chord::of(KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT));
        assert_eq!(with, "R".parse().unwrap());
    }
}
