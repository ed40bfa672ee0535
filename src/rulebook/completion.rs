//! Completion of rule ids. Pure.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::library::Library;
use super::{prompts, resources};

/// The ids that begin as the last word of the argument does.
///
/// # Errors
///
/// -32602 when there is no such prompt, template or argument.
pub fn complete(library: &Library, request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let argument = request.argument.name.as_str();
    let known = match &request.r#ref {
        Reference::Prompt(prompt) => prompt.name == prompts::APPLY && argument == "ids",
        Reference::Resource(resource) => resource.uri == resources::TEMPLATE && argument == "id",
        _ => false,
    };
    if !known {
        return Err(ErrorData::invalid_params(format!("there is nothing to complete for `{argument}`"), None));
    }
    let begun = request.argument.value.rsplit([',', ' ']).next().unwrap_or_default();
    let matching = || library.iter().filter(|rule| rule.id.starts_with(begun));
    let values: Vec<String> = matching().take(CompletionInfo::MAX_VALUES).map(|rule| rule.id.to_string()).collect();
    let total = matching().count();
    let more = total > values.len();
    let completion = CompletionInfo::with_pagination(values, u32::try_from(total).ok(), more)
        .map_err(|problem| ErrorData::internal_error(problem, None))?;
    Ok(CompleteResult::new(completion))
}
