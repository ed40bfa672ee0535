//! Blocks become lines: their entries, and the empty lines between these.
//!
//! Invariant: never two empty lines in a row, none at either end of a block; an
//! item of several lines has one before and behind it.

use super::build::{Block, Body, Broken, Entry};
use super::page::Page;
use super::statement;

/// The text of a file.
pub(super) fn file(file: &Block<'_>) -> String {
    let mut page = Page::default();
    let mut group: Option<Group> = None;
    let mut before: Option<Size> = None;
    for (index, entry) in file.entries.iter().enumerate() {
        let apart = index > 0 && entry.newlines > 1;
        if apart {
            page.blank();
            group = None;
        }
        let begins = *group.get_or_insert(Group { line: page.len(), apart: apart || index == 0 });
        let first = page.len();
        print(&mut page, entry, 0);
        if matches!(entry.body, Body::Comment(_)) {
            continue;
        }
        group = None;
        let size = match entry.body {
            Body::Broken(_) => Size::Unknown,
            _ if page.len() > first + 1 => Size::Several,
            _ => Size::One,
        };
        if !begins.apart && before.is_some_and(|before| before.apart_from(size)) {
            page.blank_at(begins.line);
        }
        before = Some(size);
    }
    page.text()
}

/// Comments and the item that they lead to.
#[derive(Clone, Copy)]
struct Group {
    /// The first line of it.
    line: usize,
    /// Whether an empty line stands before it.
    apart: bool,
}

/// How many lines an item takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    One,
    Several,
    /// It is broken. What stands next to it stays next to it: a comment at its
    /// end may belong to what follows.
    Unknown,
}

impl Size {
    fn apart_from(self, next: Size) -> bool {
        self != Size::Unknown && next != Size::Unknown && (self == Size::Several || next == Size::Several)
    }
}

/// The entries of a block.
pub(super) fn block(page: &mut Page, block: &Block<'_>, depth: usize) {
    for (index, entry) in block.entries.iter().enumerate() {
        if index > 0 && entry.newlines > 1 {
            page.blank();
        }
        print(page, entry, depth);
    }
}

fn print(page: &mut Page, entry: &Entry<'_>, depth: usize) {
    match &entry.body {
        Body::Comment(comment) => {
            page.line(depth);
            page.comment(comment);
        }
        Body::Broken(broken) => print_broken(page, broken, entry.newlines > 0, depth),
        Body::Statement(atoms) => {
            page.line(depth);
            statement::print(page, atoms, depth);
        }
    }
}

/// Only a single line can be moved without changing how its parts stand to each
/// other.
fn print_broken(page: &mut Page, broken: &Broken<'_>, on_its_own: bool, depth: usize) {
    let text = broken.text.replace("\r\n", "\n").replace('\r', "\n");
    if text.contains('\n') && on_its_own {
        page.raw(format!("{}{text}", broken.indent));
    } else {
        page.line(depth);
        page.push(&text);
    }
}
