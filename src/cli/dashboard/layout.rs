//! Where the parts of the view are, by the size of the terminal.

use ratatui::text::{Line, Span};

use super::draw::{self, Ink, Mode};
use super::shown::Shown;
use super::steps;
use super::text::{cut, grouped, seconds, width};
use crate::units;

/// From so many columns and rows on there are two columns, and bars are higher.
const WIDE: (usize, usize) = (120, 34);

/// Below so many columns or rows there is room for figures only.
const SMALL: (usize, usize) = (56, 15);

/// All lines of the view, from the top.
pub(super) fn lines(shown: &Shown, mode: &mut Mode, columns: usize, rows: usize) -> Vec<Line<'static>> {
    if columns < SMALL.0 || rows < SMALL.1 {
        return small(shown, mode, columns, rows);
    }
    let mut lines = draw::header(shown, mode, columns);
    if columns >= WIDE.0 && rows >= WIDE.1 {
        lines.push(Line::default());
        lines.extend(beside(shown, mode, columns, rows / 2 + 2));
        lines.push(Line::default());
    } else {
        let higher = if rows >= 44 {
            3
        } else if rows >= 34 {
            2
        } else {
            1
        };
        lines.extend(draw::charts(shown, mode, columns, higher));
        lines.extend(draw::errors(shown, mode, columns));
        lines.extend(draw::generator(shown, mode, columns));
        let room = rows.saturating_sub(lines.len() + 1);
        // At least four lines are the table's.
        let most = (room / 2).max(room.saturating_sub(shown.steps.len() + 1)).min(room.saturating_sub(4));
        lines.extend(draw::standing(shown, mode, columns, most.min(shown.standing.len() + 1)));
        // One note, if there is still some room.
        let room = rows.saturating_sub(lines.len() + 1);
        let spare = room.saturating_sub(shown.steps.len() + 1).max(usize::from(room > 5));
        let notes = draw::notes(shown, mode, columns, spare.min(3));
        return closed(lines, notes, shown, mode, columns, rows);
    }
    let room = rows.saturating_sub(lines.len() + 1);
    let notes = draw::notes(shown, mode, columns, (room / 4).max(1));
    closed(lines, notes, shown, mode, columns, rows)
}

/// The table in what is left, then notes, then the keys.
fn closed(
    mut lines: Vec<Line<'static>>,
    notes: Vec<Line<'static>>,
    shown: &Shown,
    mode: &mut Mode,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let room = rows.saturating_sub(lines.len() + notes.len() + 1);
    lines.extend(steps::table(shown, mode, columns, room));
    let last = rows.saturating_sub(notes.len() + 1);
    lines.resize(last, Line::default());
    lines.extend(notes);
    lines.push(draw::footer(mode, columns));
    lines
}

/// What is measured on the left, what is made of it on the right.
fn beside(shown: &Shown, mode: &Mode, columns: usize, most: usize) -> Vec<Line<'static>> {
    const GAP: usize = 3;
    let first = columns * 3 / 5;
    let second = columns - first - GAP;
    let mut measured = draw::charts(shown, mode, first, 3);
    measured.extend(draw::errors(shown, mode, first));
    let generator = draw::generator(shown, mode, second);
    let room = most.max(measured.len()).saturating_sub(generator.len() + 1);
    let mut judged = draw::standing(shown, mode, second, room);
    if !judged.is_empty() {
        judged.push(Line::default());
    }
    judged.extend(generator);
    let rows = measured.len().max(judged.len());
    measured.resize(rows, Line::default());
    judged.resize(rows, Line::default());
    let pair = |(mut left, right): (Line<'static>, Line<'static>)| {
        let blank = (first + GAP).saturating_sub(left.width());
        left.spans.push(Span::raw(" ".repeat(blank)));
        left.spans.extend(right.spans);
        left
    };
    measured.into_iter().zip(judged).map(pair).collect()
}

/// The most important first; what has no room is left out.
fn small(shown: &Shown, mode: &Mode, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let last = shown.points.last().copied().unwrap_or_default();
    let time = format!("{}/{}", seconds(shown.at.min(shown.total)), seconds(shown.total));
    let title = cut(&shown.title, columns.saturating_sub(width(&time) + 1));
    let blank = " ".repeat(columns.saturating_sub(width(&title) + width(&time)));
    let unit = if shown.open { "/s" } else { " users" };
    let level = |level| format!("{}{unit}", units::number(level));
    let times = last.latency.map(|value| value.map_or("-".to_owned(), units::duration));
    let failed = format!("{} requests, {} failed", grouped(shown.requests), draw::share(shown.failed, shown.requests));
    let texts = [
        (format!("load {} of {}", level(last.load), level(last.planned)), Ink::Plain),
        (format!("p50/95/99 {}", times.join(" ")), Ink::Plain),
        (failed, if shown.failed > 0 { Ink::Bad } else { Ink::Plain }),
        (draw::tally(shown), Ink::Plain),
        (shown.strain.as_ref().map_or(String::new(), |strain| format!("! {strain}")), Ink::Bad),
    ];
    let mut lines = vec![Line::from(vec![mode.span(title, Ink::Strong), Span::raw(blank), Span::raw(time)])];
    let texts = texts.into_iter().filter(|(text, _)| !text.is_empty());
    lines.extend(texts.map(|(text, ink)| Line::from(mode.span(cut(&text, columns), ink))));
    let state = if mode.stopping {
        "STOPPING  "
    } else if mode.paused {
        "PAUSED  "
    } else {
        ""
    };
    lines.truncate(rows.saturating_sub(1));
    lines.resize(rows.saturating_sub(1), Line::default());
    lines.push(Line::from(cut(&format!("{state}q stop  p pause  ? help"), columns)));
    lines
}
