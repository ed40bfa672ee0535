//! Targets that are missed for failures.

use super::*;
use crate::plan::Assertion;

const GET: usize = 2;

fn errors(series: &[usize], class: Option<ErrorClass>, statistic: Statistic, limit: f64) -> Assertion {
    let class = class.map(|class| class.name().to_owned());
    below("errors < limit", series, Metric::Errors { class }, statistic, limit)
}

/// Some share of the requests of a step that fails from a second on.
fn fail(call: &mut Call, share: f64, class: ErrorClass) {
    if noise(call.latency) < share {
        call.error = Some(class);
    }
}

#[test]
fn none_at_all_is_an_upper_limit() {
    let none =
        |series: &[usize]| Assertion { comparison: Comparison::Equal, ..errors(series, None, Statistic::Count, 0.0) };
    let from = |begin: u32| {
        move |second: u32, step: usize, call: &mut Call| {
            if second >= begin && step == SEARCH {
                call.error = Some(ErrorClass::Tool);
            }
        }
    };
    // Once told, the failures need no finding of their own.
    for series in [vec![0, 1, 2], vec![SEARCH]] {
        let text = only(&run(40, 1, vec![none(&series)], from(20)));
        assert!(text.contains(": 0 before second 20 and 400 from then on"), "{text}");
        assert!(text.contains("the first in `search_rules` at 20s"), "{text}");
    }
}

#[test]
fn of_a_class_that_is_asserted_no_other_is_told_and_the_other_keeps_its_finding() {
    let both = |second: u32, step: usize, call: &mut Call| {
        if step == SEARCH && second >= 20 {
            fail(call, 0.2, ErrorClass::Expectation);
        }
        if step == SEARCH && call.error.is_none() && call.bytes.is_multiple_of(3) {
            call.error = Some(ErrorClass::Rpc);
        }
    };
    let limit = errors(&[SEARCH], Some(ErrorClass::Expectation), Statistic::Rate, 0.01);
    let found = found(&run(40, 1, vec![limit], both));
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [Kind::Missed, Kind::Errors]);
    assert!(!found[0].text.contains("JSON-RPC"), "{}", found[0].text);
    assert!(found[0].text.contains("; the first in `search_rules` at 20s"), "{}", found[0].text);
    assert!(found[1].text.contains("failed with a JSON-RPC error"), "{}", found[1].text);
}

#[test]
fn a_step_that_is_missed_does_not_hide_the_failures_of_the_others() {
    let failing = |second: u32, step: usize, call: &mut Call| match step {
        SEARCH => fail(call, 0.5, ErrorClass::Tool),
        GET if second >= 20 => fail(call, 0.2, ErrorClass::Tool),
        _ => {}
    };
    let found = found(&run(40, 1, vec![errors(&[GET], None, Statistic::Rate, 0.01)], failing));
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [Kind::Missed, Kind::Errors]);
    assert!(found[1].text.contains("failed with a tool error"), "{}", found[1].text);
}

#[test]
fn the_first_failure_is_the_first_by_the_clock() {
    // By number, the step that fails later comes first. Too few for one to carry it alone.
    let later = |second: u32, step: usize, call: &mut Call| {
        if (step == GET && second >= 8) || (step == SEARCH && second >= 13) {
            fail(call, 0.5, ErrorClass::Rpc);
        }
    };
    let limit = || errors(&[0, 1, 2], None, Statistic::Rate, 0.01);
    let text = only(&run(17, 1, vec![limit()], later));
    assert!(text.contains("before second 8 and") && text.contains("the first in `get_rule` at 8s"), "{text}");
    let found = found(&run(17, 1, vec![], later));
    assert!(found[0].text.contains("the first in `get_rule` at 8s"), "{}", found[0].text);
    // Of a step that failed now and then before, those that are kept are older.
    let failed = std::cell::Cell::new(2);
    let before = |second: u32, step: usize, call: &mut Call| {
        if second >= 10 {
            later(second, step, call);
        } else if step == GET && second == failed.get() && second < 7 {
            failed.set(second + 1);
            call.error = Some(ErrorClass::Rpc);
        }
    };
    let text = only(&run(18, 1, vec![limit()], before));
    assert!(text.contains("before second 10 and") && text.contains("one in `search_rules` at 13s"), "{text}");
}

#[test]
fn of_requests_with_a_tag_no_example_is_known() {
    let mut limit = errors(&[SEARCH], None, Statistic::Rate, 0.01);
    let MetricExpr::Metric(reference) = &mut limit.left else { panic!("it is a metric") };
    reference.selection.tags = vec![("kind".to_owned(), "a".to_owned())];
    let failing = |second: u32, step: usize, call: &mut Call| {
        if step == SEARCH && second >= 20 {
            fail(call, 0.5, ErrorClass::Tool);
        }
    };
    let mut results = run(40, 1, vec![limit], failing);
    results.plan.series[SEARCH].tags = vec![("kind".to_owned(), "a".to_owned())];
    let text = only(&results);
    assert!(text.contains("most failed with a tool error") && !text.contains("the first"), "{text}");
}

#[test]
fn answers_weigh_what_they_weigh_whether_or_not_others_fail() {
    // Every answer is as long as before.
    let failing = |second: u32, step: usize, call: &mut Call| {
        call.bytes = 2000;
        if second >= 20 && step == COMPOSE {
            fail(call, 0.5, ErrorClass::Tool);
            call.latency += 30 * MS;
        }
    };
    for limit in [errors(&[COMPOSE], None, Statistic::Rate, 0.01), p95("p95 < 30ms", &[COMPOSE], 30.0)] {
        let found = found(&run(40, 1, vec![limit], failing));
        assert!(found[0].text.contains("before second 20") && !found[0].text.contains("bytes"), "{}", found[0].text);
    }
    // What fails is answered with less.
    let shorter = |second: u32, step: usize, call: &mut Call| {
        failing(second, step, call);
        call.bytes = if call.error.is_some() { 60 } else { 2000 };
    };
    let limit = errors(&[COMPOSE], None, Statistic::Rate, 0.01);
    let text = &found(&run(40, 1, vec![limit], shorter))[0].text;
    assert!(!text.contains("bytes"), "{text}");
}
