//! Colours with meaning. Only the terminal's own 16, so that they fit its background, dark or light.

use ratatui::style::{Color, Modifier, Style};

/// What is drawn how. Nothing is told by colour alone: a mark or a word always says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// What matters on a line.
    pub strong: Style,
    /// What may be overlooked: frames, tracks, labels.
    pub faint: Style,
    /// The focus, the program's own colour.
    pub accent: Style,
    /// In order.
    pub good: Style,
    /// On its way, or worth a look.
    pub warn: Style,
    /// Needs somebody.
    pub bad: Style,
    /// The operator's doing: holds, protections, commands.
    pub person: Style,
    /// The selected row of the focused pane.
    pub selected: Style,
    /// A badge in the header.
    pub badge: Style,
    /// A badge that must not be overlooked.
    pub alarm: Style,
}

impl Theme {
    /// The terminal's own colours.
    #[must_use]
    pub const fn ansi() -> Self {
        let text = Style::new();
        Self {
            text,
            strong: text.add_modifier(Modifier::BOLD),
            // Not bright black: some palettes make that the background.
            faint: text.fg(Color::Reset).add_modifier(Modifier::DIM),
            accent: text.fg(Color::Cyan),
            good: text.fg(Color::Green),
            warn: text.fg(Color::Yellow),
            bad: text.fg(Color::Red),
            person: text.fg(Color::Magenta),
            selected: Style::new().fg(Color::Black).bg(Color::Cyan).remove_modifier(Modifier::DIM),
            badge: Style::new().fg(Color::Black).bg(Color::Cyan).add_modifier(Modifier::BOLD),
            alarm: Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    /// No colour at all (<https://no-color.org>): bold, underlined and reversed only.
    #[must_use]
    pub const fn plain() -> Self {
        let text = Style::new();
        let strong = text.add_modifier(Modifier::BOLD);
        let reversed = text.add_modifier(Modifier::REVERSED);
        Self {
            text,
            strong,
            faint: text,
            accent: strong,
            good: text,
            warn: strong,
            bad: strong.add_modifier(Modifier::UNDERLINED),
            person: text,
            selected: reversed,
            badge: reversed.add_modifier(Modifier::BOLD),
            alarm: reversed.add_modifier(Modifier::BOLD),
        }
    }

    /// Plain where the environment asks for it: `NO_COLOR` set and not empty, or a terminal that says it is dumb.
    #[must_use]
    pub fn from_environment() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if set("NO_COLOR") || dumb { Self::plain() } else { Self::ansi() }
    }
}
