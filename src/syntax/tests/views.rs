//! The typed views say what the text says.

use super::check_invariants;
use crate::syntax::ast::{
    BinaryOp, Expr, FPart, Flow, Item, LiteralKind, RequestStmt, ScenarioStmt, ServerStmt, Stage, Step, UnaryOp,
};
use crate::syntax::parse;

/// An expression, fully parenthesised.
fn show(expr: &Expr) -> String {
    let shown = |expr: Option<Expr>| expr.map_or_else(|| "?".to_owned(), |expr| show(&expr));
    match expr {
        Expr::Literal(literal) => literal.text(),
        Expr::Name(name) => name.text(),
        Expr::Access(access) => format!("{}.{}", shown(access.base()), access.field().unwrap().text()),
        Expr::Index(index) => format!("{}[{}]", shown(index.base()), shown(index.index())),
        Expr::Select(select) => {
            format!("{}[{}={}]", shown(select.base()), select.tag().unwrap().text(), shown(select.value()))
        }
        Expr::Call(call) => {
            let args = call.args().into_iter().map(|arg| {
                let name = arg.name().map(|name| format!("{}: ", name.text())).unwrap_or_default();
                format!("{name}{}", shown(arg.value()))
            });
            format!("{}({})", call.callee().unwrap().text(), args.collect::<Vec<_>>().join(", "))
        }
        Expr::FString(fstring) => {
            let parts = fstring.parts().into_iter().map(|part| match part {
                FPart::Text(text) => format!("{text:?}"),
                FPart::Hole(expr) => show(&expr),
            });
            format!("f<{}>", parts.collect::<Vec<_>>().join(" "))
        }
        Expr::Array(array) => format!("[{}]", array.elements().iter().map(show).collect::<Vec<_>>().join(", ")),
        Expr::Object(object) => {
            let entries = object.entries().into_iter().map(|(key, value)| format!("{}: {}", key.text(), show(&value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Expr::Binary(binary) => {
            format!("({} {:?} {})", shown(binary.left()), binary.op().unwrap(), shown(binary.right()))
        }
        Expr::Unary(unary) => format!("({:?} {})", unary.op().unwrap(), shown(unary.operand())),
        Expr::Range(range) => format!("({} .. {})", shown(range.from()), shown(range.to())),
        Expr::Paren(paren) => shown(paren.inner()),
        Expr::Broken(_) => "broken".to_owned(),
    }
}

fn value(text: &str) -> Expr {
    let parse = check_invariants(&format!("mcpl 1\nparam x = {text}\n"));
    assert_eq!(parse.diagnostics(), [], "{text}");
    let items = parse.file().items();
    let [Item::Param(param)] = items.as_slice() else { panic!("{items:?}") };
    param.value().unwrap()
}

#[test]
fn precedence_is_that_of_the_language() {
    for (text, shown) in [
        ("a or b and not c == d + e * -f", "(a Or (b And (Not (c Eq (d Add (e Mul (Neg f)))))))"),
        ("a - b - c / d / e", "((a Sub b) Sub ((c Div d) Div e))"),
        ("1..n + 1", "(1 .. (n Add 1))"),
        ("x in 1..3 and y", "((x In (1 .. 3)) And y)"),
        ("exists a.b == c", "((Exists a.b) Eq c)"),
        ("not exists a[0].b", "(Not (Exists a[0].b))"),
        ("-a.b * 2", "((Neg a.b) Mul 2)"),
        ("a -1", "(a Sub 1)"),
        ("-1", "-1"),
        ("- 1", "(Neg 1)"),
        ("-10s", "(Neg 10s)"),
        ("a -b", "(a Sub b)"),
        ("a contains \"x\" or b matches \"y\"", "((a Contains \"x\") Or (b Matches \"y\"))"),
        ("(a or b) and c", "((a Or b) And c)"),
        ("a[tag=\"x\"].latency.p99.9 / b", "(a[tag=\"x\"].latency.p99.9 Div b)"),
        ("a[b == \"x\"]", "a[(b Eq \"x\")]"),
        ("60 / total", "(60 Div total)"),
        ("60/total", "(60 Div total)"),
        ("env(\"X\", default: [1, {\"k\": f()}])", "env(\"X\", default: [1, {k: f()}])"),
        ("f\"a{{{b.c}}} {f(\"x\")}\"", "f<\"a{\" b.c \"} \" f(\"x\")>"),
        ("f\"{f\"{x}\"}\"", "f<f<x>>"),
        ("expect(\"a b\").rate", "expect(\"a b\").rate"),
        ("\"my tool\".latency", "\"my tool\".latency"),
    ] {
        assert_eq!(show(&value(text)), shown, "{text}");
    }
}

#[test]
fn literals_have_their_kinds() {
    for (text, kind) in [
        ("null", LiteralKind::Null),
        ("true", LiteralKind::True),
        ("false", LiteralKind::False),
        ("on", LiteralKind::On),
        ("off", LiteralKind::Off),
        ("12345678901234567890", LiteralKind::Number),
        ("-1.5e+3", LiteralKind::Number),
        ("\"a\"", LiteralKind::String),
        ("1m30s", LiteralKind::Duration),
        ("1.5s", LiteralKind::Duration),
        ("40/s", LiteralKind::Rate),
        ("99.9%", LiteralKind::Percent),
        ("64KiB", LiteralKind::Size),
        ("1 user", LiteralKind::Users),
        ("2025-11-25", LiteralKind::Revision),
        ("p99.9", LiteralKind::Percentile),
    ] {
        match value(text) {
            Expr::Literal(literal) => assert_eq!((literal.kind(), literal.text()), (kind, text.to_owned())),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(value("p99"), Expr::Name(name) if name.text() == "p99"));
}

#[test]
fn values_have_their_spans_and_operators_theirs() {
    let text = "mcpl 1\nparam x = a.b   +  (c) # why\n";
    let items = parse(text).file().items();
    let [Item::Param(param)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(&text[param.span().range()], "param x = a.b   +  (c)");
    let Some(Expr::Binary(binary)) = param.value() else { panic!() };
    assert_eq!(&text[binary.span().range()], "a.b   +  (c)");
    assert_eq!(&text[binary.op_span().range()], "+");
    assert_eq!(binary.op(), Some(BinaryOp::Add));
    assert_eq!(&text[binary.left().unwrap().span().range()], "a.b");
    assert_eq!(&text[binary.right().unwrap().span().range()], "(c)");
    let Expr::Unary(unary) = value("not a") else { panic!() };
    assert_eq!(unary.op(), Some(UnaryOp::Not));
}

fn flow(text: &str) -> Flow {
    match parse(text).file().items().into_iter().find_map(|item| match item {
        Item::Flow(flow) => Some(flow),
        _ => None,
    }) {
        Some(flow) => flow,
        None => panic!("no flow in {text}"),
    }
}

#[test]
fn requests_say_what_they_request() {
    let flow = flow(&super::tour());
    assert_eq!(flow.name().unwrap().text(), "search_and_open");
    let steps = flow.statements();
    let Step::Call(search) = &steps[0] else { panic!("{steps:?}") };
    assert_eq!(search.name().unwrap().text(), "search");
    let statements = search.statements();
    let RequestStmt::Expect(expectation) = &statements[2] else { panic!("{statements:?}") };
    assert_eq!(show(&expectation.condition().unwrap()), "(length(structured.hits) Gt 0)");
    assert_eq!(expectation.label().unwrap().0, "finds something");
    let RequestStmt::Save(save) = &statements[4] else { panic!("{statements:?}") };
    assert_eq!(save.name().unwrap().text(), "page_id");
    let Step::Call(fetch) = &steps[3] else { panic!("{steps:?}") };
    assert_eq!((fetch.name().unwrap().text(), fetch.name().unwrap().is_quoted()), ("fetch.page".to_owned(), true));
    let Step::Think(think) = &steps[4] else { panic!("{steps:?}") };
    assert!(think.is_exponential());
    let Step::Call(bare) = &steps[5] else { panic!("{steps:?}") };
    assert!(bare.statements().is_empty() && bare.open_span().is_none() && !bare.is_broken());
    let Step::List(list) = &steps[6] else { panic!("{steps:?}") };
    assert_eq!(list.what().unwrap().text(), "tools");
}

#[test]
fn items_say_what_stands_in_them() {
    let text = super::tour();
    let file = parse(&text).file();
    assert_eq!(file.edition().unwrap().number().unwrap().0, "1");
    let items = file.items();
    let Item::Param(peak) = &items[0] else { panic!("{items:?}") };
    assert_eq!(peak.doc().unwrap(), "Search-heavy traffic against the documentation server.\nTwo lines of it.");
    let Item::Server(docs) = &items[2] else { panic!("{items:?}") };
    assert_eq!(docs.doc(), None, "a comment at the end of a line documents nothing");
    let ServerStmt::Header(header) = &docs.statements()[1] else { panic!() };
    assert_eq!(show(&header.name().unwrap()), "\"Authorization\"");
    assert_eq!(show(&header.value().unwrap()), "f<\"Bearer \" secret(\"DOCS_TOKEN\")>");
    let Item::Server(demo) = &items[4] else { panic!("{items:?}") };
    let ServerStmt::Builtin(builtin) = &demo.statements()[0] else { panic!() };
    let names: Vec<String> = builtin.settings().iter().map(|setting| setting.name().unwrap().text()).collect();
    assert_eq!(names, ["latency", "errors"]);
    let Item::Scenario(browse) = &items[6] else { panic!("{items:?}") };
    let statements = browse.statements();
    let ScenarioStmt::Stages(stages) = &statements[2] else { panic!("{statements:?}") };
    assert_eq!(&text[stages.open_span().unwrap().range()], "{");
    assert_eq!(&text[stages.close_span().unwrap().range()], "}");
    let stages = stages.statements();
    let Stage::Ramp(ramp) = &stages[0] else { panic!("{stages:?}") };
    let parts = [ramp.from(), ramp.to(), ramp.over()].map(|part| show(&part.unwrap()));
    assert_eq!(parts, ["0/s", "peak", "30s"]);
    let Stage::Drain(drain) = &stages[5] else { panic!("{stages:?}") };
    assert_eq!(&text[drain.keyword_span().range()], "drain up to");
    let ScenarioStmt::Mix(mix) = &statements[3] else { panic!("{statements:?}") };
    assert_eq!(mix.shares()[1].flow().unwrap().text(), "read guide");
    let Item::Assert(assert) = &items[items.len() - 2] else { panic!("{items:?}") };
    assert_eq!(show(&assert.lines()[1].share().unwrap()), "99%");
    assert!(assert.lines()[0].share().is_none());
}

#[test]
fn only_the_broken_head_is_broken() {
    let text = "mcpl 1\nflow a {\n  call b extra {\n    args { x: 1 }\n    expect ok\n  }\n  think 1s\n}\n";
    let flow = flow(text);
    assert!(!flow.is_broken());
    let steps = flow.statements();
    let Step::Call(call) = &steps[0] else { panic!("{steps:?}") };
    assert!(call.is_broken());
    let statements = call.statements();
    assert!(statements[0].is_broken(), "a key without quotes");
    assert!(!statements[1].is_broken());
    assert!(!steps[1].is_broken());
}

#[test]
fn what_is_missing_is_none() {
    let flow = flow("mcpl 1\nflow {\n  call\n  read\n  list\n}\n");
    assert!(flow.name().is_none() && flow.is_broken());
    let steps = flow.statements();
    let [Step::Call(call), Step::Read(read), Step::List(list)] = steps.as_slice() else { panic!("{steps:?}") };
    assert!(call.name().is_none() && read.uri().is_none() && list.what().is_none());
    assert!(call.is_broken() && read.is_broken() && list.is_broken());
}
