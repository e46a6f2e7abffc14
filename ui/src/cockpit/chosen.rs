//! A selection in a list that others change.

/// Which item is selected. It is remembered by its own name and not by its place, so that an item that comes or goes never puts
/// another one under a key that was meant for this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen(Option<(String, usize)>);

impl Chosen {
    /// Where the selected item stands; once it is gone, its neighbour is selected.
    #[must_use]
    pub fn index<T>(&self, items: &[T], name: impl Fn(&T) -> &str) -> usize {
        let Some((chosen, place)) = &self.0 else {
            return 0;
        };
        let found = items.iter().position(|item| name(item) == chosen);
        found.unwrap_or_else(|| (*place).min(items.len().saturating_sub(1)))
    }

    /// Selects the item at a place; nothing where there is none.
    pub fn select<T>(&mut self, index: usize, items: &[T], name: impl Fn(&T) -> &str) {
        self.0 = items.get(index).map(|item| (name(item).to_owned(), index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(item: &String) -> &str {
        item
    }

    fn list(items: &str) -> Vec<String> {
        items.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_selected_item_stays_selected_wherever_it_moves_and_then_its_neighbour_is() {
        let mut chosen = Chosen::default();
        assert_eq!(chosen.index(&list("a b"), name), 0);
        chosen.select(1, &list("a b c"), name);
        assert_eq!(chosen.index(&list("x a c b"), name), 3);
        assert_eq!(chosen.index(&list("a c"), name), 1);
        assert_eq!(chosen.index(&list("a"), name), 0);
        chosen.select(7, &list("a"), name);
        assert_eq!(chosen, Chosen::default());
    }
}
