//! Every action with its keys, in groups; two columns where there is room.

use ratatui::layout::Size;
use ratatui::text::{Line, Span};

use super::super::command_line::FORMS;
use super::super::filter::TERMS;
use super::super::keys::{Act, Group};
use super::super::model::Model;
use super::page::Page;
use super::text::{left, right, span};

const COLUMN: usize = 62;

/// All of it.
pub fn page(model: &Model, screen: Size) -> Page {
    let two = screen.width >= 134;
    Page { title: "keys".to_owned(), cells: if two { 128 } else { 64 }, lines: rows(model, two) }
}

fn rows(model: &Model, two: bool) -> Vec<Line<'static>> {
    let groups: Vec<Vec<Vec<Span<'static>>>> = Group::ALL.iter().map(|group| group_rows(model, *group)).collect();
    let words = forms(model);
    if !two {
        return groups.into_iter().chain([words]).flatten().map(Line::from).collect();
    }
    let [handle, look, moving, program] = <[_; 4]>::try_from(groups).unwrap_or_default();
    let first: Vec<_> = handle.into_iter().chain(look).chain(program).collect();
    let second: Vec<_> = moving.into_iter().chain(words).collect();
    (0..first.len().max(second.len()))
        .map(|row| {
            let mut parts = first.get(row).cloned().unwrap_or_default();
            let used: usize = parts.iter().map(Span::width).sum();
            parts.push(span(" ".repeat((COLUMN + 4).saturating_sub(used)), model.theme.text));
            parts.extend(second.get(row).cloned().unwrap_or_default());
            Line::from(parts)
        })
        .collect()
}

fn group_rows(model: &Model, group: Group) -> Vec<Vec<Span<'static>>> {
    let theme = &model.theme;
    let mut rows = vec![vec![span(group.title(), theme.strong)]];
    for act in Act::ALL.iter().filter(|act| act.group() == group) {
        let keys = model.options.keys.hints(*act);
        let help = left(act.help(), COLUMN - 15);
        rows.push(vec![span(right(&keys, 13), theme.accent), span(format!("  {}", help.trim_end()), theme.text)]);
    }
    rows.push(Vec::new());
    rows
}

fn forms(model: &Model) -> Vec<Vec<Span<'static>>> {
    let theme = &model.theme;
    let key = model.options.keys.hint(Act::Palette);
    let mut rows = vec![vec![span(format!("in words, after {key}"), theme.strong)]];
    rows.extend(FORMS.iter().map(|form| vec![span(format!("  {form}"), theme.text)]));
    rows.push(Vec::new());
    let key = model.options.keys.hint(Act::Filter);
    rows.push(vec![span(format!("in the filter, after {key}; all terms must hold"), theme.strong)]);
    rows.extend(TERMS.iter().map(|(term, meaning)| {
        vec![span(format!("  {}", left(term, 20)), theme.accent), span((*meaning).to_owned(), theme.text)]
    }));
    rows.push(Vec::new());
    rows.push(vec![span("ctrl-c quits at once, ctrl-z suspends, esc closes", theme.faint)]);
    rows.push(vec![span("other keys: cockpit.keys in the configuration", theme.faint)]);
    rows
}
