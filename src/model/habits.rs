//! The statements of a scenario that say how its clients behave.

use super::lower::Lowering;
use super::scenario::first;
use super::server::ServerItem;
use crate::diag::errors;
use crate::plan::{Endpoint, Habits, Ids, LostSession, Server, Target};
use crate::syntax::ast;
use crate::text::Span;

/// The one revision of which a server may be known to have no sessions.
const MODERN: &str = "2026-07-28";

/// What a scenario says of its clients.
#[derive(Default)]
pub(super) struct Draft {
    hold_stream: Option<(bool, Span)>,
    lost_session: Option<(LostSession, Span)>,
    /// With the spans of the statement and of its word.
    ids: Option<(Ids, Span, Span)>,
}

impl Draft {
    /// `hold stream on`
    pub(super) fn hold_stream(&mut self, lowering: &mut Lowering<'_>, item: &ast::Attr) -> Option<()> {
        first(lowering, "hold stream", item.span(), self.hold_stream.map(|(_, span)| span))?;
        self.hold_stream = Some((lowering.switch(&item.value()?)?, item.span()));
        Some(())
    }

    /// `lost session renew`
    pub(super) fn lost_session(&mut self, lowering: &mut Lowering<'_>, item: &ast::WordStmt) -> Option<()> {
        first(lowering, "lost session", item.span(), self.lost_session.map(|(_, span)| span))?;
        let words = [("fail", LostSession::Fail), ("renew", LostSession::Renew)];
        let chosen = choice(lowering, &item.word()?, "way to go on without a session", &words)?;
        self.lost_session = Some((chosen, item.span()));
        Some(())
    }

    /// `ids text`
    pub(super) fn ids(&mut self, lowering: &mut Lowering<'_>, item: &ast::WordStmt) -> Option<()> {
        first(lowering, "ids", item.span(), self.ids.map(|(_, span, _)| span))?;
        let word = item.word()?;
        let words = [("counting", Ids::Counting), ("constant", Ids::Constant), ("text", Ids::Text)];
        let chosen = choice(lowering, &word, "kind of ids", &words)?;
        self.ids = Some((chosen, item.span(), word.span()));
        Some(())
    }

    /// Whether streams are held, and the other habits; `None` after saying what does
    /// not go together with the servers that are targeted in `target`.
    pub(super) fn finish(
        &self,
        lowering: &mut Lowering<'_>,
        servers: &[&ServerItem],
        target: Span,
    ) -> Option<(bool, Habits)> {
        let reach = Reach::of(servers);
        let mut whole = true;
        if let Some(reach) = &reach {
            let on = self.hold_stream.filter(|(on, _)| *on).map(|(_, span)| ("hold stream on", span));
            let lost = self.lost_session.map(|(_, span)| ("lost session", span));
            for (what, span) in on.into_iter().chain(lost).filter(|_| !reach.sessions) {
                let why = "only Streamable HTTP up to 2025-11-25 has sessions with an id and a stream";
                let help = format!("remove `{what}`");
                lowering.out.push(errors::load::no_effect(what, "on these servers", why, &help, span, target));
                whole = false;
            }
            if let Some((Ids::Constant, span, word)) = self.ids
                && let Some(channel) = &reach.channel
            {
                lowering.out.push(errors::load::ids_alike(channel, span, target, word));
                whole = false;
            }
        }
        whole.then(|| {
            let habits = Habits {
                lost_session: self.lost_session.map_or_else(LostSession::default, |(lost, _)| lost),
                ids: self.ids.map_or_else(Ids::default, |(ids, ..)| ids),
            };
            (self.hold_stream.is_some_and(|(on, _)| on), habits)
        })
    }
}

/// What the servers of a scenario have.
struct Reach {
    /// Whether any may have sessions with an id, and the stream that goes with them.
    sessions: bool,
    /// The first whose answers all come over one channel.
    channel: Option<String>,
}

impl Reach {
    /// `None` where a server is broken.
    fn of(servers: &[&ServerItem]) -> Option<Reach> {
        let plans: Vec<&Server> = servers.iter().map(|server| server.plan.as_ref()).collect::<Option<_>>()?;
        let channel = plans.iter().find(|server| !is_streamable(server)).map(|server| server.name.clone());
        let sessions = plans.iter().any(|server| is_streamable(server) && !is_modern(server));
        Some(Reach { sessions, channel })
    }
}

/// Whether a server is reached over Streamable HTTP.
fn is_streamable(server: &Server) -> bool {
    matches!(server.endpoint, Endpoint::Http { .. } | Endpoint::Builtin { stdio: false, .. })
}

/// Whether a server is spoken to in the revision without sessions and in no other.
fn is_modern(server: &Server) -> bool {
    let shares = &server.revisions;
    server.protocol.as_deref() == Some(MODERN)
        || !shares.is_empty() && shares.iter().all(|share| share.revision == MODERN)
}

/// The servers that are targeted, each once.
pub(super) fn targeted<'s>(servers: &'s [ServerItem], targets: &[Target]) -> Vec<&'s ServerItem> {
    targets.iter().filter_map(|target| servers.get(target.server)).collect()
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
