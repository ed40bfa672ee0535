//! Why a template could not be rendered, in words for its author.

use minijinja::{Error, ErrorKind};

/// Why a template could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{template}{}: {message}", .line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct RenderError {
    /// The template's name, as it was given.
    pub template: String,
    /// The line of the mistake, from 1.
    pub line: Option<usize>,
    /// What is wrong there, in one sentence without a full stop.
    pub message: String,
}

impl RenderError {
    pub(super) fn new(template: &str, error: &Error) -> RenderError {
        // An error in an included template is the cause of one in the template
        // that includes it; the cause is where the mistake is.
        let cause = innermost(error);
        RenderError {
            template: cause.name().unwrap_or(template).to_owned(),
            line: cause.line(),
            message: message(cause),
        }
    }
}

fn innermost(error: &Error) -> &Error {
    let mut found = error;
    while let Some(cause) = std::error::Error::source(found).and_then(|source| source.downcast_ref::<Error>()) {
        found = cause;
    }
    found
}

fn message(error: &Error) -> String {
    let expression = || {
        let source = error.template_source()?;
        let text = source.get(error.range()?)?.trim();
        let text = text.trim_start_matches("{{").trim_end_matches("}}").trim();
        (!text.is_empty() && !text.contains('\n')).then(|| text.to_owned())
    };
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => {
            let what = match (detail, expression()) {
                ("", Some(expression)) => format!("`{expression}` is undefined"),
                ("", None) => "a name is undefined".to_owned(),
                (detail, _) => detail.to_owned(),
            };
            format!("{what}; docs/templates.md lists every field, and what may be none needs an `if` around it")
        }
        ErrorKind::SyntaxError => format!("the template cannot be read: {detail}"),
        kind if detail.is_empty() => kind.to_string(),
        kind => format!("{kind}: {detail}"),
    }
}
