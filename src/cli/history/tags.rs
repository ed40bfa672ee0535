//! `KEY=VALUE`

/// A name and a value that people give a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

/// Reads `KEY=VALUE`.
///
/// # Errors
/// When it is something else; the text of the error says how to write it.
pub(in super::super) fn tag(text: &str) -> Result<Tag, String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as branch=main")?;
    let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if key.is_empty() || !key.chars().all(named) {
        return Err("a key consists of letters, digits, `_`, `-`, `.` and `/`".to_owned());
    }
    if value.chars().any(char::is_control) {
        return Err("a value is one line of text".to_owned());
    }
    Ok(Tag { key: key.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_told_apart() {
        let read = |text: &str| tag(text).map(|tag| (tag.key, tag.value));
        assert_eq!(read("branch=main"), Ok(("branch".to_owned(), "main".to_owned())));
        assert_eq!(read("note=a = b"), Ok(("note".to_owned(), "a = b".to_owned())));
        assert_eq!(read("empty="), Ok(("empty".to_owned(), String::new())));
        for wrong in ["branch", "=main", "a b=c", "a=\u{1b}[2J"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
