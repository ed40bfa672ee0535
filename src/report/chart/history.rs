//! A metric over the runs of a history.

use std::fmt::Write as _;

use super::path::{Path, coordinate};
use super::scale::Scale;
use crate::report::clean::clean;
use crate::report::escape::html;
use crate::units::{Dimension, Quantity};
use crate::verdict::trend::{Finding, Kind, Series};

/// Size of the drawing in its own units; the page stretches it.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 300.0;

/// Steps of the value axis.
const STEPS: f64 = 4.0;

/// Rows of a chart of text.
const ROWS: usize = 9;

/// Characters of a commit that people read.
const COMMIT: usize = 7;

/// Columns of its labels.
const LABELS: usize = 9;

/// Runs that the pointer is told of one by one: more would make the drawing too large.
const TOLD: usize = 60;

/// A series as SVG with its labels and a legend, or nothing where it has no runs. `name`
/// identifies it within the page.
pub(crate) fn history(series: &Series, name: &str) -> String {
    let plot = history_plot(series, name, None);
    if plot.is_empty() { plot } else { legend(series) + &plot }
}

/// The same without a legend, and with a ring around the point `this`.
pub(crate) fn history_plot(series: &Series, name: &str, this: Option<usize>) -> String {
    let Some(axis) = Axis::of(series) else { return String::new() };
    let x = |at: usize| (share(at, series.points.len()) * WIDTH).clamp(0.0, WIDTH);
    let y = |value: f64| (1.0 - axis.scale.share(value)) * HEIGHT;
    let mut out = String::from(r#"<div class="plot"><div class="plot-y" aria-hidden="true">"#);
    let mut grid = Path::default();
    for value in axis.ticks() {
        let top = coordinate((1.0 - axis.scale.share(value)) * 100.0);
        let _ = write!(out, r#"<span style="top:{top}%">{}</span>"#, html(&show(series, value)));
        grid.move_to(0.0, y(value));
        grid.line_to(WIDTH, y(value));
    }
    let told: Vec<String> = series.findings.iter().map(|finding| finding.text.clone()).collect();
    let told = if told.is_empty() { "nothing is told".to_owned() } else { told.join(". ") };
    let _ = write!(
        out,
        concat!(
            r#"</div><svg viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" "#,
            r#"aria-labelledby="{n}-title {n}-desc" fill="none"><title id="{n}-title">{title}</title>"#,
            r#"<desc id="{n}-desc">{runs} runs. {told}.</desc>"#,
            r#"<path class="grid" d="{grid}" stroke="var(--grid,currentColor)" vector-effect="non-scaling-stroke"/>"#
        ),
        w = WIDTH,
        h = HEIGHT,
        n = html(name),
        title = html(&clean(&format!("{} of {}", series.metric, series.scenario))),
        runs = series.points.len(),
        told = html(&clean(&told)),
        grid = grid.data(),
    );
    let upright = |at: usize, color: &str, dash: &str| {
        let mut line = Path::default();
        line.move_to(x(at), 0.0);
        line.line_to(x(at), HEIGHT);
        stroke(&line.data(), color, &format!(r#" stroke-width="1.5" stroke-dasharray="{dash}""#))
    };
    moves(series).for_each(|at| out.push_str(&upright(at, "--muted", "1 4")));
    series.findings.iter().for_each(|finding| out.push_str(&upright(finding.at, color(finding), "6 4")));
    let dot = |path: &mut Path, at: usize, value: f64| {
        path.move_to(x(at), y(value));
        path.line_to(x(at), y(value));
    };
    if let Some((at, point)) = this.and_then(|at| Some((at, series.points.get(at)?))) {
        for (color, width) in [("--ink", 14), ("--page", 10)] {
            let mut ring = Path::default();
            dot(&mut ring, at, point.value);
            out.push_str(&stroke(&ring.data(), color, &format!(r#" stroke-width="{width}" stroke-linecap="round""#)));
        }
    }
    let mut dots = Path::default();
    series.points.iter().enumerate().for_each(|(at, point)| dot(&mut dots, at, point.value));
    out.push_str(&stroke(&dots.data(), "--c1", r#" stroke-width="6" stroke-linecap="round""#));
    let mut levels = Path::default();
    for segment in &series.segments {
        levels.move_to(x(segment.first), y(segment.level));
        levels.line_to(x(segment.last), y(segment.level));
    }
    out.push_str(&stroke(&levels.data(), "--c2", r#" stroke-width="2" stroke-linecap="round""#));
    out.push_str(&near(series, x));
    out.push_str(r#"</svg><div class="plot-x" aria-hidden="true">"#);
    for (at, day) in days(series) {
        let class = if at > 0 && at + 1 == series.points.len() { r#" class="end""# } else { "" };
        let left = coordinate(share(at, series.points.len()) * 100.0);
        let _ = write!(out, r#"<span{class} style="left:{left}%">{}</span>"#, html(&clean(&day)));
    }
    out.push_str("</div></div>\n");
    out
}

/// What the pointer is told of each run.
fn near(series: &Series, x: impl Fn(usize) -> f64) -> String {
    if series.points.len() > TOLD {
        return String::new();
    }
    let mut out = String::from(r#"<g class="near" fill="transparent">"#);
    let half = |at: usize, other: usize| (x(at) + x(other)) / 2.0;
    let last = series.points.len().saturating_sub(1);
    for (at, point) in series.points.iter().enumerate() {
        let from = if at == 0 { 0.0 } else { half(at, at - 1) };
        let to = if at == last { WIDTH } else { half(at, at + 1) };
        let day = point.started.split('T').next().unwrap_or_default();
        let commit = point
            .commit
            .as_ref()
            .map_or_else(String::new, |commit| format!(", commit {}", commit.chars().take(COMMIT).collect::<String>()));
        let _ = write!(
            out,
            r#"<path d="M{} 0H{}V{HEIGHT}H{}z"><title>{}</title></path>"#,
            coordinate(from),
            coordinate(to),
            coordinate(from),
            html(&clean(&format!("{day}{commit}: {}", show(series, point.value))))
        );
    }
    out.push_str("</g>");
    out
}

fn stroke(data: &str, color: &str, more: &str) -> String {
    if data.is_empty() {
        return String::new();
    }
    format!(r#"<path d="{data}" stroke="var({color},currentColor)"{more} vector-effect="non-scaling-stroke"/>"#)
}

fn color(finding: &Finding) -> &'static str {
    match finding.worse {
        _ if finding.triage.is_some() || finding.kind == Kind::Suspected => "--warn",
        Some(true) => "--fail",
        Some(false) => "--pass",
        None => "--warn",
    }
}

fn legend(series: &Series) -> String {
    let mut out = String::from(r#"<ul class="legend">"#);
    let mut item = |data: &str, color: &str, more: &str, label: &str| {
        let _ = write!(
            out,
            r#"<li><svg viewBox="0 0 26 12" width="26" height="12" aria-hidden="true" focusable="false">{}</svg>{label}</li>"#,
            stroke(data, color, more)
        );
    };
    item("M13 6h0", "--c1", r#" stroke-width="6" stroke-linecap="round""#, "a run");
    item("M0 6h26", "--c2", r#" stroke-width="2""#, "the median between changes");
    if let Some(finding) = series.findings.first() {
        item("M13 0v12", color(finding), r#" stroke-width="1.5" stroke-dasharray="6 4""#, "what is told below");
    }
    if moves(series).next().is_some() {
        item("M13 0v12", "--muted", r#" stroke-width="1.5" stroke-dasharray="1 4""#, "another class of machine");
    }
    out.push_str("</ul>\n");
    out
}

/// Where the runs go on on another class of machine.
fn moves(series: &Series) -> impl Iterator<Item = usize> {
    let pairs = series.points.windows(2).enumerate();
    pairs.filter_map(|(at, pair)| match pair {
        [before, after] if before.machine != after.machine => Some(at + 1),
        _ => None,
    })
}

/// The days of the first run, of one in the middle and of the last; where all are of one
/// day, their hours and minutes.
fn days(series: &Series) -> Vec<(usize, String)> {
    let last = series.points.len().saturating_sub(1);
    let mut at = vec![0, last / 2, last];
    at.dedup();
    let started = |at: usize| {
        let started = series.points.get(at)?.started.as_str();
        Some(started.split_once('T').unwrap_or((started, "")))
    };
    let one_day = started(0).map(|(day, _)| day) == started(last).map(|(day, _)| day);
    let label = |at: usize| {
        let (day, time) = started(at)?;
        let time = time.get(..5).unwrap_or(time);
        let label = match (one_day, at) {
            (false, _) => day.to_owned(),
            (true, 0) => format!("{day} {time}").trim_end().to_owned(),
            (true, _) => time.to_owned(),
        };
        Some((at, label))
    };
    at.into_iter().filter_map(label).collect()
}

fn show(series: &Series, value: f64) -> String {
    Quantity::new(value, series.dimension).to_string()
}

/// Where a point lies between the first and the last, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
fn share(at: usize, count: usize) -> f64 {
    if count > 1 { at as f64 / (count as f64 - 1.0) } else { 0.5 }
}

/// The value axis.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
    scale: Scale,
}

impl Axis {
    /// In round steps about the values; `None` without any.
    fn of(series: &Series) -> Option<Axis> {
        let values = || series.points.iter().map(|point| point.value);
        let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        // Values that never differ lie in the middle.
        let (low, high) = if high > low { (low, high) } else { (low - low.abs() * 0.1, high + high.abs() * 0.1) };
        let is_share = series.dimension == Dimension::Share;
        // There is no share above all of it, and all of it would be much for one that is
        // always 0.
        let high = if is_share && high <= 1.1 { high.min(1.0) } else { high };
        let some = if is_share { 0.01 } else { 1.0 };
        let high = if high > low { high } else { low + some };
        let rough = (high - low) / STEPS;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|factor| factor * decade).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * decade);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Some(Axis { low, high, step, scale: Scale::Linear { low, high } })
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (low, step, slack) = (self.low, self.step, self.high + self.step / 2.0);
        (0..=u8::MAX).map(move |n| low + f64::from(n) * step).take_while(move |value| *value < slack)
    }
}

/// A series as lines of text, at most `width` columns wide: `•` is a run, `─` the level
/// between changes, `▲` and `▼` below where it rises and falls, `?` a suspicion, `┊`
/// another class of machine. Empty without runs.
pub(crate) fn history_text(series: &Series, width: usize) -> Vec<String> {
    let Some(axis) = Axis::of(series) else { return Vec::new() };
    let room = width.saturating_sub(LABELS + 2).max(10);
    let count = series.points.len();
    let columns = count.saturating_mul(2).min(room).max(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a handful")]
    #[expect(clippy::cast_precision_loss, reason = "columns of a terminal")]
    let cell = |share: f64, cells: usize| (share * (cells as f64 - 1.0)).round() as usize;
    let column = |at: usize| cell(share(at, count), columns);
    let row = |value: f64| cell(1.0 - axis.scale.share(value), ROWS);
    let mut cells = vec![vec![' '; columns]; ROWS];
    let mut put = |row: usize, column: usize, mark: char| {
        if let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = mark;
        }
    };
    for segment in &series.segments {
        (column(segment.first)..=column(segment.last)).for_each(|column| put(row(segment.level), column, '─'));
    }
    series.points.iter().enumerate().for_each(|(at, point)| put(row(point.value), column(at), '•'));
    let mut marks = vec![' '; columns];
    let mut mark = |at: usize, mark: char| {
        if let Some(cell) = marks.get_mut(column(at)) {
            *cell = mark;
        }
    };
    moves(series).for_each(|at| mark(at, '┊'));
    for finding in &series.findings {
        let rises = if finding.after > finding.before { '▲' } else { '▼' };
        mark(finding.at, if finding.kind == Kind::Suspected { '?' } else { rises });
    }
    let label = |row: usize| {
        let value = if row == 0 { axis.high } else { axis.low };
        if row == 0 || row + 1 == ROWS { show(series, value) } else { String::new() }
    };
    let line = |(row, cells): (usize, Vec<char>)| {
        let text: String = cells.into_iter().collect();
        format!("{:>LABELS$} │{text}", label(row)).trim_end().to_owned()
    };
    let mut lines: Vec<String> = cells.into_iter().enumerate().map(line).collect();
    let below = |text: &str| format!("{:LABELS$}  {text}", "").trim_end().to_owned();
    let marks: String = marks.into_iter().collect();
    if !marks.trim().is_empty() {
        lines.push(below(&marks));
    }
    let days = days(series);
    if let (Some((_, first)), Some((_, last))) = (days.first(), days.last()) {
        let (first, last) = (clean(first), clean(last));
        let gap = columns.saturating_sub(first.chars().count() + last.chars().count());
        let last = if gap > 0 && days.len() > 1 { format!("{}{last}", " ".repeat(gap)) } else { String::new() };
        lines.push(below(&format!("{first}{last}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::trend::{Point, Segment};

    fn series(values: &[f64]) -> Series {
        let point = |(n, value): (usize, &f64)| Point {
            run: format!("r{n}"),
            started: format!("2026-01-{:02}T00:00:00Z", n + 1),
            commit: None,
            machine: n / 4,
            value: *value,
        };
        Series {
            scenario: "<docs>".to_owned(),
            metric: "latency.p95".to_owned(),
            dimension: Dimension::Duration,
            worse_above: Some(true),
            points: values.iter().enumerate().map(point).collect(),
            machines: vec!["a".to_owned(), "b".to_owned()],
            segments: vec![Segment { machine: 0, first: 0, last: values.len().saturating_sub(1), level: 2e6 }],
            findings: Vec::new(),
        }
    }

    #[test]
    fn text_has_a_mark_for_each_run() {
        let lines = history_text(&series(&[1e6, 2e6, 3e6, 2e6, 1e6, 2e6]), 40);
        let dots = lines.iter().flat_map(|line| line.chars()).filter(|c| *c == '•').count();
        assert_eq!(dots, 6, "{lines:#?}");
        assert!(lines[0].starts_with("      3ms │") && lines[8].starts_with("      1ms │•"), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains('┊')));
        assert_eq!(lines.last().map(|line| line.trim()), Some("2026-01-01"));
    }

    #[test]
    fn text_keeps_to_its_width_and_takes_any_values() {
        let long: Vec<f64> = (0..500).map(|n| f64::from(n % 7) + 1.0).collect();
        assert!(history_text(&series(&long), 60).iter().all(|line| line.chars().count() <= 60));
        for values in [&[][..], &[0.0], &[0.0, 0.0], &[5.0, 5.0], &[1e300, -1e300], &[1e-9, 2e-9]] {
            history_text(&series(values), 5);
            history(&series(values), "x");
        }
    }

    #[test]
    fn a_drawing_is_small_and_escapes_names() {
        let values: Vec<f64> = (0..200).map(|n| 1e6 + f64::from(n * 7919 % 1000)).collect();
        let drawn = history(&series(&values), "trend-1");
        assert!(drawn.len() < 15_000 && drawn.contains("&lt;docs&gt;") && !drawn.contains("<docs>"), "{}", drawn.len());
        assert_eq!(drawn, history(&series(&values), "trend-1"));
    }
}
