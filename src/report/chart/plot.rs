//! Draws the frame of a chart and the layers in it.

use std::fmt::Write as _;

use super::cells::Cells;
use super::path::{Path, coordinate};
use super::reduce::{Point, min_max};
use super::scale::Scale;
use crate::report::escape::html;

/// Size of the drawing in its own units; the page stretches it.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 300.0;

/// Points of all lines of a chart together: what keeps it below 15 KB.
const POINTS: usize = 1200;

/// Bars of a chart: the eye tells no more apart on a phone.
const BARS: usize = 120;

/// How dark the warm-up is shaded.
const WARMUP_OPACITY: &str = ".08";

/// Size of a lone point.
const DOT_WIDTH: u32 = 7;

/// Widest bar: a run of a few seconds is no block diagram.
const BAR_WIDTH: f64 = 24.0;

/// A chart ready to be drawn.
pub(super) struct Plot {
    /// Identifies it within the page.
    pub(super) name: &'static str,
    /// What it shows.
    pub(super) title: String,
    /// What is to be seen, for those who do not see it.
    pub(super) description: String,
    /// Whether the x axis is time, from the start of the run, in seconds.
    pub(super) over_time: bool,
    /// A word on the legend.
    pub(super) note: Option<String>,
    /// Where the x axis ends; it begins at 0.
    pub(super) length: f64,
    /// Labelled places on the x axis.
    pub(super) x_ticks: Vec<(f64, String)>,
    /// The value axis.
    pub(super) y: Scale,
    /// Labelled places on the value axis.
    pub(super) y_ticks: Vec<(f64, String)>,
    /// End of the shaded warm-up in seconds; 0 for none.
    pub(super) warmup_s: f64,
    /// Borders of stages in seconds.
    pub(super) borders_s: Vec<f64>,
    /// From back to front.
    pub(super) layers: Vec<Layer>,
    /// What the pointer is told near places on the x axis, in their order. Charts over
    /// time leave that to the page.
    pub(super) told: Vec<(f64, String)>,
}

/// Something drawn along the x axis.
pub(super) enum Layer {
    /// Points joined by lines.
    Line(Line),
    /// The same, with the space below filled.
    Area(Line),
    /// Bars upon bars, the first at the bottom.
    Bars(Vec<Line>),
    /// Points by themselves.
    Dots(Line),
    /// Counts in a grid.
    Cells(Cells),
}

impl Layer {
    /// How many entries of the legend it has.
    fn series(&self) -> usize {
        match self {
            Layer::Line(_) | Layer::Area(_) | Layer::Dots(_) => 1,
            Layer::Bars(bars) => bars.len(),
            Layer::Cells(cells) => cells.levels().len(),
        }
    }

    /// How many reduced lines it draws.
    fn paths(&self) -> usize {
        match self {
            Layer::Line(_) => 1,
            Layer::Area(_) => 2,
            Layer::Bars(_) | Layer::Dots(_) | Layer::Cells(_) => 0,
        }
    }
}

/// Values along the x axis and how they look.
pub(super) struct Line {
    pub(super) label: String,
    /// A CSS variable, such as `--c1`.
    pub(super) color: &'static str,
    /// A dash pattern; `""` for an unbroken line.
    pub(super) dash: &'static str,
    pub(super) width: f64,
    pub(super) points: Vec<Point>,
}

impl Plot {
    /// As HTML: a legend, then the drawing with its labels.
    pub(super) fn to_html(&self) -> String {
        let mut out = self.legend();
        let time = if self.over_time { format!(r#" data-time="{}""#, self.length) } else { String::new() };
        let _ = write!(out, r#"<div class="plot"{time}><div class="plot-y" aria-hidden="true">"#);
        for (value, label) in &self.y_ticks {
            let top = coordinate((1.0 - self.y.share(*value)) * 100.0);
            let _ = write!(out, r#"<span style="top:{top}%">{}</span>"#, html(label));
        }
        let _ = write!(out, "</div>{}", self.svg());
        out.push_str(r#"<div class="plot-x" aria-hidden="true">"#);
        for (second, label) in &self.x_ticks {
            let share = self.share_of_length(*second);
            let class = if share > 0.97 { r#" class="end""# } else { "" };
            let _ = write!(out, r#"<span{class} style="left:{}%">{}</span>"#, coordinate(share * 100.0), html(label));
        }
        out.push_str("</div></div>\n");
        out
    }

    fn legend(&self) -> String {
        let mut out = String::from(r#"<ul class="legend">"#);
        if let Some(note) = &self.note {
            let _ = write!(out, r#"<li class="note">{}</li>"#, html(note));
        }
        let mut item = |series: Option<usize>, width: u32, sample: String, label: &str| {
            let series = series.map(|n| format!(r#" data-s="{n}""#)).unwrap_or_default();
            let _ = write!(
                out,
                r#"<li{series}><svg viewBox="0 0 {width} 12" width="{width}" height="12" aria-hidden="true" focusable="false">{sample}</svg>{}</li>"#,
                html(label)
            );
        };
        let mut first = 0;
        for layer in &self.layers {
            match layer {
                Layer::Line(line) | Layer::Area(line) => {
                    item(Some(first), 26, line_path(line, "M0 6h26"), &line.label);
                }
                // The topmost bar comes first, as in the drawing.
                Layer::Bars(bars) => bars
                    .iter()
                    .enumerate()
                    .rev()
                    .for_each(|(n, bar)| item(Some(first + n), 10, bar_path(bar, "M5 12v-12", 10.0), &bar.label)),
                Layer::Dots(line) => item(Some(first), 10, dots_path(line, "M5 6h0"), &line.label),
                Layer::Cells(cells) => {
                    for (n, (_, opacity, label)) in cells.levels().into_iter().enumerate() {
                        let color = cells.color;
                        let sample = format!(
                            r#"<path d="M0 0h14v12h-14z" fill="var({color},currentColor)" opacity="{opacity}"/>"#
                        );
                        item(Some(first + n), 14, sample, &label);
                    }
                }
            }
            first += layer.series();
        }
        if self.warmup_s > 0.0 {
            item(
                None,
                14,
                format!(r#"<path d="M0 0h14v12h-14z" fill="currentColor" opacity="{WARMUP_OPACITY}"/>"#),
                "warm-up",
            );
        }
        out.push_str("</ul>\n");
        out
    }

    fn svg(&self) -> String {
        let name = self.name;
        let mut out = format!(
            concat!(
                r#"<svg viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" "#,
                r#"aria-labelledby="chart-{n}-title chart-{n}-desc" fill="none">"#,
                r#"<title id="chart-{n}-title">{title}</title><desc id="chart-{n}-desc">{desc}</desc>"#
            ),
            w = WIDTH,
            h = HEIGHT,
            n = name,
            title = html(&self.title),
            desc = html(&self.description)
        );
        out.push_str(&self.ground());
        let paths: usize = self.layers.iter().map(Layer::paths).sum();
        let columns = POINTS / paths.max(1) / 2;
        let mut first = 0;
        for layer in &self.layers {
            let drawn = match layer {
                Layer::Line(line) => self.line(line, columns),
                Layer::Area(line) => self.area(line, columns) + &self.line(line, columns),
                Layer::Bars(bars) => self.bars(bars, first),
                Layer::Dots(line) => self.dots(line),
                Layer::Cells(cells) => cells.svg(self.length, WIDTH, HEIGHT, first),
            };
            match layer {
                Layer::Bars(_) | Layer::Cells(_) => out.push_str(&drawn),
                _ => {
                    let _ = write!(out, r#"<g data-s="{first}">{drawn}</g>"#);
                }
            }
            first += layer.series();
        }
        out.push_str(&self.near());
        out.push_str("</svg>");
        out
    }

    /// What is told, each from halfway to its neighbours.
    fn near(&self) -> String {
        if self.told.is_empty() {
            return String::new();
        }
        let at: Vec<f64> = self.told.iter().map(|(at, _)| self.x(*at)).collect();
        let halfway = at.windows(2).map(|pair| pair.iter().sum::<f64>() / 2.0);
        let borders: Vec<f64> = std::iter::once(0.0).chain(halfway).chain([WIDTH]).collect();
        let mut out = String::from(r#"<g class="near" fill="transparent">"#);
        for ((_, text), pair) in self.told.iter().zip(borders.windows(2)) {
            let [from, to] = pair else { continue };
            let (from, to) = (coordinate(*from), coordinate(*to));
            let _ = write!(out, r#"<path d="M{from} 0H{to}V{HEIGHT}H{from}z"><title>{}</title></path>"#, html(text));
        }
        out.push_str("</g>");
        out
    }

    /// Stages, warm-up and grid.
    fn ground(&self) -> String {
        let mut out = String::new();
        // Every other stage is a shade darker.
        let mut bands = Path::default();
        for band in self.borders_s.windows(2).skip(1).step_by(2) {
            if let [from, to] = band {
                self.band(&mut bands, *from, *to);
            }
        }
        let _ = write!(out, r#"<path class="stages" d="{}" fill="currentColor" opacity=".03"/>"#, bands.data());
        if self.warmup_s > 0.0 {
            let mut warmup = Path::default();
            self.band(&mut warmup, 0.0, self.warmup_s);
            let _ = write!(
                out,
                r#"<path class="warmup" d="{}" fill="currentColor" opacity="{WARMUP_OPACITY}"/>"#,
                warmup.data()
            );
        }
        let mut grid = Path::default();
        for (value, _) in &self.y_ticks {
            grid.move_to(0.0, self.y(*value));
            grid.line_to(WIDTH, self.y(*value));
        }
        let _ = write!(
            out,
            r#"<path class="grid" d="{}" stroke="var(--grid,currentColor)" vector-effect="non-scaling-stroke"/>"#,
            grid.data()
        );
        out
    }

    fn band(&self, path: &mut Path, from: f64, to: f64) {
        let (from, to) = (self.x(from), self.x(to));
        path.move_to(from, 0.0);
        path.line_to(to, 0.0);
        path.line_to(to, HEIGHT);
        path.line_to(from, HEIGHT);
        path.close();
    }

    fn line(&self, line: &Line, columns: usize) -> String {
        let (mut path, mut dots) = (Path::default(), Path::default());
        for run in runs(&min_max(&line.points, self.length, columns)) {
            if let [(at, value)] = run.as_slice() {
                // A point without a neighbour would be too small to be seen.
                dots.move_to(self.x(*at), self.y(*value));
                dots.line_to(self.x(*at), self.y(*value));
            }
            for (n, (at, value)) in run.iter().enumerate().filter(|_| run.len() > 1) {
                let (x, y) = (self.x(*at), self.y(*value));
                if n == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
            }
        }
        let mut out = line_path(line, &path.data());
        let dots = dots.data();
        if !dots.is_empty() {
            let _ = write!(
                out,
                r#"<path d="{dots}" stroke="var({},currentColor)" stroke-width="{DOT_WIDTH}" stroke-linecap="round" vector-effect="non-scaling-stroke"/>"#,
                line.color
            );
        }
        out
    }

    fn area(&self, line: &Line, columns: usize) -> String {
        let mut path = Path::default();
        for run in runs(&min_max(&line.points, self.length, columns)) {
            let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
            path.move_to(self.x(*first), HEIGHT);
            run.iter().for_each(|(at, value)| path.line_to(self.x(*at), self.y(*value)));
            path.line_to(self.x(*last), HEIGHT);
            path.close();
        }
        format!(r#"<path d="{}" fill="var({},currentColor)" opacity=".12"/>"#, path.data(), line.color)
    }

    fn dots(&self, line: &Line) -> String {
        let mut path = Path::default();
        for (at, value) in line.points.iter().filter_map(|(at, value)| Some((at, (*value)?))) {
            path.move_to(self.x(*at), self.y(value));
            path.line_to(self.x(*at), self.y(value));
        }
        dots_path(line, &path.data())
    }

    /// Bars are thick upright lines, so that a dash pattern tells them apart
    /// without colour.
    fn bars(&self, bars: &[Line], first: usize) -> String {
        let count = bars.iter().map(|bar| bar.points.len()).max().unwrap_or(0);
        let group = count.div_ceil(BARS).max(1);
        let room = WIDTH / self.length * group as f64 * self.bar_seconds(bars);
        let width = (room * 0.8).clamp(1.0, BAR_WIDTH);
        let mut below = vec![0.0; count.div_ceil(group)];
        let mut out = String::new();
        for (n, bar) in bars.iter().enumerate() {
            let mut path = Path::default();
            for (points, below) in bar.points.chunks(group).zip(&mut below) {
                let value = points.iter().filter_map(|(_, value)| *value).sum::<f64>() / points.len().max(1) as f64;
                let middle = points.iter().map(|(at, _)| at).sum::<f64>() / points.len().max(1) as f64;
                if value > 0.0 {
                    path.move_to(self.x(middle), self.y(*below));
                    *below += value;
                    path.line_to(self.x(middle), self.y(*below));
                }
            }
            let _ = write!(out, r#"<g data-s="{}">{}</g>"#, first + n, bar_path(bar, &path.data(), width));
        }
        out
    }

    /// Seconds that one bar stands for before bars are grouped.
    fn bar_seconds(&self, bars: &[Line]) -> f64 {
        let mut starts = bars.iter().flat_map(|bar| bar.points.first().zip(bar.points.get(1)));
        starts.next().map_or(self.length.min(1.0), |(first, second)| second.0 - first.0)
    }

    fn share_of_length(&self, second: f64) -> f64 {
        if self.length > 0.0 { (second / self.length).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn x(&self, second: f64) -> f64 {
        self.share_of_length(second) * WIDTH
    }

    fn y(&self, value: f64) -> f64 {
        (1.0 - self.y.share(value)) * HEIGHT
    }
}

/// Stretches of points without a gap.
fn runs(points: &[Point]) -> Vec<Vec<(f64, f64)>> {
    points
        .chunk_by(|a, b| a.1.is_some() == b.1.is_some())
        .map(|run| run.iter().filter_map(|(at, value)| value.map(|value| (*at, value))).collect())
        .filter(|run: &Vec<_>| !run.is_empty())
        .collect()
}

fn line_path(line: &Line, data: &str) -> String {
    if data.is_empty() {
        return String::new();
    }
    let ends = if line.dash.is_empty() { r#" stroke-linecap="round""# } else { "" };
    format!(
        r#"<path d="{data}" stroke="var({},currentColor)" stroke-width="{}"{}{ends} stroke-linejoin="round" vector-effect="non-scaling-stroke"/>"#,
        line.color,
        coordinate(line.width),
        dash(line.dash),
    )
}

fn dots_path(line: &Line, data: &str) -> String {
    format!(
        r#"<path d="{data}" stroke="var({},currentColor)" stroke-width="{}" stroke-linecap="round" opacity=".75" vector-effect="non-scaling-stroke"/>"#,
        line.color,
        coordinate(line.width),
    )
}

fn bar_path(bar: &Line, data: &str, width: f64) -> String {
    if data.is_empty() {
        return String::new();
    }
    let dash = dash(bar.dash);
    format!(r#"<path d="{data}" stroke="var({},currentColor)" stroke-width="{}"{dash}/>"#, bar.color, coordinate(width))
}

fn dash(pattern: &str) -> String {
    if pattern.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{pattern}""#) }
}
