//! Personas in a file.

use super::{File, GOOD, compile, plan};
use crate::model::persona::{Habit, PERSONAS};
use crate::plan::{Ids, LostSession, Scenario, Sessions};

fn scenario(server: &'static str, statements: &'static str) -> Scenario {
    plan(&File { server, scenario: statements, ..GOOD }.text()).scenarios.remove(0)
}

fn left_out(scenario: &Scenario) -> Vec<&str> {
    scenario.habits.persona.iter().flat_map(|persona| &persona.left_out).map(String::as_str).collect()
}

#[test]
fn a_persona_sets_what_is_not_stated() {
    let chat = scenario("builtin rulebook", "run look\npersona \"ChatGPT\"");
    assert_eq!((chat.sessions, chat.close), (Sessions::PerIteration, 0.0));
    assert_eq!(chat.habits.list_before_call.unwrap().share(), 1.0);
    assert_eq!(chat.habits.persona.as_ref().unwrap().name, "ChatGPT");
    assert_eq!(left_out(&chat), [] as [&str; 0]);
    // Before or behind it.
    let own = scenario("builtin rulebook", "close 30%\nrun look\npersona \"ChatGPT\"\nlist before call 0%");
    assert_eq!((own.sessions, own.close, own.habits.list_before_call), (Sessions::PerIteration, 0.3, None));
    let spec = scenario("builtin rulebook", "run look\npersona \"specification\"");
    assert_eq!(spec.habits.lost_session, LostSession::Renew);
    let own = scenario("builtin rulebook", "run look\npersona \"specification\"\nlost session fail");
    assert_eq!(own.habits.lost_session, LostSession::Fail);
}

#[test]
fn what_means_nothing_with_the_servers_is_left_out_and_said() {
    let stdio = "builtin rulebook { stdio on }";
    let code = scenario(stdio, "run look\npersona \"Claude Code\"");
    assert_eq!((code.hold_stream, left_out(&code)), (false, vec!["hold stream on", "lost session fail"]));
    let modern = scenario("builtin rulebook\nprotocol 2026-07-28", "run look\npersona \"Codex\"");
    assert_eq!((modern.hold_stream, left_out(&modern).len()), (false, 2));
    let claude = scenario(stdio, "run look\npersona \"claude.ai\"");
    assert_eq!((claude.habits.ids, left_out(&claude)), (Ids::Counting, vec!["ids constant"]));
    assert_eq!(claude.sessions, Sessions::PerCall);
    // Where ids are stated, there is nothing to leave out.
    let own = scenario(stdio, "run look\nids text\npersona \"claude.ai\"");
    assert_eq!((own.habits.ids, left_out(&own).len()), (Ids::Text, 0));
}

#[test]
fn the_same_by_hand_is_a_mistake() {
    for (server, statements, code) in [
        ("builtin rulebook { stdio on }", "run look\nhold stream on", "E410"),
        ("builtin rulebook { stdio on }", "run look\nlost session fail", "E410"),
        ("builtin rulebook\nprotocol 2026-07-28", "run look\nlost session renew", "E410"),
        ("sse \"http://127.0.0.1/sse\"", "run look\nhold stream on", "E410"),
        ("sse \"http://127.0.0.1/sse\"", "run look\nids constant", "E412"),
    ] {
        let found = compile(&File { server, scenario: statements, ..GOOD }.text(), &[]).diagnostics;
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [code], "{server} {statements}");
    }
    // With a server of both eras it may mean something.
    scenario("builtin rulebook\nprotocol {\n50% 2025-11-25\n50% 2026-07-28\n}", "run look\nhold stream on");
}

#[test]
fn every_habit_is_a_statement_that_says_the_same() {
    for persona in PERSONAS {
        let statements: Vec<String> = persona.habits.iter().map(|observed| observed.habit.statement()).collect();
        let text = |scenario: &str| {
            let whole = format!("run look\n{scenario}");
            File { scenario: "@@", ..GOOD }.text().replace("@@", &whole)
        };
        let mut named = plan(&text(&format!("persona \"{}\"", persona.name)));
        named.scenarios[0].habits.persona = None;
        assert_eq!(named, plan(&text(&statements.join("\n"))), "{}", persona.name);
        for observed in persona.habits {
            assert!(!observed.sources.is_empty(), "{}: {}", persona.name, observed.habit.statement());
            let same = |other: &&crate::model::persona::Observed| {
                std::mem::discriminant::<Habit>(&other.habit) == std::mem::discriminant(&observed.habit)
            };
            assert_eq!(persona.habits.iter().filter(same).count(), 1, "{}: one habit twice", persona.name);
        }
    }
}
