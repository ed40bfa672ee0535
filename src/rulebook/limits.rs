//! The limits of the server, each with its reason.

use std::time::Duration;

/// Rules in a library. Four digits name them all, so that ids sort as numbers
/// do, and a search that reads every rule stays in the milliseconds.
pub const MAX_RULES: usize = 9_999;

/// Changes that a subscriber may be behind; older ones are not told to it. What it
/// learns is only that a rule has changed, so the latest are enough.
pub const CHANGES_KEPT: usize = 1024;

/// Resources that one session may subscribe to: all of the largest library.
pub const MAX_SUBSCRIPTIONS: usize = MAX_RULES + 1;

/// Ids from which on a composition tells its progress, to whoever asks: below, it
/// would take longer to tell than to do.
pub const PROGRESS_FROM: usize = 100;

/// Ids in one composition: more than a person would pick by hand, few enough
/// that one request cannot occupy the server's core for long.
pub const MAX_COMPOSE_IDS: usize = 500;

/// Bytes of text in one composition. `put_rule` can make rules long, and the
/// answer carries the text twice (structured and as text).
pub const MAX_COMPOSITION_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a rule's text: several screens of Markdown, while a full library
/// of such rules still fits in memory.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Characters of a rule id, a tag or a prompt's language: they are names.
pub const MAX_NAME_CHARS: usize = 64;

/// Characters of a search query: every word of it is looked for in every rule.
pub const MAX_QUERY_CHARS: usize = 256;

/// Characters of a title that is taken from a text's first line.
pub const MAX_TITLE_CHARS: usize = 60;

/// Unknown ids named in one error text; the count of the rest is given.
pub const MAX_NAMED_UNKNOWN: usize = 5;

/// Rules listed, and the number when the caller gives none.
pub const MAX_LISTED: usize = 500;
/// See [`MAX_LISTED`].
pub const DEFAULT_LISTED: usize = 50;

/// Hits returned by a search, and the number when the caller gives none.
pub const MAX_HITS: usize = 100;
/// See [`MAX_HITS`].
pub const DEFAULT_HITS: usize = 10;

/// Resources on one page of `resources/list`: small enough that the default
/// library takes several pages and a client has to follow cursors.
pub const RESOURCES_PER_PAGE: usize = 50;

/// Bytes held by the composition cache, whatever its number of entries: long
/// rules must not turn a bound on entries into gigabytes.
pub const MAX_CACHE_BYTES: usize = 256 * 1024 * 1024;

/// Added latency, `latency + jitter`. Beyond it a slow server is a dead one;
/// sessions end after five idle minutes anyway.
pub const MAX_DELAY: Duration = Duration::from_secs(120);

/// Bytes that both leaks keep together: enough to see for minutes, not enough to
/// take the machine down.
pub const MAX_LEAK: usize = 1024 * 1024 * 1024;

/// The period of the fault `freeze`: a run of half a minute sees several.
pub const FREEZE_EVERY: Duration = Duration::from_secs(5);

/// How long the fault `slow_start` lasts from the first tool call on.
pub const SLOW_START: Duration = Duration::from_secs(5);

/// The period of the fault `bursts`, and how long each lasts: the last second of
/// every ten.
pub const BURST_EVERY: Duration = Duration::from_secs(10);
/// See [`BURST_EVERY`].
pub const BURST_LENGTH: Duration = Duration::from_secs(1);

/// Bytes of a request or an answer that the faults look into. Larger ones pass.
pub const MAX_LOOKED_INTO: usize = 8 * 1024 * 1024;

/// Connections that may wait to be accepted. A load test opens thousands at
/// once; tokio's default of 1,024 drops some, and the kernel then retries
/// after a full second, which would look like server latency.
pub const LISTEN_BACKLOG: u32 = 4096;

/// How long requests in flight may finish after the stop was asked for.
pub const DRAIN: Duration = Duration::from_millis(500);

/// How long open streams get to end after that, before they are abandoned.
pub const CLOSE: Duration = Duration::from_millis(500);
