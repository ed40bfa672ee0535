//! Evaluation.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::json;

use super::{BinaryOp, EvalError, Expr, Function, Given, Scope, Template, UnaryOp, Value};
use crate::units::{Dimension, Quantity};

struct Fixed {
    locals: Vec<Value>,
    headers: BTreeMap<&'static str, &'static str>,
    random: Pcg64Mcg,
}

impl Fixed {
    fn new() -> Fixed {
        let hits = json!({ "hits": [{ "id": "a" }, { "id": "b", "n": 9007199254740993_u64 }], "none": null });
        Fixed {
            locals: vec![Value::Json(hits), Value::Json("Grüße".into())],
            headers: BTreeMap::from([("x-cache", "hit")]),
            random: Pcg64Mcg::seed_from_u64(1),
        }
    }
}

impl Scope for Fixed {
    fn local(&self, slot: usize) -> Option<Value> {
        self.locals.get(slot).cloned()
    }
    fn given(&self, what: Given) -> Option<Value> {
        (what == Given::Latency).then(|| Value::duration(5e6))
    }
    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| (*value).to_owned())
    }
    fn random(&mut self) -> &mut Pcg64Mcg {
        &mut self.random
    }
    fn pattern(&self, pattern: &str) -> Option<regex::Regex> {
        regex::Regex::new(pattern).ok()
    }
}

fn eval(expr: Expr) -> Result<Value, EvalError> {
    expr.eval(&mut Fixed::new())
}

fn constant(json: serde_json::Value) -> Box<Expr> {
    Box::new(Expr::Const(Value::Json(json)))
}

fn quantity(value: f64, dimension: Dimension) -> Box<Expr> {
    Box::new(Expr::Const(Value::Quantity(Quantity::new(value, dimension))))
}

fn field(base: Expr, name: &str) -> Expr {
    Expr::Field(Box::new(base), name.to_owned())
}

fn at(base: Expr, index: serde_json::Value) -> Expr {
    Expr::Index(Box::new(base), constant(index))
}

fn number(value: f64) -> Result<Value, EvalError> {
    Ok(Value::number(value))
}

#[test]
fn paths_lead_into_json_and_keep_large_numbers() {
    let hits = || field(Expr::Local(0), "hits");
    assert_eq!(eval(field(at(hits(), json!(1)), "id")), Ok(Value::Json("b".into())));
    assert_eq!(eval(field(at(hits(), json!(1)), "n")), Ok(Value::Json(json!(9007199254740993_u64))));
    assert_eq!(eval(at(Expr::Local(0), json!("none"))), Ok(Value::NULL));
}

#[test]
fn a_path_that_leads_nowhere_says_where_it_ended() {
    let missing = |path: &str| Err(EvalError::Missing { path: path.to_owned() });
    assert_eq!(eval(field(Expr::Local(0), "hitz")), missing(".hitz"));
    assert_eq!(eval(at(field(Expr::Local(0), "hits"), json!(7))), missing("[7]"));
    assert_eq!(eval(at(field(Expr::Local(0), "hits"), json!(-1))), missing("[-1]"));
    assert_eq!(eval(field(*quantity(1.0, Dimension::Size), "x")), missing(".x"));
    assert_eq!(eval(Expr::Given(Given::Structured)), missing("structured"));
}

#[test]
fn exists_asks_without_failing() {
    let exists = |expr| eval(Expr::Unary(UnaryOp::Exists, Box::new(expr)));
    assert_eq!(exists(field(Expr::Local(0), "none")), Ok(Value::bool(true)), "null is there");
    assert_eq!(exists(field(Expr::Local(0), "hitz")), Ok(Value::bool(false)));
}

#[test]
fn and_and_or_stop_at_the_first_answer() {
    let broken = || Box::new(field(Expr::Local(0), "hitz"));
    let both = |op, left: serde_json::Value| eval(Expr::Binary(op, constant(left), broken()));
    assert_eq!(both(BinaryOp::Or, json!(1)), Ok(Value::bool(true)));
    assert_eq!(both(BinaryOp::And, json!(null)), Ok(Value::bool(false)));
    assert!(both(BinaryOp::And, json!(true)).is_err());
}

#[test]
fn comparisons_need_one_dimension() {
    let compare = |op, left, right| eval(Expr::Binary(op, left, right));
    assert_eq!(compare(BinaryOp::Less, constant(json!(1)), constant(json!(1.5))), Ok(Value::bool(true)));
    assert_eq!(compare(BinaryOp::GreaterOrEqual, constant(json!("b")), constant(json!("a"))), Ok(Value::bool(true)));
    assert_eq!(compare(BinaryOp::NotEqual, constant(json!([1])), constant(json!([1]))), Ok(Value::bool(false)));
    let latency = || Box::new(Expr::Given(Given::Latency));
    assert_eq!(compare(BinaryOp::LessOrEqual, latency(), quantity(5e6, Dimension::Duration)), Ok(Value::bool(true)));
    assert!(compare(BinaryOp::Greater, latency(), constant(json!(5))).is_err());
    assert!(compare(BinaryOp::Greater, constant(json!([])), constant(json!(5))).is_err());
}

#[test]
fn contains_in_and_matches_look_into_values() {
    let ask = |op, left, right| eval(Expr::Binary(op, left, right));
    assert_eq!(ask(BinaryOp::Contains, Box::new(Expr::Local(1)), constant(json!("üß"))), Ok(Value::bool(true)));
    assert_eq!(ask(BinaryOp::In, constant(json!(2)), constant(json!([1, 2]))), Ok(Value::bool(true)));
    assert!(ask(BinaryOp::Contains, constant(json!(1)), constant(json!(1))).is_err());
    let matches = |pattern: &str| eval(Expr::Matches(Box::new(Expr::Local(1)), pattern.to_owned()));
    assert_eq!(matches("^G.*e$"), Ok(Value::bool(true)));
    assert_eq!(matches("^x"), Ok(Value::bool(false)));
}

#[test]
fn arithmetic_keeps_dimensions() {
    let calculate = |op, left, right| eval(Expr::Binary(op, left, right));
    let (ms, two) = (|n: f64| quantity(n * 1e6, Dimension::Duration), || constant(json!(2)));
    assert_eq!(calculate(BinaryOp::Add, ms(1.0), ms(2.0)), Ok(Value::duration(3e6)));
    assert_eq!(calculate(BinaryOp::Subtract, two(), two()), number(0.0));
    assert_eq!(calculate(BinaryOp::Multiply, two(), ms(3.0)), Ok(Value::duration(6e6)));
    assert_eq!(calculate(BinaryOp::Multiply, ms(3.0), two()), Ok(Value::duration(6e6)));
    assert_eq!(calculate(BinaryOp::Divide, ms(6.0), ms(3.0)), number(2.0));
    assert_eq!(calculate(BinaryOp::Divide, ms(6.0), two()), Ok(Value::duration(3e6)));
    assert!(calculate(BinaryOp::Divide, two(), constant(json!(0))).is_err(), "nothing is infinite");
    assert!(calculate(BinaryOp::Add, ms(1.0), two()).is_err());
    assert_eq!(eval(Expr::Unary(UnaryOp::Negate, two())), number(-2.0));
    assert!(eval(Expr::Unary(UnaryOp::Negate, constant(json!("x")))).is_err());
    assert_eq!(eval(Expr::Unary(UnaryOp::Not, constant(json!(0)))), Ok(Value::bool(false)), "0 is a value");
}

#[test]
fn functions_do_what_their_names_say() {
    let call = |function, arguments: Vec<Expr>| eval(Expr::Call(function, arguments));
    assert_eq!(call(Function::Length, vec![Expr::Local(1)]), number(5.0), "characters, not bytes");
    assert_eq!(call(Function::Length, vec![field(Expr::Local(0), "hits")]), number(2.0));
    assert!(call(Function::Length, vec![*constant(json!(1))]).is_err());
    assert_eq!(call(Function::Header, vec![*constant(json!("x-cache"))]), Ok(Value::Json("hit".into())));
    assert_eq!(call(Function::Header, vec![*constant(json!("none"))]), Ok(Value::NULL));
    assert!(call(Function::Pick, vec![*constant(json!([]))]).is_err());
    assert!(call(Function::Random, vec![*constant(json!(2)), *constant(json!(1))]).is_err());
    assert!(call(Function::Uuid, vec![*constant(json!(1))]).is_err());
}

#[test]
fn random_choices_stay_in_range_and_repeat_with_the_stream() {
    let range = || vec![*constant(json!(1)), *constant(json!(3))];
    let draw = || {
        let mut scope = Fixed::new();
        (0..200)
            .map(|_| Expr::Call(Function::Random, range()).eval(&mut scope).unwrap().as_quantity().unwrap().value)
            .collect::<Vec<_>>()
    };
    let drawn = draw();
    assert_eq!(drawn, draw());
    assert!([1.0, 2.0, 3.0].iter().all(|value| drawn.contains(value)), "both ends are included");
    assert!(drawn.iter().all(|value| (1.0..=3.0).contains(value)));
    let halves = Expr::Call(Function::Random, vec![*constant(json!(0.5)), *constant(json!(1))]);
    let half = eval(halves).unwrap().as_quantity().unwrap().value;
    assert!((0.5..1.0).contains(&half));
    let Value::Json(serde_json::Value::String(uuid)) = eval(Expr::Call(Function::Uuid, vec![])).unwrap() else {
        panic!("a UUID is a text")
    };
    assert!(
        regex::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
            .unwrap()
            .is_match(&uuid)
    );
}

#[test]
fn an_f_string_is_always_text_and_a_reference_keeps_its_type() {
    let text = Expr::Format(vec![Expr::text("n="), *constant(json!(1.50)), Expr::text(" "), Expr::Local(1)]);
    assert_eq!(eval(text), Ok(Value::Json("n=1.5 Grüße".into())));
    let list = Expr::Array(vec![Expr::Local(1), *constant(json!(1))]);
    let object = Expr::Object(vec![("a".to_owned(), list)]);
    assert_eq!(eval(object), Ok(Value::Json(json!({ "a": ["Grüße", 1] }))));
    assert!(eval(Expr::Array(vec![*quantity(1.0, Dimension::Rate)])).is_err(), "JSON has no units");
}

#[test]
fn a_template_renders_what_changes_into_what_does_not() {
    let mut template = Template::raw("{\"id\":");
    template.push_json(*constant(json!("a\"b")));
    template.push_raw(",\"who\":");
    template.push_json(Expr::Local(1));
    template.push_raw("}");
    assert_eq!(template.holes().count(), 1, "what is constant is rendered before the run");
    let mut out = b"# ".to_vec();
    template.render(&mut Fixed::new(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "# {\"id\":\"a\\\"b\",\"who\":\"Grüße\"}");
    let mut units = Template::default();
    units.push_json(Expr::Given(Given::Latency));
    assert!(units.render(&mut Fixed::new(), &mut Vec::new()).is_err());
    assert_eq!((Template::raw("x").as_constant(), units.as_constant()), (Some("x"), None));
}
