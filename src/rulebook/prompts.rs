//! The prompt `apply_rules`.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, ListPromptsResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use super::calls::Book;
use super::compose::Format;
use super::limits::MAX_NAME_CHARS;

/// Its name.
pub const APPLY: &str = "apply_rules";

/// The one prompt.
pub fn list() -> ListPromptsResult {
    let ids = PromptArgument::new("ids")
        .with_description("Ids of the rules, separated by commas or spaces, for example `rule-0001, rule-0002`.")
        .with_required(true);
    let language = PromptArgument::new("language")
        .with_description("The programming language of the code, for example `Rust`.")
        .with_required(false);
    let prompt = Prompt::new(APPLY, Some("Ask for a review of code by these rules."), Some(vec![ids, language]))
        .with_title("Apply rules");
    ListPromptsResult::with_all_items(vec![prompt])
}

/// The prompt filled in.
///
/// # Errors
///
/// -32602 when there is no such prompt, the arguments do not fit, or a rule is
/// unknown.
pub fn get(book: &Book, name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    if name != APPLY {
        return Err(ErrorData::invalid_params(format!("there is no prompt `{name}`: there is `{APPLY}`"), None));
    }
    let ids = argument(arguments, "ids")?.unwrap_or_default();
    let ids: Vec<String> =
        ids.split([',', ' ', '\n']).map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let code = match argument(arguments, "language")? {
        None => "code".to_owned(),
        Some(language) if language.chars().count() <= MAX_NAME_CHARS => format!("{language} code"),
        Some(_) => {
            return Err(ErrorData::invalid_params(
                format!("language is longer than {MAX_NAME_CHARS} characters"),
                None,
            ));
        }
    };
    let (composition, _) = book.composition(&ids, Format::Markdown)?;
    let text = format!(
        "Review the following {code} by these rules, and name the rule with each finding.\n\n{}",
        composition.text
    );
    let title = format!("{} rules for {code}", composition.rules.len());
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(title))
}

fn argument<'a>(arguments: Option<&'a JsonObject>, name: &str) -> Result<Option<&'a str>, ErrorData> {
    match arguments.and_then(|arguments| arguments.get(name)) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ErrorData::invalid_params(format!("the argument `{name}` must be a string"), None)),
    }
}
