//! The parts of the view, as lines of text: pure functions of what is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::layout;
use super::shown::{Phase, Shown};
use super::spark::{bars, highest};
use super::state::Point;
use super::text::{cut, grouped, left, right, seconds, width};
use crate::units;
use crate::verdict::{Standing, State as Stands};

/// How the user wants it shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) color: bool,
    pub(super) paused: bool,
    pub(super) detail: bool,
    pub(super) help: bool,
    /// Rows of the table above the screen.
    pub(super) scroll: usize,
    /// Whether the run was told to stop.
    pub(super) stopping: bool,
}

/// What a text is, to the eye. Colours say nothing that a sign or a word does not.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Doubt,
}

impl Mode {
    /// Cyan and red differ for those, too, who see no green.
    pub(super) fn ink(&self, ink: Ink) -> Style {
        let colored = |color| if self.color { Style::new().fg(color) } else { Style::new() };
        match ink {
            Ink::Plain => Style::new(),
            Ink::Strong => Style::new().add_modifier(Modifier::BOLD),
            Ink::Faint => Style::new().add_modifier(Modifier::DIM),
            Ink::Good => colored(Color::Cyan),
            Ink::Bad => colored(Color::Red).add_modifier(Modifier::BOLD),
            Ink::Doubt => colored(Color::Yellow).add_modifier(Modifier::BOLD),
        }
    }

    pub(super) fn span(&self, text: impl Into<String>, ink: Ink) -> Span<'static> {
        Span::styled(text.into(), self.ink(ink))
    }
}

/// Draws all of it.
pub(super) fn draw(shown: &Shown, mode: &mut Mode, area: Rect, buffer: &mut Buffer) {
    let lines = if mode.help { help(mode) } else { layout::lines(shown, mode, area.width.into(), area.height.into()) };
    for (row, line) in area.rows().zip(&lines) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// Columns of the name of a part.
pub(super) const LABEL: usize = 11;

/// Columns of the figures before the bars.
const FIGURES: usize = 28;

/// What it is, how far it has come, and where it is.
pub(super) fn header(shown: &Shown, mode: &Mode, columns: usize) -> Vec<Line<'static>> {
    let time = format!("{} of {}, {}", seconds(shown.at.min(shown.total)), seconds(shown.total), shown.left);
    let time = if shown.at >= shown.total { shown.left.clone() } else { time };
    let title = cut(&shown.title, columns.saturating_sub(width(&time) + 2));
    let room = columns.saturating_sub(width(&title) + width(&time) + 4);
    let first = vec![
        mode.span(title, Ink::Strong),
        Span::raw("  "),
        mode.span(left(&shown.against, room), Ink::Faint),
        Span::raw("  "),
        Span::raw(time),
    ];
    vec![Line::from(first), progress(shown, mode, columns)]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of columns")]
#[expect(clippy::cast_precision_loss, reason = "a number of columns")]
fn progress(shown: &Shown, mode: &Mode, columns: usize) -> Line<'static> {
    let (word, ink) = match shown.phase {
        _ if mode.paused => ("PAUSED, the run goes on", Ink::Doubt),
        _ if mode.stopping => ("STOPPING", Ink::Doubt),
        Phase::Warmup => ("WARM-UP, not counted later", Ink::Doubt),
        Phase::Load => ("LOAD", Ink::Good),
        Phase::Drain => ("DRAINING", Ink::Good),
    };
    let room = columns.saturating_sub(width(word) + 3);
    let part = shown.at.min(shown.total) as f64 / shown.total.max(1) as f64;
    let full = ((room as f64 * part) as usize).min(room);
    Line::from(vec![
        Span::raw("["),
        mode.span("=".repeat(full), Ink::Good),
        mode.span("-".repeat(room - full), Ink::Faint),
        Span::raw("] "),
        mode.span(word, ink),
    ])
}

/// A name, figures, and a course that is so many rows high.
fn chart(
    name: &str,
    figures: &str,
    mode: &Mode,
    course: (&[Option<f64>], f64),
    size: (usize, usize),
) -> Vec<Line<'static>> {
    let (columns, rows) = size;
    let drawn = bars(course.0, columns.saturating_sub(LABEL + FIGURES + 1), rows, course.1);
    let last = drawn.len().saturating_sub(1);
    let line = |(row, bars): (usize, String)| {
        // Figures stand at the foot of their bars.
        let (name, figures) = if row == last { (name, figures) } else { ("", "") };
        Line::from(vec![
            mode.span(left(name, LABEL), Ink::Strong),
            Span::raw(left(figures, FIGURES)),
            Span::raw(" "),
            mode.span(bars, Ink::Good),
        ])
    };
    drawn.into_iter().enumerate().map(line).collect()
}

/// Load, requests and latency with their courses, each so many rows high.
pub(super) fn charts(shown: &Shown, mode: &Mode, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let course = |value: fn(&Point) -> f64| shown.points.iter().map(|point| Some(value(point))).collect::<Vec<_>>();
    let last = shown.points.last().copied().unwrap_or_default();
    let size = (columns, rows);
    let (load, planned, requests) =
        (course(|point| point.load), course(|point| point.planned), course(|point| point.requests));
    let [planned_now, load_now] = [last.planned, last.load].map(units::number);
    let figures = match shown.open {
        true => format!("{planned_now}/s planned, {load_now}/s begun"),
        false => format!("{load_now} of {planned_now} users"),
    };
    // In the scale of the plan: bars that are too low are load that was not made.
    let mut lines = chart("Load", &figures, mode, (&load, highest(&planned).max(highest(&load))), size);
    lines.extend(scenarios(shown, mode, columns));
    let figures = format!("{}/s now, {} in all", units::number(last.requests), grouped(shown.requests));
    lines.extend(chart("Requests", &figures, mode, (&requests, highest(&requests)), size));
    let mut name = "Latency";
    for (at, percentile) in ["p50", "p95", "p99"].into_iter().enumerate() {
        let of = |latency: [Option<f64>; 3]| latency.get(at).copied().flatten();
        let time = |value: Option<f64>| value.map_or("-".to_owned(), units::duration);
        let figures =
            format!("{percentile} {} now {}", right(&time(of(shown.latency)), 8), right(&time(of(last.latency)), 8));
        let course: Vec<_> = shown.points.iter().map(|point| of(point.latency)).collect();
        lines.extend(chart(name, &figures, mode, (&course, highest(&course)), size));
        name = "";
    }
    lines
}

/// Scenarios that have a line of their own.
const SCENARIOS: usize = 4;

fn scenarios(shown: &Shown, mode: &Mode, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(LABEL);
    let blank = || Span::raw(" ".repeat(LABEL));
    if let [only] = shown.load.as_slice() {
        return vec![Line::from(vec![blank(), Span::raw(cut(&only.stage, room))])];
    }
    let mut lines: Vec<_> = shown
        .load
        .iter()
        .take(SCENARIOS)
        .map(|row| {
            let text = format!("{}: {}; {}", row.name, row.stage, row.achieved);
            Line::from(vec![blank(), Span::raw(cut(&text, room))])
        })
        .collect();
    if let Some(more) = shown.load.len().checked_sub(SCENARIOS).filter(|more| *more > 0) {
        lines.push(Line::from(vec![blank(), mode.span(format!("and {more} more scenarios"), Ink::Faint)]));
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { units::percent(part as f64 / whole as f64) }
}

/// Failures by class, on as many lines as they need.
pub(super) fn errors(shown: &Shown, mode: &Mode, columns: usize) -> Vec<Line<'static>> {
    let all = shown.requests;
    let ink = if shown.failed > 0 { Ink::Bad } else { Ink::Plain };
    let mut texts = match all {
        0 => vec!["no request has ended yet".to_owned()],
        _ => vec![format!("{} failed, {}", grouped(shown.failed), share(shown.failed, all))],
    };
    // Not all classes are failures; all are told.
    texts.extend(
        shown.classes.iter().map(|(class, count)| format!("{class} {} ({})", grouped(*count), share(*count, all))),
    );
    if shown.dropped > 0 {
        texts.push(format!("{} arrivals dropped", grouped(shown.dropped)));
    }
    if shown.violations > 0 {
        texts.push(format!("{} violations of the protocol", grouped(shown.violations)));
    }
    flowing("Errors", texts, mode, ink, columns)
}

/// Texts one after the other, on the next line where one is full.
fn flowing(name: &str, texts: Vec<String>, mode: &Mode, ink: Ink, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(LABEL);
    let mut rows: Vec<String> = Vec::new();
    for text in texts {
        match rows.last_mut().filter(|row| width(row) + width(&text) + 3 <= room) {
            Some(row) => row.push_str(&format!(" · {text}")),
            None => rows.push(cut(&text, room)),
        }
    }
    let line = |(at, row): (usize, String)| {
        let name = if at == 0 { name } else { "" };
        Line::from(vec![mode.span(left(name, LABEL), Ink::Strong), mode.span(row, ink)])
    };
    rows.into_iter().enumerate().map(line).collect()
}

/// The load generator itself, and the processes of servers.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn generator(shown: &Shown, mode: &Mode, columns: usize) -> Vec<Line<'static>> {
    let health = shown.generator;
    let mut texts = vec![
        format!("busiest thread {}", health.busiest.map_or("n/a".to_owned(), units::percent)),
        format!("lag p99 {}", health.lag.map_or("n/a".to_owned(), units::duration)),
    ];
    if health.rss_bytes > 0 {
        texts.push(format!("memory {}", units::bytes(health.rss_bytes as f64)));
    }
    texts.push(format!("{} in flight", grouped(health.in_flight)));
    texts.push(format!("{} users", grouped(health.users)));
    texts.push(format!("{} sockets", grouped(health.sockets)));
    let mut lines = flowing("Generator", texts, mode, Ink::Plain, columns);
    if let Some(strain) = &shown.strain {
        lines.extend(flowing(
            "",
            wrapped(&format!("! {strain}"), columns.saturating_sub(LABEL)),
            mode,
            Ink::Bad,
            columns,
        ));
    }
    if !shown.servers.is_empty() {
        let name = if shown.servers.len() == 1 { "Server" } else { "Servers" };
        for (at, server) in shown.servers.iter().enumerate() {
            lines.extend(flowing(if at == 0 { name } else { "" }, vec![server.clone()], mode, Ink::Plain, columns));
        }
    }
    lines
}

/// A sentence in lines of so many columns.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut().filter(|line| width(line) + width(word) < columns) {
            Some(line) => line.push_str(&format!(" {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The assertions as they stand, on so many lines at most.
pub(super) fn standing(shown: &Shown, mode: &Mode, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let all = &shown.standing;
    if rows == 0 || all.is_empty() && shown.baselines == 0 {
        return Vec::new();
    }
    let mut lines = vec![Line::from(vec![mode.span(left("Assertions", LABEL), Ink::Strong), Span::raw(tally(shown))])];
    let room = rows - 1;
    let mut chosen: Vec<&Standing> = all.iter().collect();
    if chosen.len() > room {
        // What is wrong is not cut off.
        chosen.sort_by_key(|standing| match standing.state {
            Stands::Failed => 0,
            Stands::NoData | Stands::TooFewSamples => 1,
            Stands::Held => 2,
        });
        chosen.truncate(room);
    }
    lines.extend(chosen.into_iter().map(|standing| assertion(standing, mode, columns)));
    lines
}

/// How many hold, in words.
pub(super) fn tally(shown: &Shown) -> String {
    let count = |wanted: fn(Stands) -> bool| shown.standing.iter().filter(|standing| wanted(standing.state)).count();
    let (held, failed) = (count(Stands::held), count(|state| state == Stands::Failed));
    let mut texts = vec![format!("{held} of {} hold", shown.standing.len())];
    if failed > 0 {
        texts.push(if failed == 1 { "1 does not".to_owned() } else { format!("{failed} do not") });
    }
    if held + failed < shown.standing.len() {
        texts.push(format!("{} not known yet", shown.standing.len() - held - failed));
    }
    if shown.baselines > 0 {
        texts.push(format!("{} compared after the run", shown.baselines));
    }
    texts.join(" · ")
}

fn assertion(standing: &Standing, mode: &Mode, columns: usize) -> Line<'static> {
    let (sign, ink) = match standing.state {
        Stands::Held => ("✓", Ink::Good),
        Stands::Failed => ("✗", Ink::Bad),
        Stands::NoData | Stands::TooFewSamples => ("…", Ink::Doubt),
    };
    let found = match (standing.state, &standing.observed) {
        (Stands::NoData, _) => "no data yet".to_owned(),
        (Stands::TooFewSamples, _) => "too few samples yet".to_owned(),
        (_, Some(observed)) => observed.to_string(),
        (_, None) => "n/a".to_owned(),
    };
    let source = columns.saturating_sub(width(&found) + 5);
    Line::from(vec![
        Span::raw(" "),
        mode.span(sign, ink),
        Span::raw(" "),
        Span::raw(left(&super::text::plain(&standing.source), source)),
        Span::raw("  "),
        mode.span(found, ink),
    ])
}

/// The last notes, on so many lines at most.
pub(super) fn notes(shown: &Shown, mode: &Mode, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let skipped = shown.notes.len().saturating_sub(rows);
    let last = shown.notes.iter().skip(skipped);
    last.map(|note| Line::from(mode.span(cut(&format!("> {note}"), columns), Ink::Faint))).collect()
}

/// What the keys do.
pub(super) fn footer(mode: &Mode, columns: usize) -> Line<'static> {
    let stop = if mode.stopping { "q stop at once" } else { "q stop" };
    let pause = if mode.paused { "p go on" } else { "p pause" };
    let detail = if mode.detail { "d latency by step" } else { "d errors by step" };
    let text = format!(" {stop}   {pause}   {detail}   ↑↓ scroll   ? help");
    Line::from(Span::styled(left(&text, columns), Style::new().add_modifier(Modifier::REVERSED)))
}

fn help(mode: &Mode) -> Vec<Line<'static>> {
    let keys = [
        ("q, Ctrl-C", "stop: no new work begins, work under way may finish;"),
        ("", "again to stop at once; a third time to leave with nothing said"),
        ("p, Space", "pause the view; the run goes on"),
        ("d", "steps by latency, or by class of error"),
        ("↑ ↓, k j", "scroll the steps; Page Up, Page Down, Home, End"),
        ("?, h", "close this help"),
    ];
    let mut lines = vec![Line::from(mode.span("Keys", Ink::Strong)), Line::default()];
    lines.extend(keys.map(|(key, does)| Line::from(vec![mode.span(left(key, 12), Ink::Strong), Span::raw(does)])));
    let signs = [
        ("✓ ✗ …", "an assertion would hold, would not, or cannot be known yet"),
        ("bars", "the last ten minutes at most; each row in a scale of its own"),
        ("now", "the last second; other figures are of all that counts until now"),
    ];
    lines.push(Line::default());
    lines.extend(signs.map(|(sign, means)| Line::from(vec![mode.span(left(sign, 12), Ink::Strong), Span::raw(means)])));
    lines
}
