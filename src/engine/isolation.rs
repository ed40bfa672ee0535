//! Whether an answer has reached the user that it is for.
//!
//! `unique()` gives a token that says which iteration sent it. A server that
//! repeats what it was sent - in a result, in the text of an error - shows by
//! that for whom it worked, without knowing anything of it. An answer that
//! carries a token of somebody else has been mixed up, whatever its id says.
//!
//! What a user sent before may come back later: a session may have a memory. So
//! a token of the same user is wrong only where the answer should have carried
//! another one and does not.

use std::collections::VecDeque;

use crate::plan::random::mixed;
use crate::plan::takes::Taker;

/// Iterations of a user whose tokens are taken for its own. A session that
/// remembers more than that is a store, whose contents are for everybody.
const REMEMBERED: usize = 1000;

/// What every token begins with, before the key of the run.
const MARK: &str = "mcpl";

/// Digits of a token behind the key: the sender, and what proves that no digit is
/// missing or other.
const DIGITS: usize = 20;

/// Who sent a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) scenario: u8,
    /// An iteration of the scenario, or the start or end of one of its users.
    pub(super) outside: bool,
    /// Number of the iteration, or twice that of the user; more than 2^32 wrap
    /// around.
    pub(super) index: u32,
}

impl Sender {
    /// Who takes rows sends tokens, too.
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond wraps around")]
    pub(super) fn of(scenario: usize, taker: Taker) -> Self {
        let (outside, index) = match taker {
            Taker::Iteration(index) => (false, index),
            // Users are fewer than half of what fits.
            Taker::Before(user) => (true, user << 1),
            Taker::After(user) => (true, (user << 1) | 1),
        };
        Self { scenario: scenario as u8 & 0x7f, outside, index: index as u32 }
    }
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) sender: Sender,
    /// Tokens of the sender before this one.
    pub(super) number: u16,
}

/// The tokens of one run.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// The mark and the key of the run, by which its tokens are found.
    start: String,
}

impl Tokens {
    /// Those of runs with this seed: the same seed gives the same requests.
    pub(super) fn new(seed: u64) -> Self {
        Self { start: format!("{MARK}{:08x}", mixed(seed) >> 32) }
    }

    /// The text of a token: letters and digits only, so that no format changes
    /// it and no server splits it.
    pub(super) fn text(&self, token: Token) -> String {
        let Token { sender, number } = token;
        let outside = u8::from(sender.outside);
        let scenario = (sender.scenario & 0x7f) | (outside << 7);
        let check = check(token);
        format!("{}{scenario:02x}{:08x}{number:04x}{check:06x}", self.start, sender.index)
    }

    /// The tokens in a text. What is cut off or changed is none.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Token> + 'a {
        memchr::memmem::find_iter(text, self.start.as_bytes()).filter_map(|at| {
            let from = at + self.start.len();
            parse(std::str::from_utf8(text.get(from..from + DIGITS)?).ok()?)
        })
    }
}

fn parse(digits: &str) -> Option<Token> {
    let part = |range: std::ops::Range<usize>| u32::from_str_radix(digits.get(range)?, 16).ok();
    let scenario = u8::try_from(part(0..2)?).ok()?;
    let sender = Sender { scenario: scenario & 0x7f, outside: scenario & 0x80 != 0, index: part(2..10)? };
    let token = Token { sender, number: u16::try_from(part(10..14)?).ok()? };
    (part(14..20)? == check(token)).then_some(token)
}

/// 24 bits that follow from all others.
fn check(Token { sender, number }: Token) -> u32 {
    let who = (u64::from(sender.scenario) << 1) | u64::from(sender.outside);
    let all = (u64::from(sender.index) << 32) | (who << 16) | u64::from(number);
    (mixed(all) & 0x00ff_ffff) as u32
}

/// Which senders a user has been.
#[derive(Debug, Default)]
pub(super) struct Past {
    senders: VecDeque<Sender>,
}

impl Past {
    /// The user is this sender from now on.
    pub(super) fn begin(&mut self, sender: Sender) {
        if self.senders.len() == REMEMBERED {
            self.senders.pop_front();
        }
        self.senders.push_back(sender);
    }

    fn has(&self, sender: Sender) -> bool {
        // The latest is looked for most often.
        self.senders.iter().rev().any(|own| *own == sender)
    }
}

/// What shows that `reply` does not answer a request with `params`, if anything
/// does; for a message.
pub(super) fn mixed_up(tokens: &Tokens, past: &Past, params: &[u8], reply: &[u8]) -> Option<String> {
    let found: Vec<Token> = tokens.find(reply).collect();
    if let Some(token) = found.iter().find(|token| !past.has(token.sender)) {
        return Some(format!("the answer carries {}, which {} sent", tokens.text(*token), who(token.sender)));
    }
    let sent: Vec<Token> = tokens.find(params).collect();
    let (other, own) = (found.iter().find(|token| !sent.contains(token))?, sent.first()?);
    if found.iter().any(|token| sent.contains(token)) {
        return None;
    }
    let (other, own) = (tokens.text(*other), tokens.text(*own));
    Some(format!("the answer carries {other}, which another request of the user sent, and not {own}"))
}

fn who(sender: Sender) -> String {
    let Sender { index, outside, .. } = sender;
    if outside { format!("user {} before or after its iterations", index >> 1) } else { format!("iteration {index}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Past, Sender, Token, Tokens, mixed_up};

    fn sender(index: u32) -> Sender {
        Sender { scenario: 1, outside: false, index }
    }

    fn token(index: u32, number: u16) -> Token {
        Token { sender: sender(index), number }
    }

    /// What is said of an answer to a user who is now iteration 7, after 5.
    fn said(params: &[Token], reply: &[Token]) -> Option<String> {
        let tokens = Tokens::new(1);
        let text = |list: &[Token]| list.iter().map(|token| format!("<{}>", tokens.text(*token))).collect::<String>();
        let mut past = Past::default();
        past.begin(sender(5));
        past.begin(sender(7));
        mixed_up(&tokens, &past, text(params).as_bytes(), text(reply).as_bytes())
    }

    #[test]
    fn an_answer_carries_the_tokens_of_its_user() {
        let (own, other, before, foreign) = (token(7, 0), token(7, 1), token(5, 0), token(6, 0));
        assert_eq!(said(&[own], &[own]), None);
        assert_eq!(said(&[own], &[]), None, "a server need not repeat anything");
        assert_eq!(said(&[own], &[before, own]), None, "a session may have a memory");
        assert_eq!(said(&[], &[before, own]), None);
        let wrong = said(&[own], &[foreign]).unwrap_or_default();
        assert!(wrong.ends_with("which iteration 6 sent"), "{wrong}");
        assert!(said(&[own], &[own, foreign]).is_some(), "what others sent is for others");
        assert!(said(&[], &[foreign]).is_some());
        let wrong = said(&[own], &[before]).unwrap_or_default();
        assert!(wrong.contains("another request of the user sent"), "{wrong}");
        assert!(said(&[own], &[other]).is_some());
    }

    #[test]
    fn what_is_cut_off_changed_or_of_another_run_is_no_token() {
        let tokens = Tokens::new(1);
        let text = tokens.text(token(6, 0));
        assert_eq!(tokens.find(text.as_bytes()).collect::<Vec<_>>(), [token(6, 0)]);
        for end in 0..text.len() {
            assert_eq!(tokens.find(&text.as_bytes()[..end]).count(), 0);
        }
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(tokens.find(&changed).count(), 0, "{at}");
        }
        assert_eq!(Tokens::new(2).find(text.as_bytes()).count(), 0);
    }

    #[test]
    fn a_user_forgets_what_it_sent_long_ago() {
        let mut past = Past::default();
        for index in 0..=1000 {
            past.begin(sender(index));
        }
        assert_eq!((past.has(sender(0)), past.has(sender(1)), past.has(sender(1000))), (false, true, true));
    }

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(
            seed: u64, scenario in 0_u8..128, outside: bool, index: u32, number: u16, around in "[ -~]{0,9}",
        ) {
            let (tokens, token) = (Tokens::new(seed), Token { sender: Sender { scenario, outside, index }, number });
            let text = format!("{around}{}{around}", tokens.text(token));
            prop_assert_eq!(tokens.find(text.as_bytes()).collect::<Vec<_>>(), [token]);
        }
    }
}
