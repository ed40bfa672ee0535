//! The statements of a scenario that say how its clients behave.

use super::flow::FlowItem;
use super::lower::Lowering;
use super::persona::{self, Habit, PERSONAS, Persona};
use super::request::DEFAULT_PAGES;
use super::scenario::{first, whole_slots};
use super::server::ServerItem;
use crate::diag::errors;
use crate::plan::{
    self, Endpoint, Flow, Habits, Ids, ListBeforeCall, LostSession, Method, Request, Server, Sessions, Step, Target,
};
use crate::syntax::ast;
use crate::text::Span;
use crate::units::Dimension;

/// The one revision of which a server may be known to have no sessions.
const MODERN: &str = "2026-07-28";

/// What a scenario says of its clients.
#[derive(Default)]
pub(super) struct Draft {
    sessions: Option<(Sessions, Span)>,
    close: Option<(f64, Span)>,
    hold_stream: Option<(bool, Span)>,
    lost_session: Option<(LostSession, Span)>,
    /// With the spans of the statement and of its word.
    ids: Option<(Ids, Span, Span)>,
    list_before_call: Option<(f64, Span)>,
    persona: Option<(&'static Persona, Span)>,
}

/// What the clients of a scenario do.
pub(super) struct Settled {
    pub(super) sessions: Sessions,
    pub(super) close: f64,
    pub(super) hold_stream: bool,
    pub(super) habits: Habits,
}

impl Draft {
    /// `sessions per user`
    pub(super) fn sessions_per(&mut self, lowering: &mut Lowering<'_>, item: &ast::WordStmt) -> Option<()> {
        first(lowering, "sessions", item.span(), self.sessions.map(|(_, span)| span))?;
        let words = [("user", Sessions::PerUser), ("iteration", Sessions::PerIteration), ("call", Sessions::PerCall)];
        let chosen = choice(lowering, &item.word()?, "owner of sessions", &words)?;
        self.sessions = Some((chosen, item.span()));
        Some(())
    }

    /// `sessions shared 10`
    pub(super) fn sessions_shared(&mut self, lowering: &mut Lowering<'_>, item: &ast::Attr) -> Option<()> {
        first(lowering, "sessions", item.span(), self.sessions.map(|(_, span)| span))?;
        let count = lowering.whole_number(&item.value()?, 1.0)?;
        self.sessions = Some((Sessions::Shared(count), item.span()));
        Some(())
    }

    /// `close 90%`
    pub(super) fn close(&mut self, lowering: &mut Lowering<'_>, item: &ast::Attr) -> Option<()> {
        first(lowering, "close", item.span(), self.close.map(|(_, span)| span))?;
        self.close = Some((lowering.quantity_attr(item, Dimension::Share, 0.0)?, item.span()));
        Some(())
    }

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

    /// `list before call 50%`
    pub(super) fn list_before_call(&mut self, lowering: &mut Lowering<'_>, item: &ast::Attr) -> Option<()> {
        first(lowering, "list before call", item.span(), self.list_before_call.map(|(_, span)| span))?;
        let share = lowering.quantity_attr(item, Dimension::Share, 0.0)?;
        // Whatever a bag can hold exactly.
        whole_slots(lowering, &[(share, item.span())])?;
        self.list_before_call = Some((share, item.span()));
        Some(())
    }

    /// `persona "NAME"`
    pub(super) fn persona(&mut self, lowering: &mut Lowering<'_>, item: &ast::Attr) -> Option<()> {
        first(lowering, "persona", item.span(), self.persona.map(|(_, span)| span))?;
        let value = item.value()?;
        let name = lowering.said_text(&value, "the name of a client", "specification")?;
        let Some(persona) = persona::find(&name) else {
            let known: Vec<String> = PERSONAS.iter().map(|persona| format!("\"{}\"", persona.name)).collect();
            lowering.out.push(errors::names::unknown_word("persona", &format!("\"{name}\""), value.span(), &known));
            return None;
        };
        self.persona = Some((persona, item.span()));
        Some(())
    }

    /// What the clients do: what is stated, then what the persona does, then what is
    /// usual. `None` after saying which statement does not go together with the
    /// servers that are targeted in `target`.
    pub(super) fn finish(
        &self,
        lowering: &mut Lowering<'_>,
        servers: &[&ServerItem],
        target: Span,
        (flows, scenario): (&mut Vec<FlowItem>, &str),
    ) -> Option<Settled> {
        let reach = Reach::of(servers);
        if let Some(reach) = &reach {
            self.check(lowering, reach, target)?;
        }
        let mut own = Own {
            sessions: self.sessions.map(|(sessions, _)| sessions),
            close: self.close.map(|(share, _)| share),
            hold_stream: self.hold_stream.map(|(on, _)| on),
            lost_session: self.lost_session.map(|(lost, _)| lost),
            ids: self.ids.map(|(ids, ..)| ids),
            list_before_call: self.list_before_call.map(|(share, _)| share),
        };
        let persona = self.persona.map(|(persona, _)| {
            let habits = persona.habits.iter().map(|observed| observed.habit);
            let left_out = habits.filter(|habit| !own.adopt(*habit, reach.as_ref())).map(|habit| habit.statement());
            plan::Persona { name: persona.name.to_owned(), left_out: left_out.collect() }
        });
        let share = own.list_before_call.filter(|share| *share > 0.0);
        let list_before_call = share.and_then(|share| {
            let slots = whole_slots(lowering, &[(share, target), (1.0 - share, target)])?;
            let flow = flows.len();
            flows.push(lists(scenario));
            Some(ListBeforeCall { flow, slots: *slots.first()?, of: slots.iter().sum() })
        });
        Some(Settled {
            sessions: own.sessions.unwrap_or_default(),
            close: own.close.unwrap_or(1.0),
            hold_stream: own.hold_stream.unwrap_or_default(),
            habits: Habits {
                lost_session: own.lost_session.unwrap_or_default(),
                ids: own.ids.unwrap_or_default(),
                list_before_call,
                persona,
            },
        })
    }

    /// `None` after saying which statement means nothing with these servers.
    fn check(&self, lowering: &mut Lowering<'_>, reach: &Reach, target: Span) -> Option<()> {
        let mut whole = true;
        let on = self.hold_stream.filter(|(on, _)| *on).map(|(_, span)| ("hold stream on", span));
        let lost = self.lost_session.map(|(_, span)| ("lost session", span));
        for (what, span) in on.into_iter().chain(lost).filter(|_| !reach.sessions) {
            let why = "only Streamable HTTP up to 2025-11-25 has sessions with an id and a stream";
            let help = format!("remove `{what}`");
            lowering.out.push(errors::load::no_effect(what, "on these servers", why, &help, span, target));
            whole = false;
        }
        if let (Some((Ids::Constant, span, word)), Some(channel)) = (self.ids, &reach.channel) {
            lowering.out.push(errors::load::ids_alike(channel, span, target, word));
            whole = false;
        }
        whole.then_some(())
    }
}

/// What a scenario states, and what it takes over from a persona.
struct Own {
    sessions: Option<Sessions>,
    close: Option<f64>,
    hold_stream: Option<bool>,
    lost_session: Option<LostSession>,
    ids: Option<Ids>,
    list_before_call: Option<f64>,
}

impl Own {
    /// Takes a habit over unless another is stated. Returns whether it means
    /// something with the servers.
    fn adopt(&mut self, habit: Habit, reach: Option<&Reach>) -> bool {
        let sessions = reach.is_none_or(|reach| reach.sessions);
        let channel = reach.is_some_and(|reach| reach.channel.is_some());
        match habit {
            Habit::Sessions(scope) => self.sessions = self.sessions.or(Some(scope)),
            Habit::Close(share) => self.close = self.close.or(Some(share)),
            Habit::HoldStream(_) | Habit::LostSession(_) if !sessions => return false,
            Habit::HoldStream(on) => self.hold_stream = self.hold_stream.or(Some(on)),
            Habit::LostSession(lost) => self.lost_session = self.lost_session.or(Some(lost)),
            Habit::Ids(Ids::Constant) if channel => return self.ids.is_some(),
            Habit::Ids(ids) => self.ids = self.ids.or(Some(ids)),
            Habit::ListBeforeCall(share) => self.list_before_call = self.list_before_call.or(Some(share)),
        }
        true
    }
}

/// The flow that lists the tools and does nothing else.
fn lists(scenario: &str) -> FlowItem {
    let method = Method::List { method: "tools/list".to_owned(), pages: DEFAULT_PAGES };
    let steps = vec![Step::Request(Box::new(Request::new(0, "tools/list", method)))];
    let name = format!("{scenario}: list before call");
    FlowItem { plan: Some(Flow { name: name.clone(), doc: None, steps, locals: 0 }), name }
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
