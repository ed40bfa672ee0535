//! Where the expressions of a running step find what they name.

use rand_pcg::Pcg64Mcg;
use regex::Regex;

use super::answer::Answer;
use super::isolation::{Sender, Token, Tokens};
use super::shard::Patterns;
use crate::expr::{Given, Scope, Value};
use crate::transport::Revision;

/// One step of one iteration.
pub(super) struct StepScope<'a> {
    pub(super) locals: &'a [Option<Value>],
    pub(super) answer: Option<&'a Answer<'a>>,
    pub(super) user: u64,
    pub(super) iteration: u64,
    /// The revision that the user speaks.
    pub(super) revision: Revision,
    pub(super) run_id: &'a str,
    pub(super) patterns: &'a Patterns,
    pub(super) random: &'a mut Pcg64Mcg,
    pub(super) tokens: Option<&'a Tokens>,
    pub(super) sender: Sender,
    /// Tokens that the sender has made.
    pub(super) made: &'a mut u16,
}

impl Scope for StepScope<'_> {
    fn local(&self, slot: usize) -> Option<Value> {
        self.locals.get(slot).cloned().flatten()
    }

    fn given(&self, what: Given) -> Option<Value> {
        match what {
            Given::UserId => Some(Value::Json(self.user.into())),
            Given::UserIteration => Some(Value::Json(self.iteration.into())),
            Given::UserRevision => Some(Value::Json(self.revision.as_str().into())),
            Given::RunId => Some(Value::Json(self.run_id.into())),
            what => self.answer.and_then(|answer| answer.given(what)),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.answer.and_then(|answer| answer.header(name))
    }

    fn random(&mut self) -> &mut Pcg64Mcg {
        self.random
    }

    fn unique(&mut self) -> Option<String> {
        let token = Token { sender: self.sender, number: *self.made };
        *self.made = self.made.wrapping_add(1);
        self.tokens.map(|tokens| tokens.text(token))
    }

    fn pattern(&self, pattern: &str) -> Option<Regex> {
        self.patterns.get(pattern)
    }
}
