//! Binding and typing of expressions.

use super::lower::Lowering;
use super::types::{Type, Typed};
use crate::diag::errors;
use crate::expr::{BinaryOp, EvalError, Expr, Given, Scope, UnaryOp, Value};
use crate::syntax::ast::{self, LiteralKind};
use crate::text::Span;
use crate::units::{self, Dimension};

/// What an expression may name beside parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// Variables of the flow that are bound at this point, by slot.
    pub(super) locals: &'a [(String, Type)],
    /// Whether there is a response to look at.
    pub(super) response: bool,
    /// Whether the expression is part of a flow at all.
    pub(super) flow: bool,
    /// Names that get their value further down, and where.
    pub(super) later: &'a [(String, Span)],
    /// Names that got their value in a branch that has ended, and where.
    pub(super) branch: &'a [(String, Span)],
}

impl Names<'static> {
    /// Parameters only.
    pub(super) fn constant() -> Names<'static> {
        Names { locals: &[], response: false, flow: false, later: &[], branch: &[] }
    }
}

/// Names that a step binds, and their types.
const GIVEN: [(&str, Given, Type); 9] = [
    ("result", Given::Result, Type::Any),
    ("structured", Given::Structured, Type::Any),
    ("text", Given::Text, Type::Text),
    ("error", Given::Error, Type::Any),
    ("ok", Given::Ok, Type::Bool),
    ("latency", Given::Latency, Type::Quantity(Dimension::Duration)),
    ("service_time", Given::ServiceTime, Type::Quantity(Dimension::Duration)),
    ("size", Given::Size, Type::Quantity(Dimension::Size)),
    ("status", Given::Status, Type::NUMBER),
];

/// Names of two parts.
const QUALIFIED: [(&str, &str, Given, Type); 6] = [
    ("user", "id", Given::UserId, Type::NUMBER),
    ("user", "iteration", Given::UserIteration, Type::NUMBER),
    ("user", "revision", Given::UserRevision, Type::Text),
    ("run", "id", Given::RunId, Type::Text),
    ("progress", "count", Given::ProgressCount, Type::NUMBER),
    ("updates", "count", Given::UpdatesCount, Type::NUMBER),
];

/// What a name means in a flow whatever the flow binds, if it means anything.
pub(super) fn meaning(name: &str) -> Option<&'static str> {
    if GIVEN.iter().any(|(known, ..)| *known == name) {
        return Some("a part of the response");
    }
    QUALIFIED.iter().any(|(owner, ..)| *owner == name).then_some("something of the run")
}

impl Lowering<'_> {
    /// Binds and types `expr`. `None` after a diagnostic, or where the parser
    /// has already given one.
    pub(super) fn expression(&mut self, expr: &ast::Expr, names: &Names<'_>) -> Option<Typed> {
        if expr.is_broken() {
            return None;
        }
        let typed = match expr {
            ast::Expr::Literal(literal) => {
                self.missing_f(literal, names);
                self.literal(literal)
            }
            ast::Expr::Name(name) => self.name(&name.text(), name.span(), names),
            ast::Expr::Access(access) => self.access(access, names),
            ast::Expr::Index(index) => {
                let (base_ast, at) = (index.base()?, index.index()?);
                let (base, at) = (self.expression(&base_ast, names), self.expression(&at, names));
                let (base, at) = (base?, at?);
                self.has_parts(&base, base_ast.span(), None)?;
                Some(Typed { expr: Expr::Index(Box::new(base.expr), Box::new(at.expr)), ty: Type::Any })
            }
            ast::Expr::Select(select) => {
                let help = "write `[\"name\"]` for a member of an object";
                self.out.push(errors::types::misplaced("a selector", "of use in `assert` only", help, select.span()));
                None
            }
            ast::Expr::Call(call) => self.call(call, names),
            ast::Expr::FString(format) => self.format(format, names),
            ast::Expr::Array(array) => self.array(array, names),
            ast::Expr::Object(object) => self.object(object, names),
            ast::Expr::Binary(binary) => self.binary(binary, names),
            ast::Expr::Unary(unary) => self.unary(unary, names),
            ast::Expr::Range(range) => {
                let help =
                    "write one value; ranges belong behind `think`, as in `think 1s..2s`, and in `random(1..10)`";
                self.out.push(errors::types::misplaced("a range", "two values where one is due", help, range.span()));
                None
            }
            ast::Expr::Paren(paren) => paren.inner().and_then(|inner| self.expression(&inner, names)),
            ast::Expr::Broken(_) => None,
        }?;
        let folded = fold(typed);
        if let Err(error) = &folded {
            self.out.push(errors::types::no_value(&error.to_string(), expr.span()));
        }
        folded.ok()
    }

    /// Advises an `f` before a plain string with a bound name in braces.
    pub(super) fn missing_f(&mut self, literal: &ast::Literal, names: &Names<'_>) {
        // Marks of other languages are told by the parser.
        let ours = |text: &String| text.contains('{') && !text.contains("{{") && !text.contains("${");
        let Some(text) = literal.string_value().filter(|text| names.flow && ours(text)) else { return };
        let bound = |path: &str| {
            let owner = path.split('.').next().unwrap_or_default();
            names.locals.iter().any(|(local, _)| local == owner && !owner.is_empty())
                || self.params.contains_key(owner)
                || QUALIFIED.iter().any(|(first, second, ..)| path == format!("{first}.{second}"))
        };
        let mut holes = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(path, _)| path);
        let Some(path) = holes.find(|path| bound(path)).map(str::to_owned) else { return };
        let start = literal.span().start as usize;
        let help = format!("write `f\"…{{{path}}}…\"` to fill it in");
        let mend = errors::syntax::Mend { help, edits: vec![(Span::at(start), "f".to_owned())], certain: false };
        self.out.push(errors::syntax::placeholder_in_string(&format!("{{{path}}}"), literal.span(), mend));
    }

    fn literal(&mut self, literal: &ast::Literal) -> Option<Typed> {
        let text = literal.text();
        let value = match literal.kind() {
            LiteralKind::Null => Value::NULL,
            LiteralKind::True | LiteralKind::On => Value::bool(true),
            LiteralKind::False | LiteralKind::Off => Value::bool(false),
            LiteralKind::Number => match serde_json::from_str(&text) {
                Ok(number) => Value::Json(number),
                Err(_) => {
                    let what = format!("`{text}`");
                    self.out.push(errors::types::out_of_range(&what, "a number below 1.8e308", literal.span()));
                    return None;
                }
            },
            LiteralKind::String => Value::Json(literal.string_value()?.into()),
            LiteralKind::Revision | LiteralKind::Percentile => Value::Json(text.into()),
            LiteralKind::Duration
            | LiteralKind::Rate
            | LiteralKind::Percent
            | LiteralKind::Size
            | LiteralKind::Users => match units::parse(&text) {
                Some(quantity) => Value::Quantity(quantity),
                None => {
                    let what = format!("`{text}`");
                    self.out.push(errors::types::out_of_range(&what, "a smaller value", literal.span()));
                    return None;
                }
            },
            LiteralKind::Broken => return None,
        };
        Some(Typed::constant(value))
    }

    fn name(&mut self, name: &str, span: Span, names: &Names<'_>) -> Option<Typed> {
        if let Some(slot) = names.locals.iter().rposition(|(local, _)| local == name) {
            let ty = names.locals.get(slot).map_or(Type::Any, |(_, ty)| *ty);
            return Some(Typed { expr: Expr::Local(slot), ty });
        }
        if let Some((_, given, ty)) = GIVEN.iter().find(|(known, _, _)| *known == name) {
            if names.response {
                return Some(Typed { expr: Expr::Given(*given), ty: *ty });
            }
            if names.flow {
                self.out.push(errors::types::no_response_yet(name, span));
                return None;
            }
            if !self.params.contains_key(name) {
                self.out.push(errors::types::not_constant("a part of the response", span));
                return None;
            }
        }
        if let Some(param) = self.params.get_mut(name) {
            param.used = true;
            if param.secret.is_some() {
                self.out.push(errors::types::secret_here(span));
                return None;
            }
            return param.value.clone().map(Typed::constant);
        }
        if !names.flow && QUALIFIED.iter().any(|(owner, ..)| *owner == name) {
            self.out.push(errors::types::not_constant("known in a flow only, where users are at work", span));
            return None;
        }
        let later = names.later.iter().chain(&self.declared).find(|(later, _)| later == name).map(|(_, span)| *span);
        if let Some(bound) = names.branch.iter().find(|(bound, _)| bound == name).map(|(_, span)| *span) {
            self.out.push(errors::names::bound_in_branch(name, span, bound));
            return None;
        }
        let mut known: Vec<String> =
            names.locals.iter().map(|(local, _)| local.clone()).filter(|local| !local.is_empty()).collect();
        known.extend(self.params.keys().cloned());
        if names.response {
            known.extend(GIVEN.iter().map(|(name, _, _)| (*name).to_owned()));
        }
        if names.flow && QUALIFIED.iter().any(|(owner, ..)| *owner == name) {
            known = members(name);
        }
        self.out.push(errors::names::unknown_name(name, span, &known, later));
        None
    }

    fn access(&mut self, access: &ast::Access, names: &Names<'_>) -> Option<Typed> {
        let (base, field) = (access.base()?, access.field()?);
        if let ast::Expr::Name(owner) = &base
            && names.flow
            && !names.locals.iter().any(|(local, _)| *local == owner.text())
            && QUALIFIED.iter().any(|(first, ..)| *first == owner.text())
        {
            let (owner, field) = (owner.text(), field.text());
            let found = QUALIFIED.iter().find(|(first, second, ..)| *first == owner && *second == field);
            let of_response = |given: &Given| matches!(given, Given::ProgressCount | Given::UpdatesCount);
            if found.is_some_and(|(_, _, given, _)| of_response(given)) && !names.response {
                self.out.push(errors::types::no_response_yet(&format!("{owner}.{field}"), access.span()));
                return None;
            }
            if found.is_none() {
                let name = format!("{owner}.{field}");
                self.out.push(errors::names::unknown_name(&name, access.span(), &members(&owner), None));
            }
            return found.map(|(_, _, given, ty)| Typed { expr: Expr::Given(*given), ty: *ty });
        }
        let base_span = base.span();
        let base = self.expression(&base, names)?;
        if let Type::Row(data) = base.ty {
            let ty = self.column(data, &field)?;
            return Some(Typed { expr: Expr::Field(Box::new(base.expr), field.text()), ty });
        }
        self.has_parts(&base, base_span, Some(&field.text()))?;
        Some(Typed { expr: Expr::Field(Box::new(base.expr), field.text()), ty: Type::Any })
    }

    /// Whether a value of this kind can have members or elements; what only the
    /// run can tell may have some.
    fn has_parts(&mut self, base: &Typed, span: Span, field: Option<&str>) -> Option<()> {
        if matches!(base.ty, Type::Any | Type::List | Type::Object | Type::Row(_)) {
            return Some(());
        }
        let diagnostic = errors::types::wrong_kind("an object or a list", "structured", base.ty.phrase(), span);
        self.out.push(match field.filter(|field| base.ty != Type::Text && is_percentile(field)) {
            Some(_) => diagnostic.help("write percentiles in `assert`, for example `assert { latency.p95 < 250ms }`"),
            None => diagnostic,
        });
        None
    }

    fn format(&mut self, format: &ast::FString, names: &Names<'_>) -> Option<Typed> {
        let mut parts = Vec::new();
        let mut whole = true;
        for part in format.parts() {
            match part {
                ast::FPart::Text(text) => parts.push(Expr::text(text)),
                ast::FPart::Hole(hole) => match self.expression(&hole, names) {
                    Some(typed) => parts.push(typed.expr),
                    None => whole = false,
                },
            }
        }
        whole.then_some(Typed { expr: Expr::Format(parts), ty: Type::Text })
    }

    fn array(&mut self, array: &ast::Array, names: &Names<'_>) -> Option<Typed> {
        // All elements are looked at, so that each mistake is found in one pass.
        let elements: Vec<Option<Typed>> =
            array.elements().iter().map(|element| self.json_part(element, names)).collect();
        let elements: Option<Vec<Expr>> = elements.into_iter().map(|element| Some(element?.expr)).collect();
        Some(Typed { expr: Expr::Array(elements?), ty: Type::List })
    }

    fn object(&mut self, object: &ast::Object, names: &Names<'_>) -> Option<Typed> {
        let entries: Vec<(String, Option<Typed>)> =
            object.entries().iter().map(|(key, value)| (key.text(), self.json_part(value, names))).collect();
        let entries: Option<Vec<(String, Expr)>> =
            entries.into_iter().map(|(key, value)| Some((key, value?.expr))).collect();
        Some(Typed { expr: Expr::Object(entries?), ty: Type::Object })
    }

    /// A part of a JSON value: units have no form there.
    pub(super) fn json_part(&mut self, expr: &ast::Expr, names: &Names<'_>) -> Option<Typed> {
        let typed = self.expression(expr, names)?;
        match typed.ty {
            Type::Quantity(dimension) if dimension != Dimension::Number => {
                self.out.push(errors::types::no_json_form(dimension.phrase(), expr.span()));
                None
            }
            _ => Some(typed),
        }
    }

    fn unary(&mut self, unary: &ast::Unary, names: &Names<'_>) -> Option<Typed> {
        let operand_ast = unary.operand()?;
        let operand = self.expression(&operand_ast, names)?;
        let (op, ty) = match unary.op()? {
            ast::UnaryOp::Not => (UnaryOp::Not, Type::Bool),
            ast::UnaryOp::Exists => (UnaryOp::Exists, Type::Bool),
            ast::UnaryOp::Neg => {
                if !matches!(operand.ty, Type::Quantity(_) | Type::Any) {
                    let found = operand.ty.phrase();
                    self.out.push(errors::types::wrong_kind("a number", "10", found, operand_ast.span()));
                    return None;
                }
                (UnaryOp::Negate, operand.ty)
            }
        };
        Some(Typed { expr: Expr::Unary(op, Box::new(operand.expr)), ty })
    }

    fn binary(&mut self, binary: &ast::Binary, names: &Names<'_>) -> Option<Typed> {
        let (left_ast, right_ast) = (binary.left()?, binary.right()?);
        let (left, right) = (self.expression(&left_ast, names), self.expression(&right_ast, names));
        let (left, right) = (left?, right?);
        let sides = ((left.ty, left_ast.span()), (right.ty, right_ast.span()));
        let op = match binary.op()? {
            ast::BinaryOp::Matches => return self.matches(left, &right, right_ast.span()),
            ast::BinaryOp::Or => BinaryOp::Or,
            ast::BinaryOp::And => BinaryOp::And,
            ast::BinaryOp::Eq => BinaryOp::Equal,
            ast::BinaryOp::Ne => BinaryOp::NotEqual,
            ast::BinaryOp::Lt => BinaryOp::Less,
            ast::BinaryOp::Le => BinaryOp::LessOrEqual,
            ast::BinaryOp::Gt => BinaryOp::Greater,
            ast::BinaryOp::Ge => BinaryOp::GreaterOrEqual,
            ast::BinaryOp::Contains => BinaryOp::Contains,
            ast::BinaryOp::In => BinaryOp::In,
            ast::BinaryOp::Add => BinaryOp::Add,
            ast::BinaryOp::Sub => BinaryOp::Subtract,
            ast::BinaryOp::Mul => BinaryOp::Multiply,
            ast::BinaryOp::Div => BinaryOp::Divide,
        };
        let ty = self.result_type(op, binary.op_span(), sides.0, sides.1)?;
        Some(Typed { expr: Expr::Binary(op, Box::new(left.expr), Box::new(right.expr)), ty })
    }

    /// The type of `left op right`; `None` after a diagnostic.
    fn result_type(&mut self, op: BinaryOp, at: Span, left: (Type, Span), right: (Type, Span)) -> Option<Type> {
        let zero = |span: Span| self.source.slice(span) == "0";
        let fits = match op {
            BinaryOp::Or | BinaryOp::And => Some(Type::Bool),
            op if op.is_comparison() => {
                let lenient = zero(left.1) || zero(right.1);
                (left.0.compares_with(right.0) || lenient && is_number(left.0) && is_number(right.0))
                    .then_some(Type::Bool)
            }
            BinaryOp::Contains => contains_type(left.0, right.0),
            BinaryOp::In => contains_type(right.0, left.0),
            op => arithmetic_type(op, left.0, right.0),
        };
        if fits.is_none() {
            let number_beside = |number: Type, number_at: Span, other: Type| match other {
                Type::Quantity(dimension)
                    if number == Type::NUMBER && dimension != Dimension::Number && op.is_comparison() =>
                {
                    Some(errors::types::missing_unit(dimension, self.source.slice(number_at), true, number_at))
                }
                _ => None,
            };
            let diagnostic = number_beside(left.0, left.1, right.0)
                .or_else(|| number_beside(right.0, right.1, left.0))
                .unwrap_or_else(|| {
                    let named = |(ty, span): (Type, Span)| (ty.phrase(), span);
                    errors::types::sides_differ(op.symbol(), at, named(left), named(right))
                });
            self.out.push(diagnostic);
        }
        fits
    }

    fn matches(&mut self, left: Typed, right: &Typed, span: Span) -> Option<Typed> {
        let Some(Value::Json(serde_json::Value::String(pattern))) = right.expr.as_const() else {
            let found = if right.ty == Type::Text { "a text that only the run can tell" } else { right.ty.phrase() };
            self.out.push(errors::types::wrong_kind("a regular expression", "\"^[a-z]+$\"", found, span));
            return None;
        };
        if let Err(error) = regex::Regex::new(pattern) {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            self.out.push(errors::types::broken_pattern(&reason, span));
            return None;
        }
        Some(Typed { expr: Expr::Matches(Box::new(left.expr), pattern.clone()), ty: Type::Bool })
    }
}

/// The names behind `user.` or `run.`.
fn members(owner: &str) -> Vec<String> {
    QUALIFIED
        .iter()
        .filter(|(first, ..)| *first == owner)
        .map(|(first, second, ..)| format!("{first}.{second}"))
        .collect()
}

fn is_percentile(field: &str) -> bool {
    field.strip_prefix('p').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A text holds texts, an object has texts as keys, a list has elements.
fn contains_type(whole: Type, part: Type) -> Option<Type> {
    let fits = match whole {
        Type::Any | Type::List => !matches!(part, Type::Quantity(dimension) if dimension != Dimension::Number),
        Type::Text | Type::Object | Type::Row(_) => matches!(part, Type::Any | Type::Text),
        Type::Null | Type::Bool | Type::Quantity(_) => false,
    };
    fits.then_some(Type::Bool)
}

fn is_number(ty: Type) -> bool {
    matches!(ty, Type::Quantity(_))
}

fn arithmetic_type(op: BinaryOp, left: Type, right: Type) -> Option<Type> {
    let dimension = |ty| match ty {
        Type::Quantity(dimension) => Some(dimension),
        Type::Any => Some(Dimension::Number),
        _ => None,
    };
    let (a, b) = (dimension(left)?, dimension(right)?);
    match op {
        BinaryOp::Add | BinaryOp::Subtract if a == b => Some(Type::Quantity(a)),
        BinaryOp::Multiply if a == Dimension::Number => Some(Type::Quantity(b)),
        BinaryOp::Multiply | BinaryOp::Divide if b == Dimension::Number => Some(Type::Quantity(a)),
        BinaryOp::Divide if a == b => Some(Type::NUMBER),
        _ => None,
    }
}

/// Computes what is already known.
fn fold(typed: Typed) -> Result<Typed, EvalError> {
    let known = match &typed.expr {
        Expr::Field(base, _) | Expr::Unary(_, base) | Expr::Matches(base, _) => base.as_const().is_some(),
        Expr::Index(a, b) | Expr::Binary(_, a, b) => a.as_const().is_some() && b.as_const().is_some(),
        Expr::Format(parts) | Expr::Array(parts) => parts.iter().all(|part| part.as_const().is_some()),
        Expr::Object(entries) => entries.iter().all(|(_, value)| value.as_const().is_some()),
        Expr::Call(crate::expr::Function::Length, arguments) => {
            arguments.iter().all(|argument| argument.as_const().is_some())
        }
        Expr::Const(_) | Expr::Local(_) | Expr::Given(_) | Expr::Call(..) => false,
    };
    if !known {
        return Ok(typed);
    }
    typed.expr.eval(&mut Nothing(rand_pcg::Pcg64Mcg::new(1))).map(Typed::constant)
}

/// The scope of constants: there is nothing in it.
struct Nothing(rand_pcg::Pcg64Mcg);

impl Scope for Nothing {
    fn local(&self, _slot: usize) -> Option<Value> {
        None
    }
    fn given(&self, _what: Given) -> Option<Value> {
        None
    }
    fn header(&self, _name: &str) -> Option<String> {
        None
    }
    fn random(&mut self) -> &mut rand_pcg::Pcg64Mcg {
        &mut self.0
    }
    fn pattern(&self, pattern: &str) -> Option<regex::Regex> {
        regex::Regex::new(pattern).ok()
    }
}
