//! Known clients: what each was seen to do, and where that is written down.

use crate::plan::{Ids, LostSession, Sessions};
use crate::units::percent;

/// A client that `persona "NAME"` imitates.
#[derive(Clone, Copy, Debug)]
pub struct Persona {
    /// Its name in a file.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// What it does, as far as the language can say so.
    pub habits: &'static [Observed],
}

/// One habit and its sources.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// The habit.
    pub habit: Habit,
    /// When the latest of the sources was written, as year and month.
    pub seen: &'static str,
    /// Addresses of what says so.
    pub sources: &'static [&'static str],
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Habit {
    /// What has a session of its own.
    Sessions(Sessions),
    /// Share of sessions that are ended properly.
    Close(f64),
    /// Whether the stream of notifications is held open.
    HoldStream(bool),
    /// What happens without a session.
    LostSession(LostSession),
    /// How requests are numbered.
    Ids(Ids),
    /// In which share of iterations tools are listed before the first call.
    ListBeforeCall(f64),
}

impl Habit {
    /// The statement that says the same.
    #[must_use]
    pub fn statement(&self) -> String {
        match self {
            Habit::Sessions(Sessions::PerUser) => "sessions per user".to_owned(),
            Habit::Sessions(Sessions::PerIteration) => "sessions per iteration".to_owned(),
            Habit::Sessions(Sessions::PerCall) => "sessions per call".to_owned(),
            Habit::Sessions(Sessions::Shared(count)) => format!("sessions shared {count}"),
            Habit::Close(share) => format!("close {}", percent(*share)),
            Habit::HoldStream(on) => format!("hold stream {}", if *on { "on" } else { "off" }),
            Habit::LostSession(LostSession::Fail) => "lost session fail".to_owned(),
            Habit::LostSession(LostSession::Renew) => "lost session renew".to_owned(),
            Habit::Ids(Ids::Counting) => "ids counting".to_owned(),
            Habit::Ids(Ids::Constant) => "ids constant".to_owned(),
            Habit::Ids(Ids::Text) => "ids text".to_owned(),
            Habit::ListBeforeCall(share) => format!("list before call {}", percent(*share)),
        }
    }
}

/// All of them, as `docs/personas.md` lists them.
pub const PERSONAS: &[Persona] = &[
    Persona {
        name: "specification",
        about: "a client that does what the specification (up to 2025-11-25) says",
        habits: &[
            Observed { habit: Habit::Sessions(Sessions::PerUser), seen: "2025-11", sources: &[SESSIONS] },
            Observed { habit: Habit::Close(1.0), seen: "2025-11", sources: &[SESSIONS] },
            Observed { habit: Habit::LostSession(LostSession::Renew), seen: "2025-11", sources: &[SESSIONS] },
            Observed {
                habit: Habit::Ids(Ids::Counting),
                seen: "2025-11",
                sources: &["https://modelcontextprotocol.io/specification/2025-11-25/basic#requests"],
            },
        ],
    },
    Persona {
        name: "claude.ai",
        about: "the connector of claude.ai, on the web, the desktop and phones",
        habits: &[
            Observed {
                habit: Habit::Sessions(Sessions::PerCall),
                seen: "2026-08",
                sources: &["https://github.com/anthropics/claude-ai-mcp/issues/583"],
            },
            Observed {
                habit: Habit::Ids(Ids::Constant),
                seen: "2026-08",
                sources: &[
                    "https://github.com/anthropics/claude-ai-mcp/issues/539",
                    "https://github.com/Epistates/turbomcp/issues/25",
                ],
            },
        ],
    },
    Persona {
        name: "ChatGPT",
        about: "the connector of ChatGPT (`openai-mcp/1.0.0`); one iteration is one batch of calls",
        habits: &[
            Observed { habit: Habit::Sessions(Sessions::PerIteration), seen: "2026-02", sources: &[CHATGPT] },
            Observed { habit: Habit::Close(0.0), seen: "2026-02", sources: &[CHATGPT] },
            Observed { habit: Habit::ListBeforeCall(1.0), seen: "2026-02", sources: &[CHATGPT] },
        ],
    },
    Persona {
        name: "Claude Code",
        about: "Claude Code",
        habits: &[
            Observed {
                habit: Habit::HoldStream(true),
                seen: "2026-03",
                sources: &["https://github.com/anthropics/claude-code/issues/38631"],
            },
            Observed {
                habit: Habit::LostSession(LostSession::Fail),
                seen: "2026-07",
                sources: &[
                    "https://github.com/anthropics/claude-code/issues/62008",
                    "https://github.com/anthropics/claude-code/issues/75976",
                ],
            },
        ],
    },
    Persona {
        name: "Codex",
        about: "Codex",
        habits: &[
            Observed {
                habit: Habit::HoldStream(true),
                seen: "2026-09",
                sources: &["https://github.com/openai/codex/issues/41600"],
            },
            Observed {
                habit: Habit::LostSession(LostSession::Fail),
                seen: "2026-02",
                sources: &["https://github.com/openai/codex/issues/10338"],
            },
        ],
    },
    Persona {
        name: "Cursor",
        about: "Cursor",
        habits: &[
            Observed {
                habit: Habit::HoldStream(true),
                seen: "2026-08",
                sources: &[
                    "https://github.com/render-oss/render-mcp-server/issues/26",
                    "https://github.com/punkpeye/mcp-proxy/pull/62",
                ],
            },
            Observed {
                habit: Habit::LostSession(LostSession::Fail),
                seen: "2025-09",
                sources: &[
                    "https://github.com/cursor/cursor/issues/3640",
                    "https://github.com/cursor/cursor/issues/2998",
                ],
            },
        ],
    },
    Persona {
        name: "Python SDK",
        about: "clients made with the Python SDK",
        habits: &[Observed {
            habit: Habit::LostSession(LostSession::Fail),
            seen: "2025-12",
            sources: &["https://github.com/modelcontextprotocol/python-sdk/issues/1676"],
        }],
    },
];

/// "Session Management": DELETE at the end, a new session after 404.
const SESSIONS: &str = "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management";

/// A session, a list of tools and a token for each batch of calls; 78 sessions of
/// one user left behind.
const CHATGPT: &str = "https://github.com/openai/openai-apps-sdk-examples/issues/201";

/// The persona of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Persona> {
    PERSONAS.iter().find(|persona| persona.name == name)
}
