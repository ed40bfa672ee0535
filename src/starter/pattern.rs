//! A short text that a pattern matches.
//!
//! Invariant: what is given is a guess. Patterns of JSON Schema are those of
//! ECMAScript, and the parser here is one of another dialect; the schema has the
//! last word.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A text longer than this is not what a tool wants to be tried with, and a
/// pattern of a few characters can ask for any length.
pub(super) const MAX_CHARS: usize = 4096;

/// Characters that are taken where a pattern leaves a choice, because they are
/// what people would write.
const PLAIN: [char; 6] = ['a', 'A', '0', '1', '-', ' '];

/// A text for `pattern` in which what may be repeated is repeated `more` times
/// beyond the least. `None` if the pattern is beyond what is understood here.
pub(super) fn matching(pattern: &str, more: usize) -> Option<String> {
    let hir = regex_syntax::Parser::new().parse(pattern).ok()?;
    let mut text = String::new();
    write(&hir, more, &mut text)?;
    Some(text)
}

// The parser limits how deep a pattern nests.
fn write(hir: &Hir, more: usize, out: &mut String) -> Option<()> {
    if out.len() > MAX_CHARS {
        return None;
    }
    match hir.kind() {
        // Where a pattern looks at what is around is left to chance.
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => out.push(plain(class)?),
        HirKind::Capture(capture) => write(&capture.sub, more, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, more, out)?;
            }
        }
        HirKind::Alternation(choices) => write(choices.first()?, more, out)?,
        HirKind::Repetition(repetition) => {
            let least = usize::try_from(repetition.min).ok()?;
            let most = repetition.max.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
            for _ in 0..least.saturating_add(more).min(most) {
                let before = out.len();
                write(&repetition.sub, more, out)?;
                if out.len() == before {
                    break;
                }
            }
        }
    }
    Some(())
}

fn plain(class: &Class) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
    };
    let within = |c: &char| ranges.iter().any(|(first, last)| (first..=last).contains(&c));
    let printable = ranges.iter().map(|(first, _)| *first).find(|c| !c.is_control());
    PLAIN.into_iter().find(within).or(printable).or_else(|| Some(ranges.first()?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_servers_have_short_texts() {
        for (pattern, more, text) in [
            ("^[a-z][a-z0-9_-]*$", 0, "a"),
            ("^[a-z][a-z0-9_-]*$", 2, "aaa"),
            (r"^\d{4}-\d{2}-\d{2}$", 0, "0000-00-00"),
            ("^(asc|desc)$", 0, "asc"),
            ("^rule-[0-9]{4}$", 5, "rule-0000"),
            (r"^https?://.+\.com$", 0, "http://a.com"),
            ("^[^a]+$", 0, "A"),
            ("", 0, ""),
        ] {
            assert_eq!(matching(pattern, more).as_deref(), Some(text), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_understood_or_too_long_has_none() {
        for pattern in ["^(?!a)", "(", r"(a)\1", "(?:a{1000}){1000}", "a{100000}"] {
            assert_eq!(matching(pattern, 0), None, "{pattern}");
        }
    }
}
