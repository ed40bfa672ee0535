//! The view as a whole, on terminals of several sizes.

mod cost;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::draw::{Mode, draw};
use super::state::{State, Subject};
use super::{Dashboard, QUEUED};
use crate::cli::lookout::Sought;
use crate::plan::{Assertion, Comparison, Metric, MetricExpr, MetricRef, Statistic, TimeMetric};
use crate::record::Slice;
use crate::report::tests::sample;
use crate::results::Results;
use crate::units::{Dimension, Quantity};

/// A run after so many of its seconds.
fn after(results: &Results, seconds: usize) -> State {
    let subject = Subject {
        plan: Arc::new(results.plan.clone()),
        threads: results.run.threads,
        place: None,
        against: "rulebook (2025-11-25 over http)".to_owned(),
    };
    let mut state = State::new(subject);
    results.recording.seconds.iter().take(seconds).for_each(|slice| state.second(slice, Vec::new()));
    state
}

/// A run with an assertion of each kind: one that holds, one that does not, one of
/// seconds, and one that a sample of this size cannot tell.
fn typical() -> Results {
    let (mut results, _) = sample::typical();
    let selection = results.everything();
    let assertion = |source: &str, metric, statistic, limit, share_of_seconds| {
        let reference = MetricRef { source: source.to_owned(), selection: selection.clone(), metric, statistic };
        Assertion {
            source: source.to_owned(),
            left: MetricExpr::Metric(reference),
            comparison: Comparison::Less,
            right: MetricExpr::Const(limit),
            share_of_seconds,
        }
    };
    let latency = || Metric::Time(TimeMetric::Latency);
    let time = |millis: f64| Quantity::new(millis * 1e6, Dimension::Duration);
    let errors = Metric::Errors { class: None };
    results.plan.assertions = vec![
        assertion("latency.p95 < 250ms", latency(), Statistic::Percentile(95.0), time(250.0), None),
        assertion("latency.p50 < 10ms", latency(), Statistic::Percentile(50.0), time(10.0), None),
        assertion("errors.rate < 5%", errors, Statistic::Rate, Quantity::new(0.05, Dimension::Share), None),
        assertion("latency.p99.9 < 1s", latency(), Statistic::Percentile(99.9), time(1000.0), None),
        assertion(
            "latency.p50 < 20ms in 90% of seconds",
            latency(),
            Statistic::Percentile(50.0),
            time(20.0),
            Some(0.9),
        ),
    ];
    results
}

fn buffer(state: &State, mode: &mut Mode, (width, height): (u16, u16)) -> Buffer {
    let shown = state.shown();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(&shown, mode, frame.area(), frame.buffer_mut())).unwrap();
    terminal.backend().buffer().clone()
}

/// What is on the screen, without blanks at the ends of lines.
fn screen(state: &State, mode: &mut Mode, size: (u16, u16)) -> String {
    let buffer = buffer(state, mode, size);
    let mut text = String::new();
    for y in 0..size.1 {
        let mut line = String::new();
        let mut x = 0;
        while x < size.0 {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide character takes the cell behind it, too.
            x += u16::try_from(super::text::width(symbol)).unwrap().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/view").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} differs: run with UPDATE=1 and read the difference");
}

const ALL: usize = usize::MAX;

/// Sizes from a large terminal to one that was made tiny during a run.
const SIZES: [(u16, u16); 4] = [(80, 24), (200, 50), (60, 20), (40, 10)];

#[test]
fn the_view_is_as_it_was() {
    let typical = typical();
    for (width, height) in SIZES {
        let size = (width, height);
        check(&format!("typical.{width}x{height}.txt"), &screen(&after(&typical, ALL), &mut Mode::default(), size));
    }
    let begun = after(&typical, 0);
    check("begun.80x24.txt", &screen(&begun, &mut Mode::default(), (80, 24)));
    let mut detail = Mode { detail: true, stopping: true, scroll: 2, ..Mode::default() };
    check("detail.80x24.txt", &screen(&after(&typical, 9), &mut detail, (80, 24)));
    check("help.80x24.txt", &screen(&begun, &mut Mode { help: true, ..Mode::default() }, (80, 24)));
}

#[test]
fn the_level_of_a_search_is_shown() {
    let (mut results, _) = sample::searched();
    results.plan.scenarios.truncate(1);
    let mut state = after(&results, 0);
    let sought = Sought { scenario: 0, level: 40.0, doing: "search: trying 40/s, level 3 of at most 9".to_owned() };
    state.second(results.recording.seconds.first().unwrap_or(&Slice::default()), vec![sought]);
    let text = screen(&state, &mut Mode::default(), (80, 24));
    assert!(text.contains("search: trying 40/s, level 3 of at most 9"), "{text}");
    assert!(text.contains("at most"), "a search may be over before: {text}");
}

#[test]
fn every_size_can_be_drawn() {
    let typical = typical();
    let state = after(&typical, ALL);
    for width in (1..=24).step_by(3).chain([40, 55, 56, 60, 80, 119, 120, 300]) {
        for height in (1..=20).chain([33, 34, 50, 100]) {
            for detail in [false, true] {
                let mut mode = Mode { detail, scroll: usize::MAX, ..Mode::default() };
                screen(&state, &mut mode, (width, height));
                assert!(mode.scroll <= typical.plan.series.len() || mode.scroll == usize::MAX);
            }
        }
    }
}

#[test]
fn nothing_that_a_name_holds_reaches_the_terminal() {
    let (hostile, _) = sample::hostile("\x1b[2J\x07\u{202e}工具\u{200b}\r\n\x1b]0;x\x07");
    let mut state = after(&hostile, ALL);
    state.notes.lines.push_back("\x1b[31mred\x1b[0m".to_owned());
    for size in SIZES {
        let text = screen(&state, &mut Mode::default(), size);
        let bad = text.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202e}' | '\u{200b}'));
        assert_eq!(bad, None, "{text}");
    }
}

#[test]
fn without_colour_the_words_and_signs_are_the_same() {
    let typical = typical();
    let state = after(&typical, ALL);
    let mut colored = Mode { color: true, ..Mode::default() };
    assert_eq!(screen(&state, &mut colored, (80, 24)), screen(&state, &mut Mode::default(), (80, 24)));
    let colors = |mode: &mut Mode| {
        let buffer = buffer(&state, mode, (80, 24));
        buffer.content().iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(colors(&mut colored));
    assert!(!colors(&mut Mode::default()));
}

#[test]
fn what_is_kept_does_not_grow_with_the_run() {
    let typical = typical();
    let mut state = after(&typical, ALL);
    for second in 15..2_000 {
        state.second(&Slice { second, ..Slice::default() }, Vec::new());
    }
    assert_eq!(state.shown().points.len(), 600);
}

#[test]
fn the_totals_are_those_of_the_results() {
    use crate::results::Window;
    for (results, _) in [sample::typical(), sample::one_second()] {
        let shown = after(&results, ALL).shown();
        let counts = results.counts(&results.everything(), Window::Whole);
        assert_eq!((shown.requests, shown.failed), (counts.requests, counts.failed()));
        let times = results.times(&results.everything(), crate::record::Time::Latency, Window::Whole);
        assert_eq!(shown.latency, [50.0, 95.0, 99.0].map(|percentile| times.percentile(percentile)));
    }
}

#[test]
fn a_terminal_that_takes_nothing_holds_nothing_up() {
    let (seconds, receiver) = sync_channel(QUEUED);
    let lost = Arc::new(AtomicU64::new(0));
    let view = Dashboard { seconds, lost: Arc::clone(&lost), thread: None };
    // Nobody takes them: this would never return if it waited.
    for second in 0..100 {
        assert!(view.second(&Slice { second, ..Slice::default() }, &[]));
    }
    assert_eq!(lost.load(std::sync::atomic::Ordering::Relaxed), 100 - QUEUED as u64);
    drop(receiver);
    assert!(!view.second(&Slice::default(), &[]), "a view that has gone is told");
}

#[test]
fn the_page_shows_the_view_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/live-view.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let typical = typical();
    let view = screen(&after(&typical, 9), &mut Mode::default(), (80, 24));
    let (before, rest) = page.split_once("```text\n").expect("the page has a picture");
    let (picture, behind) = rest.split_once("```\n").unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}```text\n{view}```\n{behind}")).unwrap();
    } else {
        assert_eq!(picture, view, "run with UPDATE=1 and read the difference");
    }
}
