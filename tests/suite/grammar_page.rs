//! `docs/grammar.md` is made from `grammar/mcpl.pest`: `UPDATE=1` writes it, and this test compares.
//!
//! The page shows the language, not its parser: what only recovers from mistakes is left out, tokens
//! stand as their text, and so does what ends a statement.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::support::expect_file;

const INTRO: &str = "# Grammar

<!-- Made from grammar/mcpl.pest by tests/suite/grammar_page.rs; UPDATE=1 cargo test writes it. -->

This is the whole syntax of edition 1. It is made from the grammar that the parser is generated from;
what that one has for recovering from mistakes is left out here. What the statements mean is on the
pages before this one.

How to read it:

- `\"text\"` is written as it stands; other words are names of rules.
- `a b` is one after the other, `a | b` either; the first that fits is taken. `?` is at most once, `*`
  any number of times, `+` at least once.
- `'a'..'z'` is one character of a range; `{4}` is four times.
- `!a b` is a `b` that is no `a`; `&a b` is a `b` that is also an `a`.
- Blanks may stand between the parts of a rule, unless it is marked *in one piece*.
- A statement ends with its line, or before the `}` of its block. A block has a statement on each line.
  Inside `[ ]`, `( )` and objects the ends of lines mean nothing.
- A comment begins with `#` and ends with its line.
- A keyword is a word of its own, and one only where a rule has it: anywhere else it is a name.
";

/// Left out: they only recover from mistakes, look ahead, or are blanks.
const HIDDEN: &[&str] = &[
    "WHITESPACE",
    "nl",
    "blank",
    "bom",
    "line",
    "at_item",
    "item_word",
    "end",
    "end_mark",
    "edition_number",
    "item_name",
    "no_name",
    "item_open",
    "late_open",
    "no_open",
    "close",
    "no_close",
    "text_value",
    "stages_line",
    "scenario_word",
    "hold_stream_word",
    "request_line",
    "no_request_open",
    "step_word",
    "request_word",
    "op_start",
    "prefix_start",
    "bare_nl",
    "expr_end",
    "free",
    "free_end",
    "free_operand",
    "free_postfix",
    "free_prefixed",
    "bad_quantity",
    "spaced_quantity",
    "foreign_unit",
    "plain_string",
    "any_string",
    "loose_str",
    "open_str",
    "wrong_str",
    "format_string",
    "loose_fstr",
    "loose_hole",
    "open_fstr",
    "bad_name",
    "other_word",
    "skipped",
    "bad_head",
];

/// Shown as something else.
const SHOWN_AS: [(&str, &str); 13] = [
    ("item_name", "name"),
    ("item_open", "\"{\""),
    ("close", "\"}\""),
    ("edition_number", "\"1\""),
    ("text_value", "string"),
    ("any_string", "string"),
    ("plain_string", "string"),
    ("format_string", "fstr"),
    ("free", "expr"),
    ("free_operand", "operand"),
    ("ASCII_DIGIT", "digit"),
    ("ASCII_HEX_DIGIT", "hex_digit"),
    ("ANY", "character"),
];

/// May be there without being shown.
const SILENT: [&str; 8] = ["line", "nl", "comment", "end", "bom", "SOI", "EOI", "stray_close"];

struct Rule {
    section: String,
    doc: String,
    name: String,
    /// Whether blanks are not allowed between its parts.
    atomic: bool,
    body: String,
}

/// The rules of the grammar in order.
fn rules(pest: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let (mut section, mut doc, mut open) = (String::new(), Vec::new(), false);
    for line in pest.lines() {
        if open {
            // The last line of a rule is not indented.
            open = line.starts_with(' ');
            let rule = rules.last_mut().unwrap();
            let part = if open { line } else { line.strip_suffix('}').unwrap() };
            rule.body = format!("{} {}", rule.body, part.trim());
        } else if let Some(title) = line.strip_prefix("// --") {
            title.trim_matches([' ', '-']).clone_into(&mut section);
        } else if let Some(text) = line.strip_prefix("/// ") {
            doc.push(text);
        } else if let Some((name, rest)) = line.split_once(" = ").filter(|_| !line.starts_with("//")) {
            let (marks, body) = rest.split_once('{').unwrap();
            let one_line = body.strip_suffix('}');
            open = one_line.is_none();
            rules.push(Rule {
                section: section.clone(),
                doc: std::mem::take(&mut doc).join(" "),
                name: name.to_owned(),
                atomic: marks.contains(['@', '$']),
                body: one_line.unwrap_or(body).trim().to_owned(),
            });
        }
    }
    rules
}

/// A definition.
enum Node {
    Atom(String),
    /// `!` or `&`.
    Look(char, Box<Node>),
    /// `?`, `*`, `+` or `{n}`.
    Times(Box<Node>, String),
    Seq(Vec<Node>),
    Choice(Vec<Node>),
}

struct Reader<'a> {
    tokens: Vec<&'a str>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Reader<'a> {
        let token = regex::Regex::new(
            r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.[^']*)'(?:\.\.'(?:[^'\\]|\\.[^']*)')?|\w+|\{\d+\}|[~|()?*+!&]"#,
        );
        Reader { tokens: token.unwrap().find_iter(text).map(|found| found.as_str()).collect(), next: 0 }
    }

    fn peek(&self) -> &'a str {
        self.tokens.get(self.next).copied().unwrap_or("")
    }

    fn take(&mut self) -> &'a str {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn choice(&mut self) -> Node {
        let mut all = vec![self.seq()];
        while self.peek() == "|" {
            self.take();
            all.push(self.seq());
        }
        if all.len() == 1 { all.remove(0) } else { Node::Choice(all) }
    }

    fn seq(&mut self) -> Node {
        let mut all = vec![self.unary()];
        while self.peek() == "~" {
            self.take();
            all.push(self.unary());
        }
        if all.len() == 1 { all.remove(0) } else { Node::Seq(all) }
    }

    fn unary(&mut self) -> Node {
        let token = self.take();
        let mut node = match token {
            "!" | "&" => return Node::Look(token.chars().next().unwrap(), Box::new(self.unary())),
            "(" => {
                let inner = self.choice();
                assert_eq!(self.take(), ")");
                inner
            }
            atom => Node::Atom(atom.to_owned()),
        };
        while self.peek().starts_with(['?', '*', '+', '{']) {
            node = Node::Times(Box::new(node), self.take().to_owned());
        }
        node
    }
}

/// Whether the parser goes on without this although a good file has it.
fn needed(node: &Node) -> bool {
    match node {
        Node::Atom(name) => ["item_name", "edition_number", "no_name"].contains(&name.as_str()),
        Node::Choice(all) => all.iter().any(needed),
        _ => false,
    }
}

/// What is left of a definition.
enum Left {
    Text(String, Binds),
    /// Nothing has to be there.
    Nothing,
    /// It is a mistake.
    Mistake,
}

/// How closely the parts of a text hold together.
#[derive(PartialEq, PartialOrd)]
enum Binds {
    Choice,
    Seq,
    Unit,
}

fn wrap(text: String, binds: &Binds, at_least: &Binds) -> String {
    if binds < at_least { format!("({text})") } else { text }
}

struct Page {
    /// The texts of tokens: keywords and punctuation.
    tokens: BTreeMap<String, String>,
}

impl Page {
    fn atom(&self, name: &str) -> Left {
        let unit = |text: &str| Left::Text(text.to_owned(), Binds::Unit);
        if let Some((_, shown)) = SHOWN_AS.iter().find(|(hidden, _)| *hidden == name) {
            return unit(shown);
        }
        match name {
            "blank" => unit("\" \""),

            "NEWLINE" => unit("line_end"),
            _ if SILENT.contains(&name) => Left::Nothing,
            _ if HIDDEN.contains(&name) || name == "rejected" => Left::Mistake,
            _ => unit(self.tokens.get(name).map_or(name, String::as_str)),
        }
    }

    /// `exact` keeps what only looks ahead.
    fn left(&self, node: &Node, exact: bool) -> Left {
        match node {
            Node::Atom(name) => self.atom(name),
            Node::Look(..) if !exact => Left::Nothing,
            Node::Look(mark, inner) => match self.left(inner, exact) {
                Left::Text(text, binds) => {
                    Left::Text(format!("{mark}{}", wrap(text, &binds, &Binds::Unit)), Binds::Unit)
                }
                _ => Left::Nothing,
            },
            Node::Times(inner, _) if needed(inner) => self.left(inner, exact),
            Node::Times(inner, times) => match self.left(inner, exact) {
                Left::Text(text, binds) => {
                    Left::Text(format!("{}{times}", wrap(text, &binds, &Binds::Unit)), Binds::Unit)
                }
                _ if times == "+" => Left::Mistake,
                _ => Left::Nothing,
            },
            Node::Seq(all) => {
                let mut parts: Vec<(String, Binds)> = Vec::new();
                for part in all {
                    match self.left(part, exact) {
                        Left::Text(text, binds) => parts.push((text, binds)),
                        Left::Nothing => {}
                        Left::Mistake => return Left::Mistake,
                    }
                }
                match parts.len() {
                    0 => Left::Nothing,
                    1 => parts.pop().map(|(text, binds)| Left::Text(text, binds)).unwrap(),
                    _ => {
                        let parts: Vec<_> =
                            parts.into_iter().map(|(text, binds)| wrap(text, &binds, &Binds::Seq)).collect();
                        Left::Text(parts.join(" "), Binds::Seq)
                    }
                }
            }
            Node::Choice(all) => {
                let lefts: Vec<_> = all.iter().map(|part| self.left(part, exact)).collect();
                let optional = lefts.iter().any(|left| matches!(left, Left::Nothing));
                let mut texts: Vec<(String, Binds)> = Vec::new();
                for left in lefts {
                    if let Left::Text(text, binds) = left
                        && !texts.iter().any(|(known, _)| *known == text)
                    {
                        texts.push((text, binds));
                    }
                }
                let (text, binds) = match texts.len() {
                    0 if optional => return Left::Nothing,
                    0 => return Left::Mistake,
                    1 => texts.remove(0),
                    _ => {
                        let texts: Vec<_> = texts.into_iter().map(|(text, _)| text).collect();
                        (texts.join(" | "), Binds::Choice)
                    }
                };
                // A line's end beside statements is no choice of the reader's.
                let only_lines =
                    all.iter().any(|part| matches!(part, Node::Atom(name) if name == "line" || name == "nl"));
                if optional && !only_lines {
                    return Left::Text(format!("{}?", wrap(text, &binds, &Binds::Unit)), Binds::Unit);
                }
                Left::Text(text, binds)
            }
        }
    }

    /// The part of a sequence that is all that is shown of it.
    fn only<'a>(&self, node: &'a Node, exact: bool) -> &'a Node {
        let Node::Seq(all) = node else { return node };
        let mut shown = all.iter().filter(|part| matches!(self.left(part, exact), Left::Text(..)));
        match (shown.next(), shown.next()) {
            (Some(part), None) => self.only(part, exact),
            _ => node,
        }
    }

    /// A definition for the page; alternatives that do not fit a line get one each.
    fn definition(&self, rule: &Rule) -> Option<String> {
        let node = Reader::new(&rule.body).choice();
        let Left::Text(text, _) = self.left(&node, rule.atomic) else { return None };
        let one_line = format!("{} = {text}", rule.name);
        let Node::Choice(all) = self.only(&node, rule.atomic) else { return Some(one_line) };
        if one_line.len() <= 100 {
            return Some(one_line);
        }
        let mut lines: Vec<String> = vec![format!("{} =", rule.name)];
        for part in all {
            if let Left::Text(text, _) = self.left(part, rule.atomic) {
                let mark = if lines.len() == 1 { ' ' } else { '|' };
                match lines.last_mut() {
                    // Short alternatives share lines.
                    Some(last) if mark == '|' && last.len() + text.len() <= 96 => *last += &format!(" | {text}"),
                    _ => lines.push(format!("  {mark} {text}")),
                }
            }
        }
        Some(lines.join("\n"))
    }
}

fn is_token(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
        && !["COMMENT", "WHITESPACE"].contains(&name)
}

/// Folds words into lines of at most 100 characters.
fn fill(words: &[String]) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        let last = lines.last_mut().unwrap();
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + word.len() < 100 {
            *last += &format!(" {word}");
        } else {
            lines.push(word.clone());
        }
    }
    lines.join("\n")
}

fn page(pest: &str) -> String {
    let rules = rules(pest);
    for &hidden in HIDDEN {
        assert!(rules.iter().any(|rule| rule.name == hidden), "`{hidden}` is no rule any more");
    }
    let literal = regex::Regex::new(r#""(?:[^"\\]|\\.)*""#).unwrap();
    let text = |rule: &Rule| literal.find(&rule.body).unwrap().as_str().to_owned();
    let tokens = rules.iter().filter(|rule| is_token(&rule.name)).map(|rule| (rule.name.clone(), text(rule))).collect();
    let page = Page { tokens };
    let mut out = INTRO.to_owned();
    let mut section = "";
    for rule in &rules {
        if HIDDEN.contains(&rule.name.as_str()) || is_token(&rule.name) || rule.section == "fallbacks" {
            continue;
        }
        let definition = page.definition(rule).unwrap_or_else(|| panic!("nothing is left of `{}`", rule.name));
        if section != rule.section {
            section = &rule.section;
            let mut letters = section.chars();
            let title: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            write!(out, "\n## {title}\n").unwrap();
        }
        let piece = if rule.atomic { " *In one piece.*" } else { "" };
        write!(out, "\n{}{piece}\n\n```text\n{definition}\n```\n", rule.doc).unwrap();
    }
    let words: Vec<_> = keywords(pest).into_iter().map(|word| format!("`{word}`")).collect();
    write!(out, "\n## Keywords\n\n{}\n", fill(&words)).unwrap();
    out
}

/// The words of the language: what the tokens `KW_…` of the grammar stand for.
pub fn keywords(pest: &str) -> std::collections::BTreeSet<String> {
    let token = regex::Regex::new(r#"(?m)^KW_\w+ = @\{ "(\w+)" ~ !word_char \}$"#).unwrap();
    let words: std::collections::BTreeSet<_> = token.captures_iter(pest).map(|found| found[1].to_owned()).collect();
    assert_eq!(
        words.len(),
        pest.lines().filter(|line| line.starts_with("KW_")).count(),
        "a keyword is written otherwise"
    );
    words
}

#[test]
fn the_page_shows_the_grammar() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pest = fs::read_to_string(root.join("grammar/mcpl.pest")).unwrap();
    expect_file(&root.join("docs/grammar.md"), &page(&pest));
}
