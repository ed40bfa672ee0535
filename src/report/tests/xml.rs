//! A check that text is well-formed XML: no more than a parser would insist on.

/// Whether tags are balanced, attributes quoted and unique, references closed
/// and characters allowed.
pub(super) fn check(text: &str) -> Result<(), String> {
    if let Some(c) =
        text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}'))
    {
        return Err(format!("forbidden character {c:?}"));
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        plain(&rest[..start])?;
        let end = start + rest[start..].find('>').ok_or("a tag that does not end")?;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let expected = open.pop().ok_or_else(|| format!("</{name}> closes nothing"))?;
            if expected != name {
                return Err(format!("</{name}> closes <{expected}>"));
            }
            continue;
        }
        let (name, attributes) =
            tag.trim_end_matches('/').split_once([' ', '\n']).unwrap_or((tag.trim_end_matches('/'), ""));
        self::attributes(attributes).map_err(|error| format!("<{name}>: {error}"))?;
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    plain(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("not closed: {open:?}")) }
}

fn attributes(mut rest: &str) -> Result<(), String> {
    let mut names = Vec::new();
    loop {
        rest = rest.trim();
        if rest.is_empty() {
            return Ok(());
        }
        let (name, value) = rest.split_once("=\"").ok_or_else(|| format!("no value: {rest}"))?;
        if names.contains(&name) || name.contains(['"', ' ']) {
            return Err(format!("attribute {name}"));
        }
        names.push(name);
        let (value, after) = value.split_once('"').ok_or("a value that does not end")?;
        plain(value)?;
        rest = after;
    }
}

fn plain(text: &str) -> Result<(), String> {
    if text.contains(['<', '>']) {
        return Err(format!("a bare `<` or `>` in {text:?}"));
    }
    for after in text.split('&').skip(1) {
        let name = after.split_once(';').map_or("", |(name, _)| name);
        let known = ["amp", "lt", "gt", "quot", "apos"].contains(&name) || name.starts_with('#') && name.len() < 8;
        if !known {
            return Err(format!("a bare `&` in {text:?}"));
        }
    }
    Ok(())
}

#[test]
fn the_check_can_fail() {
    assert_eq!(check("<?xml version=\"1.0\"?>\n<a b=\"c\"><d/>&lt;</a>"), Ok(()));
    for wrong in [
        "<a>",
        "<a></b>",
        "</a>",
        "<a b=c/>",
        "<a b=\"1\" b=\"2\"/>",
        "<a>&x</a>",
        "<a b=\"<\"/>",
        "<a>\u{1b}</a>",
        "<a>></a>",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
