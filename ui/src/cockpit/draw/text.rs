//! Text in cells: cut, padded, wrapped, always by the width it has on the screen.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(text).width() }
}

/// The text within `most` cells; what does not fit is cut off with `…`.
pub fn fit(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    let mut utf8 = [0; 4];
    for c in text.chars() {
        let cells = width(c.encode_utf8(&mut utf8));
        if used + cells + 1 > most {
            break;
        }
        used += cells;
        cut.push(c);
    }
    if most > 0 {
        cut.push('…');
    }
    cut
}

/// The text within `most` cells; cut at its beginning, because a name's number is at its end.
pub fn fit_end(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let count = text.chars().count();
    let tail: String = text.chars().skip(count.saturating_sub(most.saturating_sub(1))).collect();
    if most == 0 { String::new() } else { format!("…{tail}") }
}

/// Exactly `cells` wide, the text at the left.
pub fn left(text: &str, cells: usize) -> String {
    let mut text = fit(text, cells);
    text.extend(std::iter::repeat_n(' ', cells.saturating_sub(width(&text))));
    text
}

/// Exactly `cells` wide, the text at the right.
pub fn right(text: &str, cells: usize) -> String {
    let text = fit(text, cells);
    format!("{}{text}", " ".repeat(cells.saturating_sub(width(&text))))
}

/// The text in lines of at most `cells`, broken between words where that can be.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        while let Some(line) = lines.last_mut() {
            let gap = usize::from(!line.is_empty());
            if width(line) + gap + width(&word) <= cells {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if line.is_empty() {
                let head: String = word.chars().take(cells).collect();
                word = word.chars().skip(cells).collect();
                line.push_str(&head);
            }
            lines.push(String::new());
        }
    }
    lines
}

/// A span of owned text.
pub fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// A line of (text, style) pairs.
pub fn line<const N: usize>(parts: [(String, Style); N]) -> Line<'static> {
    Line::from(parts.map(|(text, style)| span(text, style)).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_marked() {
        assert_eq!(fit("k3s-worker-14", 20), "k3s-worker-14");
        assert_eq!(fit("k3s-worker-14", 6), "k3s-w…");
        assert_eq!(fit_end("k3s-worker-14", 6), "…er-14");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(left("ab", 4), "ab  ");
        assert_eq!(right("ab", 4), "  ab");
        assert_eq!(right("abcdef", 4), "abc…");
    }

    #[test]
    fn wrapping_breaks_between_words_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
