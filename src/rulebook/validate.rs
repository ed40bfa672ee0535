//! What is to mend in a rule's text. Pure.

use super::library::{Library, title};
use super::limits::{MAX_NAMED_UNKNOWN, MAX_TITLE_CHARS};

/// A line that nobody reads to its end.
const MAX_LINE_CHARS: usize = 400;

/// What is to mend, one sentence each; the rules of `library` are those that the
/// text may name.
pub fn problems(library: &Library, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let title = title(text);
    if title.is_empty() {
        found.push("the text says nothing: write what the rule asks for".to_owned());
    }
    let length = title.chars().count();
    if length > MAX_TITLE_CHARS {
        found.push(format!(
            "the first line is the title and has {length} characters: cut it to {MAX_TITLE_CHARS}, and go on in the next line"
        ));
    }
    let long = text.lines().position(|line| line.chars().count() > MAX_LINE_CHARS);
    if let Some(line) = long {
        found.push(format!("line {} is longer than {MAX_LINE_CHARS} characters: break it", line + 1));
    }
    let unknown = mentioned(text).filter(|id| library.get(id).is_none());
    found.extend(unknown.take(MAX_NAMED_UNKNOWN).map(|id| format!("`{id}` is no rule of this library")));
    if let Some(same) = library.iter().find(|rule| rule.text == text) {
        found.push(format!("`{}` has this text already", same.id));
    }
    found
}

/// What stands between backticks and looks like the id of a rule.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|word| word.starts_with("rule-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_told_once_and_a_good_text_has_none() {
        let library = Library::generate(10, 1);
        assert_eq!(problems(&library, "Be kind\n\nSee `rule-0001` and `x`."), Vec::<String>::new());
        let said = |text: &str| problems(&library, text).join("; ");
        assert!(said(" \n##\n").contains("says nothing"));
        assert!(said(&"x".repeat(61)).contains("has 61 characters"));
        assert!(said(&format!("a\n{}", "x".repeat(401))).contains("line 2 is longer"));
        assert_eq!(said("a `rule-9999` `rule-0002`"), "`rule-9999` is no rule of this library");
        let taken = library.iter().next().map(|rule| rule.text.clone()).unwrap_or_default();
        assert!(said(&taken).contains("`rule-0001` has this text already"), "{}", said(&taken));
    }
}
