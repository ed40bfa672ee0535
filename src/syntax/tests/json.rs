//! Any JSON text is a legal value with the same meaning.

use proptest::prelude::*;
use serde_json::Value;

use super::check_invariants;
use crate::syntax::ast::{Expr, Item, LiteralKind, RequestStmt, Step, UnaryOp};

/// Any JSON value, numbers of all forms among them.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[\u{0}-\u{7f}{}\"\\\\#]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The value as serde reads it from the views.
fn value_of(expr: &Expr) -> Value {
    match expr {
        Expr::Literal(literal) => match literal.kind() {
            LiteralKind::Null => Value::Null,
            LiteralKind::True => Value::Bool(true),
            LiteralKind::False => Value::Bool(false),
            LiteralKind::Number => serde_json::from_str(&literal.text()).unwrap(),
            LiteralKind::String => Value::String(literal.string_value().unwrap()),
            other => panic!("{other:?} in JSON"),
        },
        Expr::Array(array) => array.elements().iter().map(value_of).collect(),
        Expr::Object(object) => {
            Value::Object(object.entries().into_iter().map(|(key, value)| (key.text(), value_of(&value))).collect())
        }
        Expr::Unary(unary) => panic!("{:?} in JSON", unary.op() == Some(UnaryOp::Neg)),
        other => panic!("{other:?} in JSON"),
    }
}

fn args_of(text: &str) -> Value {
    let file = format!("mcpl 1\nflow a {{\n  call b {{\n    args {text}\n  }}\n}}\n");
    let parse = check_invariants(&file);
    let errors: Vec<_> = parse.diagnostics().iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?} in {file}");
    let items = parse.file().items();
    let [Item::Flow(flow)] = items.as_slice() else { panic!("{items:?}") };
    let steps = flow.statements();
    let [Step::Call(call)] = steps.as_slice() else { panic!("{steps:?}") };
    let statements = call.statements();
    let [RequestStmt::Args(args)] = statements.as_slice() else { panic!("{statements:?}") };
    value_of(&args.value().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_value_is_an_argument(value in json()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            // Read back by serde, too: it does not keep each last digit of a float.
            prop_assert_eq!(args_of(&text), serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}

#[test]
fn oddly_spaced_json_is_an_argument() {
    let spaced = "{\r\n\t\"a\"\n:\n[ 1\n,\n-0.5e-7 , [ ]\n] ,\"b\" :{ }\n}";
    assert_eq!(args_of(spaced), serde_json::from_str::<Value>(spaced).unwrap());
    assert_eq!(args_of("\"plain\""), Value::from("plain"));
    assert_eq!(args_of("-1"), Value::from(-1));
}
