//! The template engine as reports use it, and the built-in templates.
//!
//! Invariant: a template sees the view, the filters and seven functions, and
//! nothing else; a name that does not exist is an error.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::chart;
use super::escape;
use super::{RenderError, Style, filters, value};

/// Built-in templates by name. The part before `.j2` says how values are
/// escaped.
const BUILT_IN: &[(&str, &str)] = &[
    ("report.html.j2", include_str!("../../reports/report.html.j2")),
    ("report.css", include_str!("../../reports/report.css")),
    ("report.js", include_str!("../../reports/report.js")),
    ("parts/verdict.html.j2", include_str!("../../reports/parts/verdict.html.j2")),
    ("parts/search.html.j2", include_str!("../../reports/parts/search.html.j2")),
    ("parts/over_time.html.j2", include_str!("../../reports/parts/over_time.html.j2")),
    ("parts/steps.html.j2", include_str!("../../reports/parts/steps.html.j2")),
    ("parts/readings.html.j2", include_str!("../../reports/parts/readings.html.j2")),
    ("parts/trend.html.j2", include_str!("../../reports/parts/trend.html.j2")),
    ("parts/health.html.j2", include_str!("../../reports/parts/health.html.j2")),
    ("parts/failures.html.j2", include_str!("../../reports/parts/failures.html.j2")),
    ("parts/provenance.html.j2", include_str!("../../reports/parts/provenance.html.j2")),
    ("report.md.j2", include_str!("../../reports/report.md.j2")),
    ("junit.xml.j2", include_str!("../../reports/junit.xml.j2")),
    ("summary.txt.j2", include_str!("../../reports/summary.txt.j2")),
    ("parts/comparison.html.j2", include_str!("../../reports/parts/comparison.html.j2")),
    ("parts/comparison.txt.j2", include_str!("../../reports/parts/comparison.txt.j2")),
    ("parts/comparison.md.j2", include_str!("../../reports/parts/comparison.md.j2")),
    ("compare.html.j2", include_str!("../../reports/compare.html.j2")),
    ("compare.csv.j2", include_str!("../../reports/compare.csv.j2")),
    ("compare.txt.j2", include_str!("../../reports/compare.txt.j2")),
    ("compare.md.j2", include_str!("../../reports/compare.md.j2")),
    ("compare.xml.j2", include_str!("../../reports/compare.xml.j2")),
    ("suite.html.j2", include_str!("../../reports/suite.html.j2")),
    ("suite.md.j2", include_str!("../../reports/suite.md.j2")),
    ("suite.txt.j2", include_str!("../../reports/suite.txt.j2")),
    ("trend.html.j2", include_str!("../../reports/trend.html.j2")),
    ("trend.csv.j2", include_str!("../../reports/trend.csv.j2")),
    ("trend.xml.j2", include_str!("../../reports/trend.xml.j2")),
    ("trend.md.j2", include_str!("../../reports/trend.md.j2")),
    ("trend.txt.j2", include_str!("../../reports/trend.txt.j2")),
    ("steps.csv.j2", include_str!("../../reports/steps.csv.j2")),
];

/// The built-in templates and what they include, by name.
pub(super) fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILT_IN.iter().copied()
}

/// What a template is rendered on: it sees what this serialises to.
pub(super) trait Subject: Serialize + Send + Sync + 'static {
    /// Names of the charts that it has.
    fn charts(&self) -> Vec<&str>;

    /// The chart of such a name as HTML: `None` for any other name, empty when there is
    /// nothing to show in it.
    fn chart(&self, name: &str) -> Option<String>;

    /// What it was made of, as JSON that is safe inside a `<script>`; none where a page is
    /// not to have it.
    fn data(&self) -> Option<&str> {
        None
    }
}

/// Renders a template by its name: a built-in one, or one of `own`, which go before
/// built-in ones of the same name.
pub(super) fn render<S: Subject>(
    subject: S,
    name: &str,
    own: &[(&str, &str)],
    style: Style,
) -> Result<String, RenderError> {
    let rendered = || {
        let context = context(&subject)?;
        let mut environment = environment(style)?;
        let named = named(name, own);
        functions(&mut environment, subject, named.iter().map(|(name, source)| (*name, integrity(source))));
        for (name, source) in named {
            environment.add_template(name, source)?;
        }
        environment.get_template(name)?.render(context)
    };
    rendered().map_err(|error| RenderError::new(name, &error))
}

/// Finds what is wrong with `own` before there is anything to render.
pub(super) fn check(name: &str, own: &[(&str, &str)]) -> Result<(), RenderError> {
    let mut read = environment(Style::default()).map_err(|error| RenderError::new(name, &error))?;
    named(name, own)
        .into_iter()
        .try_for_each(|(name, source)| read.add_template(name, source).map_err(|error| RenderError::new(name, &error)))
}

/// What of `own` the template `name` names, and what is named there in turn: what lies
/// beside it may have mistakes.
fn named<'a>(name: &str, own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut found: Vec<(&str, &str)> = own.iter().copied().filter(|(known, _)| *known == name).collect();
    let mut at = 0;
    while let Some((_, source)) = found.get(at).copied() {
        let further = own.iter().filter(|(name, _)| source.contains(name) && !found.iter().any(|(met, _)| met == name));
        let further: Vec<(&str, &str)> = further.copied().collect();
        found.extend(further);
        at += 1;
    }
    found
}

fn context(view: &impl Serialize) -> Result<Value, Error> {
    let json = serde_json::to_value(view)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, "the view is no JSON").with_source(error))?;
    Ok(value::from_json(json))
}

fn environment<'a>(style: Style) -> Result<Environment<'a>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment
        .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    environment.set_auto_escape_callback(escaping);
    environment.set_formatter(|out, state, value| match state.auto_escape() {
        AutoEscape::Custom(_) if !value.is_safe() => {
            out.write_str(&escape::markdown(&value.to_string())).map_err(Error::from)
        }
        AutoEscape::Custom(_) => out.write_str(value.as_str().unwrap_or_default()).map_err(Error::from),
        _ => escape_formatter(out, state, value),
    });
    filters::register(&mut environment, style.color);
    for (name, source) in BUILT_IN {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// How values are escaped, by the ending of the template's name.
fn escaping(name: &str) -> AutoEscape {
    match ending(name).as_str() {
        "html" | "htm" | "xhtml" | "xml" | "svg" => AutoEscape::Html,
        "md" | "markdown" => AutoEscape::Custom("markdown".into()),
        _ => AutoEscape::None,
    }
}

/// Whether a template of this name makes a page for a browser.
pub(super) fn is_page(name: &str) -> bool {
    ["html", "htm", "xhtml"].contains(&ending(name).as_str())
}

/// The last ending of what a template of this name makes, in small letters.
fn ending(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = [".j2", ".jinja2", ".jinja"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

fn functions<'a>(
    environment: &mut Environment<'_>,
    subject: impl Subject,
    own: impl Iterator<Item = (&'a str, String)>,
) {
    let subject = Arc::new(subject);
    let charted = Arc::clone(&subject);
    environment.add_function("chart", move |name: &str| {
        charted.chart(name).map(Value::from_safe_string).ok_or_else(|| no_chart(name, &charted.charts()))
    });
    environment.add_function("sparkline", |values: Vec<Value>, limit: Option<f64>| {
        filters::numbers(&values).map(|values| Value::from_safe_string(chart::sparkline(&values, limit)))
    });
    environment
        .add_function("gauge", |observed: f64, limit: f64| Value::from_safe_string(chart::gauge(observed, limit)));
    let own: Vec<(String, String)> = own.map(|(name, integrity)| (name.to_owned(), integrity)).collect();
    environment.add_function("integrity", move |name: &str| {
        let own = own.iter().find(|(known, _)| known == name).map(|(_, integrity)| integrity.clone());
        let built_in = || BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, source)| integrity(source));
        own.or_else(built_in)
            .map(Value::from_safe_string)
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no part `{name}`")))
    });
    environment.add_function("forest", |metrics: Vec<Value>| {
        let effects: Result<Vec<_>, _> = metrics.iter().map(effect).collect();
        Ok::<_, Error>(chart::forest(&effects?).into_iter().map(Value::from_safe_string).collect::<Vec<_>>())
    });
    environment.add_function("strip", |metric: Value| {
        let side = |name| metric.get_attr(name).and_then(|each| values(&each));
        Ok::<_, Error>(Value::from_safe_string(chart::strip(&side("old_each")?, &side("new_each")?)))
    });
    environment.add_function("results", move || subject.data().map(|data| Value::from_safe_string(data.to_owned())));
}

fn no_chart(name: &str, charts: &[&str]) -> Error {
    let only = if charts.is_empty() { "and no other".to_owned() } else { format!("only `{}`", charts.join("`, `")) };
    Error::new(ErrorKind::InvalidOperation, format!("there is no chart `{name}`, {only}"))
}

/// The `value` of each amount of a list.
fn values(amounts: &Value) -> Result<Vec<Option<f64>>, Error> {
    if amounts.is_undefined() {
        return Err(Error::new(ErrorKind::InvalidOperation, "`strip` takes a metric of a comparison"));
    }
    let values: Result<Vec<Value>, Error> = amounts.try_iter()?.map(|amount| amount.get_attr("value")).collect();
    filters::numbers(&values?)
}

/// What a metric of a comparison has to be drawn.
fn effect(metric: &Value) -> Result<chart::Effect, Error> {
    let number = |name: &str| {
        let value = metric.get_attr(name)?;
        if value.is_none() { Ok(None) } else { f64::try_from(value).map(Some) }
    };
    Ok(chart::Effect {
        change: number("change")?,
        low: number("low")?,
        high: number("high")?,
        above: number("above")?,
        below: number("below")?,
        difference: metric.get_attr("difference")?.is_true(),
    })
}

/// What a content security policy names a script by (CSP 3, 2.3.1).
fn integrity(source: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(source.as_bytes())))
}
