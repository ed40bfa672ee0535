//! What else changed at the moment from which on a limit is broken.

use super::courses::{Course, Courses};
use super::grid::Grid;
use crate::stats::{Jump, jump};

/// With noise alone, something is named in no more than this share of runs, whatever the
/// number of courses (Bonferroni).
const LEVEL: f64 = 0.005;

/// Answers that began before the moment end after it, and a second is rarely all of one
/// kind: so many seconds apart is at the same time.
const SLACK: usize = 2;

/// A change matters from this share of the larger level on.
const MATTERS: f64 = 0.2;

/// No reader acts on more.
const NAMED: usize = 2;

/// What else changed when cell number `at` began: clauses such as `the mean of `hits`
/// fell from 0.92 to 0.11 in the same second`, the clearest first.
pub(super) fn find(courses: &Courses, at: usize) -> Vec<String> {
    let all = courses.all();
    let slack = if courses.grid.width == 1 { SLACK } else { 1 };
    let mut found = changed(&all, at, slack);
    // Of other steps one is enough.
    let steps = found.iter().filter(|(course, _)| course.is_step).count();
    let mut first = true;
    found.retain(|(course, _)| !course.is_step || std::mem::take(&mut first));
    let clause = |(course, jump): &(&Course, Jump)| {
        let verb = if jump.after > jump.before { "rose" } else { "fell" };
        let others = match steps {
            0 | 1 => String::new(),
            _ if !course.is_step => String::new(),
            2 => ", and another step with it".to_owned(),
            steps => format!(", and {} other steps with it", steps - 1),
        };
        let (before, after) = (course.show(jump.before), course.show(jump.after));
        format!("{} {verb} from {before} to {after} {}{others}", course.name, when(courses.grid, at, jump.at))
    };
    found.iter().take(NAMED).map(clause).collect()
}

/// The courses that jump there, the clearest first.
#[expect(clippy::cast_precision_loss, reason = "a few courses")]
fn changed(courses: &[Course], at: usize, slack: usize) -> Vec<(&Course, Jump)> {
    let asked = courses.len() as f64;
    let matters = |course: &Course, jump: &Jump| {
        let (change, larger) = ((jump.after - jump.before).abs(), jump.before.abs().max(jump.after.abs()));
        change >= course.least && change >= larger * MATTERS
    };
    let jumps = courses.iter().filter_map(|course| Some((course, jump(&course.values, at, slack)?)));
    let mut found: Vec<(&Course, Jump)> =
        jumps.filter(|(course, jump)| jump.chance * asked <= LEVEL && matters(course, jump)).collect();
    found.sort_by(|(_, a), (_, b)| a.chance.total_cmp(&b.chance));
    found
}

/// How far one cell is from the other.
fn when(grid: &Grid, at: usize, other: usize) -> String {
    let (a, b) = (grid.second(at), grid.second(other));
    let apart = a.abs_diff(b);
    let seconds = |count: u32| if count == 1 { "a second".to_owned() } else { format!("{count} seconds") };
    match (grid.width, apart) {
        (1, 0) => "in the same second".to_owned(),
        (1, apart) if b < a => format!("{} before", seconds(apart)),
        (1, apart) => format!("{} later", seconds(apart)),
        (width, apart) => format!("within {}", seconds(width + apart)),
    }
}
