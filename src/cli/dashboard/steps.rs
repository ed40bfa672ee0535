//! The table of steps.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::draw::{Ink, Mode, share};
use super::shown::{Shown, StepRow};
use super::text::{grouped, left, right, width};
use crate::units;

/// A column: its heading, its width, and the text of a row.
struct Column {
    /// Where there is no room for all, those of the highest rank go first.
    rank: u8,
    heading: String,
    width: usize,
    text: Box<dyn Fn(&StepRow) -> String>,
}

/// A name has at least so many columns; figures that leave it less are left out.
const NAME: usize = 18;

/// The table on so many rows, from the row that it is scrolled to.
pub(super) fn table(shown: &Shown, mode: &mut Mode, columns: usize, rows: usize) -> Vec<Line<'static>> {
    if rows < 2 {
        return Vec::new();
    }
    let room = rows - 1;
    mode.scroll = mode.scroll.min(shown.steps.len().saturating_sub(room));
    let mut figures = if mode.detail { by_class(shown) } else { by_latency() };
    let sum = |figures: &[Column]| figures.iter().map(|column| column.width).sum::<usize>();
    while sum(&figures) + NAME > columns && !figures.is_empty() {
        let last = figures.iter().map(|column| column.rank).max();
        figures.retain(|column| Some(column.rank) != last);
    }
    let taken = sum(&figures);
    // Figures stay near the names on a wide screen.
    let longest = shown.steps.iter().map(|row| width(&row.name)).max().unwrap_or(0).max(NAME);
    let name = columns.saturating_sub(taken).min(longest + 2);
    let last = (mode.scroll + room).min(shown.steps.len());
    let heading = match shown.steps.len() {
        all if all > room => format!("Steps {}-{last} of {all}", mode.scroll + 1),
        _ => "Steps".to_owned(),
    };
    let headings = figures.iter().map(|column| right(&column.heading, column.width));
    let style = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let first = std::iter::once(left(&heading, name)).chain(headings).collect::<String>();
    let mut lines = vec![Line::from(Span::styled(first, style))];
    for row in shown.steps.iter().skip(mode.scroll).take(room) {
        let ink = if row.failed > 0 { Ink::Bad } else { Ink::Plain };
        let mut spans = vec![Span::raw(left(&row.name, name))];
        for column in &figures {
            let failing = matches!(column.heading.as_str(), "errors" | "failed");
            let text = right(&(column.text)(row), column.width);
            spans.push(if failing { mode.span(text, ink) } else { Span::raw(text) });
        }
        lines.push(Line::from(spans));
    }
    lines
}

fn column(rank: u8, heading: &str, width: usize, text: impl Fn(&StepRow) -> String + 'static) -> Column {
    Column { rank, heading: heading.to_owned(), width, text: Box::new(text) }
}

fn by_latency() -> Vec<Column> {
    let percentile = |rank, name: &str, at: usize| {
        column(rank, name, 9, move |row| row.latency.get(at).copied().flatten().map_or("-".to_owned(), units::duration))
    };
    vec![
        column(0, "requests", 11, |row| grouped(row.requests)),
        column(4, "now/s", 8, |row| grouped(row.now)),
        percentile(3, "p50", 0),
        percentile(2, "p95", 1),
        percentile(5, "p99", 2),
        column(1, "errors", 9, |row| share(row.failed, row.requests)),
    ]
}

/// The columns of the classes that there are some of, the most frequent first.
fn by_class(shown: &Shown) -> Vec<Column> {
    let mut columns =
        vec![column(0, "requests", 11, |row| grouped(row.requests)), column(0, "failed", 9, |row| grouped(row.failed))];
    for (class, rank) in shown.classes.iter().map(|(class, _)| *class).zip(1..) {
        let width = class.name().len().max(7) + 2;
        columns.push(column(rank, class.name(), width, move |row| {
            let count = row.classes.iter().find(|(of, _)| *of == class).map_or(0, |(_, count)| *count);
            if count == 0 { "-".to_owned() } else { grouped(count) }
        }));
    }
    if shown.violations > 0 {
        columns.push(column(u8::MAX, "violations", 12, |row| grouped(row.violations)));
    }
    columns
}
