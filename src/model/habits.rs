//! The statements of a scenario that say how its clients behave.

use super::lower::Lowering;
use super::scenario::first;
use crate::diag::errors;
use crate::plan::{Habits, LostSession};
use crate::syntax::ast;
use crate::text::Span;

/// What a scenario says of its clients.
#[derive(Default)]
pub(super) struct Draft {
    lost_session: Option<(LostSession, Span)>,
}

impl Draft {
    /// `lost session renew`
    pub(super) fn lost_session(&mut self, lowering: &mut Lowering<'_>, item: &ast::WordStmt) -> Option<()> {
        first(lowering, "lost session", item.span(), self.lost_session.map(|(_, span)| span))?;
        let words = [("fail", LostSession::Fail), ("renew", LostSession::Renew)];
        let chosen = choice(lowering, &item.word()?, "way to go on without a session", &words)?;
        self.lost_session = Some((chosen, item.span()));
        Some(())
    }

    pub(super) fn finish(&self) -> Habits {
        Habits { lost_session: self.lost_session.map_or_else(LostSession::default, |(lost, _)| lost) }
    }
}

/// What a word stands for; `None` after saying that it is none of these.
fn choice<T: Copy>(lowering: &mut Lowering<'_>, word: &ast::Name, what: &str, words: &[(&str, T)]) -> Option<T> {
    let found = words.iter().find(|(known, _)| *known == word.text()).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<String> = words.iter().map(|(known, _)| (*known).to_owned()).collect();
        lowering.out.push(errors::names::unknown_word(what, &word.text(), word.span(), &known));
    }
    found
}
