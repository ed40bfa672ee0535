//! The charts there are, by name.

use super::plot::{Layer, Line, Plot};
use super::reduce::Point;
use super::scale::Scale;
use super::spread;
use super::ticks::{self, Ticks};
use crate::record::ErrorClass;
use crate::report::view::{PlannedLine, ProcessPoint, Row, View};
use crate::units;

/// Names of the charts.
pub(crate) const NAMES: [&str; 13] = [
    "arrivals",
    "users",
    "latency",
    "heatmap",
    "percentiles",
    "throughput",
    "errors",
    "load",
    "server_cpu",
    "server_memory",
    "lag",
    "generator_cpu",
    "generator_memory",
];

/// Labels along the time axis: what a phone has room for.
const TIME_STEPS: u32 = 5;

/// Labels along a linear value axis.
const VALUE_STEPS: u32 = 4;

/// Room above the highest label, so that a line at it is not cut.
const HEADROOM: f64 = 1.03;

/// Bytes in a unit of a memory axis.
const MEBIBYTE: f64 = 1_048_576.0;

/// Colour and dash pattern of each error class, by its index: the same class
/// looks the same in every report.
const CLASS_LOOKS: [(&str, &str); ErrorClass::ALL.len()] = [
    ("--e1", "12 2"),
    ("--e2", ""),
    ("--e3", "6 2"),
    ("--e4", "18 2 4 2"),
    ("--e5", "3 2"),
    ("--e6", "24 3"),
    ("--e7", "9 2 3 2"),
    ("--e8", "15 5"),
    ("--e9", "6 2 6 6"),
    ("--e10", "2 4"),
    ("--e11", "20 8"),
    ("--e12", "4 4 12 4"),
    ("--e13", "10 3 2 3 2 3"),
];

/// The chart of this name as HTML: `None` for a name that is no chart's, empty
/// when the run has nothing to show in it.
pub(crate) fn chart(view: &View, name: &str) -> Option<String> {
    let plot = match name {
        "arrivals" => arrivals(view),
        "users" => users(view),
        "latency" => latency(view),
        "heatmap" => spread::heatmap(view),
        "percentiles" => spread::percentiles(view),
        "load" => spread::load(view),
        "throughput" => throughput(view),
        "errors" => errors(view),
        "server_cpu" => server_cpu(view),
        "server_memory" => server_memory(view),
        "lag" => lag(view),
        "generator_cpu" => generator_cpu(view),
        "generator_memory" => generator_memory(view),
        _ => return None,
    };
    Some(plot.map(|plot| plot.to_html()).unwrap_or_default())
}

/// Values of the rows, each in the middle of its stretch of time.
pub(super) fn over_time(view: &View, value: impl Fn(&Row) -> Option<f64>) -> Vec<Point> {
    let half = view.timeline.every_s as f64 / 2.0;
    view.timeline.rows.iter().map(|row| (row.second as f64 + half, value(row))).collect()
}

pub(super) fn line(label: &str, color: &'static str, dash: &'static str, width: f64, points: Vec<Point>) -> Line {
    Line { label: label.to_owned(), color, dash, width, points }
}

fn largest<'a>(points: impl IntoIterator<Item = &'a Point>) -> Option<Point> {
    points
        .into_iter()
        .filter(|point| point.1.is_some())
        .max_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)))
        .copied()
}

/// A planned line up to the end of the time axis: a run that was stopped has
/// less time than its plan.
fn planned(view: &View, line: &PlannedLine) -> Vec<Point> {
    let end = view.timeline.length_s as f64;
    let mut points: Vec<Point> =
        line.iter().take_while(|(at, _)| *at <= end).map(|(at, level)| (*at, Some(*level))).collect();
    let cut = line.iter().zip(line.iter().skip(1)).find(|(from, to)| from.0 <= end && end < to.0);
    if let Some((from, to)) = cut {
        points.push((end, Some(from.1 + (to.1 - from.1) * (end - from.0) / (to.0 - from.0))));
    }
    points
}

/// The start of the row whose middle is at `at` seconds.
fn start_of(view: &View, at: f64) -> String {
    second((at - view.timeline.every_s as f64 / 2.0).max(0.0))
}

pub(super) fn second(second: f64) -> String {
    if second == 0.0 { "0s".to_owned() } else { units::duration(second * 1e9) }
}

fn number(value: f64) -> String {
    units::number(value)
}

pub(super) fn duration(nanos: f64) -> String {
    if nanos == 0.0 { "0".to_owned() } else { units::duration(nanos) }
}

/// A frame with a linear axis from 0.
fn linear(
    view: &View,
    name: &'static str,
    title: &str,
    description: String,
    layers: Vec<Layer>,
    high: f64,
    label: fn(f64) -> String,
) -> Plot {
    let ticks = ticks::linear(high, VALUE_STEPS);
    let y = Scale::Linear { low: ticks.low, high: ticks.high * HEADROOM };
    frame(view, name, title, description, layers, y, labelled(&ticks, label))
}

fn labelled(ticks: &Ticks, label: fn(f64) -> String) -> Vec<(f64, String)> {
    ticks.values.iter().map(|value| (*value, label(*value))).collect()
}

/// A logarithmic axis for times in nanoseconds.
pub(super) fn latency_axis(low: f64, high: f64) -> (Scale, Vec<(f64, String)>) {
    let ticks = ticks::log10(low, high);
    (Scale::Log10 { low: ticks.low, high: ticks.high }, labelled(&ticks, duration))
}

fn frame(
    view: &View,
    name: &'static str,
    title: &str,
    description: String,
    layers: Vec<Layer>,
    y: Scale,
    y_ticks: Vec<(f64, String)>,
) -> Plot {
    let length_s = view.timeline.length_s as f64;
    Plot {
        name,
        title: title.to_owned(),
        description,
        over_time: true,
        note: None,
        length: length_s,
        x_ticks: ticks::time(length_s, TIME_STEPS).into_iter().map(|at| (at, second(at))).collect(),
        y,
        y_ticks,
        warmup_s: view.timeline.warmup_s,
        borders_s: view.timeline.borders_s.clone(),
        layers,
        told: Vec::new(),
    }
}

fn arrivals(view: &View) -> Option<Plot> {
    if view.planned_rate.is_empty() || view.timeline.rows.is_empty() {
        return None;
    }
    let started = over_time(view, |row| row.started_rate);
    let dropped = over_time(view, |row| (row.dropped > 0).then(|| row.dropped as f64 / view.timeline.every_s as f64));
    let planned = planned(view, &view.planned_rate);
    let high = largest(planned.iter().chain(&started).chain(&dropped))?.1?;
    let has_dropped = dropped.iter().any(|point| point.1.is_some());
    let total: u64 = view.scenarios.iter().map(|scenario| scenario.dropped).sum();
    let mut layers = Vec::new();
    if has_dropped {
        layers.push(Layer::Bars(vec![line("dropped", "--e2", "", 1.0, dropped)]));
    }
    layers.push(Layer::Line(line("planned", "--c4", "6 4", 1.5, planned)));
    layers.push(Layer::Line(line("begun", "--c1", "", 2.0, started)));
    let description = format!("Iterations per second, planned and begun; {total} arrivals were dropped.");
    Some(linear(view, "arrivals", "Arrivals per second, planned and begun", description, layers, high, number))
}

fn users(view: &View) -> Option<Plot> {
    if view.planned_users.is_empty() || view.timeline.rows.is_empty() {
        return None;
    }
    let users = over_time(view, |row| Some(row.users as f64));
    let planned = planned(view, &view.planned_users);
    let high = largest(planned.iter().chain(&users))?.1?;
    let layers = vec![
        Layer::Line(line("planned (closed scenarios)", "--c4", "6 4", 1.5, planned)),
        Layer::Line(line("virtual users (all scenarios)", "--c1", "", 2.0, users)),
    ];
    let description = format!("Virtual users over time; at most {}.", view.generator.users_max);
    Some(linear(view, "users", "Virtual users, planned and present", description, layers, high, number))
}

fn latency(view: &View) -> Option<Plot> {
    let lines = [
        line("max", "--c4", "1 4", 1.5, over_time(view, |row| row.max_ns)),
        line("p99", "--c3", "2 3", 2.0, over_time(view, |row| row.p99_ns)),
        line("p95", "--c2", "7 4", 2.0, over_time(view, |row| row.p95_ns)),
        line("p50", "--c1", "", 2.0, over_time(view, |row| row.p50_ns)),
    ];
    let known = || lines.iter().flat_map(|line| &line.points).filter_map(|point| point.1);
    let (low, high) = (known().reduce(f64::min)?, known().reduce(f64::max)?);
    let p99 = lines.get(1).and_then(|line| largest(&line.points));
    let highest = p99.and_then(|(at, value)| {
        Some(format!("; p99 was highest at {}, with {}", start_of(view, at), units::duration(value?)))
    });
    let description = format!(
        "Latency of successful requests over time on a logarithmic scale, between {} and {}{}.",
        units::duration(low),
        units::duration(high),
        highest.unwrap_or_default()
    );
    let (y, y_ticks) = latency_axis(low, high);
    let layers = lines.into_iter().map(Layer::Line).collect();
    Some(frame(view, "latency", "Latency over time", description, layers, y, y_ticks))
}

fn throughput(view: &View) -> Option<Plot> {
    let rate = over_time(view, |row| Some(row.rate));
    let (_, high) = largest(&rate)?;
    let description =
        format!("Requests that ended per second, failed ones included; at most {}.", units::number(high?));
    let layers = vec![Layer::Area(line("answered or failed", "--c1", "", 2.0, rate))];
    Some(linear(view, "throughput", "Requests per second", description, layers, high?, number))
}

fn errors(view: &View) -> Option<Plot> {
    let every = view.timeline.every_s as f64;
    let failed = over_time(view, |row| Some(row.errors as f64 / every));
    let high = largest(&failed)?.1.filter(|high| *high > 0.0)?;
    let bars = ErrorClass::ALL.into_iter().filter_map(|class| {
        let (color, dash) = CLASS_LOOKS.get(class.index()).copied()?;
        let points = over_time(view, |row| row.errors_by_class.get(class.name()).map(|count| *count as f64 / every));
        points
            .iter()
            .any(|point| point.1.is_some_and(|value| value > 0.0))
            .then(|| line(class.name(), color, dash, 1.0, points))
    });
    let layers = vec![Layer::Bars(bars.collect())];
    let total: u64 = view.timeline.rows.iter().map(|row| row.errors).sum();
    let description = format!("Failed requests per second, stacked by class; {total} in all, warm-up included.");
    Some(linear(view, "errors", "Failed requests per second, by class", description, layers, high, number))
}

/// Colour and dash pattern of servers, in turn.
const SERVER_LOOKS: [(&str, &str); 4] = [("--c1", ""), ("--c2", "7 4"), ("--c3", "2 3"), ("--c4", "1 4")];

/// A line for each server whose processes were watched.
fn servers(view: &View, value: impl Fn(&ProcessPoint) -> Option<f64>) -> Vec<Line> {
    let looks = SERVER_LOOKS.into_iter().cycle();
    let servers = view.processes.iter().zip(looks).enumerate();
    servers
        .map(|(index, (process, (color, dash)))| {
            line(&process.server, color, dash, 2.0, over_time(view, |row| value(row.processes.get(index)?)))
        })
        .collect()
}

fn server_cpu(view: &View) -> Option<Plot> {
    let lines = servers(view, |point| point.cpu);
    let (at, high) = largest(lines.iter().flat_map(|line| &line.points))?;
    let description = format!(
        "Processor time of the processes of servers, in percent of one processor; at most {} at {}.",
        percent(high?),
        start_of(view, at)
    );
    let layers = lines.into_iter().map(Layer::Line).collect();
    Some(linear(view, "server_cpu", "Processor time of servers", description, layers, high?.max(f64::EPSILON), percent))
}

fn server_memory(view: &View) -> Option<Plot> {
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory stay below 2^53")]
    let lines = servers(view, |point| point.rss_bytes.map(|bytes| bytes as f64));
    memory(view, "server_memory", "Memory of servers", "Resident memory of the processes of servers", lines)
}

/// Labels at round numbers of mebibytes.
fn memory(view: &View, name: &'static str, title: &str, what: &str, lines: Vec<Line>) -> Option<Plot> {
    let (at, high) = largest(lines.iter().flat_map(|line| &line.points))?;
    let high = high.filter(|high| *high > 0.0)?;
    let description = format!("{what}; at most {} at {}.", units::bytes(high), start_of(view, at));
    let layers = lines.into_iter().map(Layer::Line).collect();
    let ticks = ticks::linear(high / MEBIBYTE, VALUE_STEPS);
    let y = Scale::Linear { low: ticks.low, high: ticks.high * HEADROOM * MEBIBYTE };
    let ticks = Ticks { values: ticks.values.iter().map(|value| value * MEBIBYTE).collect(), ..ticks };
    Some(frame(view, name, title, description, layers, y, labelled(&ticks, units::bytes)))
}

fn generator_cpu(view: &View) -> Option<Plot> {
    let all = over_time(view, |row| row.cpu);
    let (at, high) = largest(&all)?;
    let busiest = over_time(view, |row| row.busiest);
    let most = largest(&busiest).and_then(|point| point.1).unwrap_or(0.0).max(high?);
    let description = format!(
        "Processor time of the load generator as a share of its {} threads; at most {} at {}.",
        view.run.threads,
        percent(high?),
        start_of(view, at)
    );
    let mut layers = vec![Layer::Line(line("all threads", "--c1", "", 2.0, all))];
    if view.run.threads > 1 {
        layers.insert(0, Layer::Line(line("busiest thread", "--c2", "7 4", 2.0, busiest)));
    }
    let title = "Processor time of the load generator";
    Some(linear(view, "generator_cpu", title, description, layers, most, percent))
}

fn generator_memory(view: &View) -> Option<Plot> {
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory stay below 2^53")]
    let points = over_time(view, |row| row.rss_bytes.map(|bytes| bytes as f64));
    let lines = vec![line("memory", "--c1", "", 2.0, points)];
    let what = "Resident memory of the load generator";
    memory(view, "generator_memory", "Memory of the load generator", what, lines)
}

fn percent(share: f64) -> String {
    format!("{}%", units::number(share * 100.0))
}

fn lag(view: &View) -> Option<Plot> {
    let lag = over_time(view, |row| row.lag_p99_ns);
    let (at, high) = largest(&lag)?;
    let description = format!(
        "How late due work was started, 99th percentile over time; at most {} at {}.",
        units::duration(high?),
        start_of(view, at)
    );
    let layers = vec![Layer::Line(line("start lateness, p99", "--c1", "", 2.0, lag))];
    Some(linear(view, "lag", "Lateness of the load generator", description, layers, high?, duration))
}
