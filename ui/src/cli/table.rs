//! Aligned columns.

use super::failure::Failure;
use super::screen::{Screen, Tone};

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text in a tone.
    #[allow(clippy::needless_pass_by_value, reason = "a cell is made in place")]
    pub fn new(text: impl ToString, tone: Tone) -> Self {
        Self { text: text.to_string(), tone }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// Rows under headings. A heading that begins with `>` has its column aligned to the right.
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Appends a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Prints it; the last column is not padded.
    pub fn print(&self, screen: Screen) -> Result<(), Failure> {
        self.lines(screen).into_iter().try_for_each(|line| screen.line(line))
    }

    fn lines(&self, screen: Screen) -> Vec<String> {
        let head: Vec<Cell> =
            self.headings.iter().map(|name| Cell::new(name.trim_start_matches('>'), Tone::Faint)).collect();
        let has_head = head.iter().any(|cell| !cell.text.is_empty());
        let rows: Vec<&Vec<Cell>> = has_head.then_some(&head).into_iter().chain(&self.rows).collect();
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.headings.len()).map(width).collect();
        rows.iter().map(|row| self.line(row, &widths, screen)).collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], screen: Screen) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = widths.get(column).copied().unwrap_or(0).saturating_sub(cell.text.chars().count());
            let right = self.headings.get(column).is_some_and(|name| name.starts_with('>'));
            if column > 0 {
                line.push_str("  ");
            }
            if right {
                line.push_str(&" ".repeat(padding));
            }
            line.push_str(&screen.paint(cell.tone, &cell.text));
            if !right && column + 1 < row.len() {
                line.push_str(&" ".repeat(padding));
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_to_their_side() {
        let mut table = Table::new(&["NAME", ">CPU", "NOTE"]);
        table.row(vec!["w-1".into(), "5%".into(), "a".into()]);
        table.row(vec!["worker-10".into(), "100%".into(), "".into()]);
        assert_eq!(table.lines(Screen::new(true)), ["NAME        CPU  NOTE", "w-1          5%  a", "worker-10  100%"]);
    }
}
