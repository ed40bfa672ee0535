//! Whether a response is what its method and revision ask for, as far as that is
//! seen for the price of looking.
//!
//! Source: the schemas of the revisions (`schema/*/schema.ts` of the
//! specification). What is checked is checked of each response.

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::Reply;
use super::exchange::{Call, Tasks};
use crate::violation::{Violation, Violations};

/// Codes that MCP 2026-07-28 keeps for later versions of itself.
const RESERVED_CODES: std::ops::RangeInclusive<i64> = -32099..=-32023;

/// What the top level of a result says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skim {
    /// `isError: true`
    pub(super) is_error: bool,
    /// Members that are there and of their JSON type, as bits of [`Member`].
    members: u16,
    /// `resultType` is there and says that this is the whole result.
    complete: bool,
    /// It says that the server wants to know something first.
    pub(super) wants_input: bool,
    /// It says that there will be a result, and how to ask for it (2026-07-28).
    pub(super) is_task: bool,
}

/// Members of results that a revision asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Member {
    IsError,
    ResultType,
    Content,
    Contents,
    Messages,
    Tools,
    Resources,
    ResourceTemplates,
    Prompts,
    Completion,
    TtlMs,
    CacheScope,
    Task,
    #[serde(other)]
    Other,
}

impl Member {
    const fn name(self) -> &'static str {
        match self {
            Member::IsError => "isError",
            Member::ResultType => "resultType",
            Member::Content => "content",
            Member::Contents => "contents",
            Member::Messages => "messages",
            Member::Tools => "tools",
            Member::Resources => "resources",
            Member::ResourceTemplates => "resourceTemplates",
            Member::Prompts => "prompts",
            Member::Completion => "completion",
            Member::TtlMs => "ttlMs",
            Member::CacheScope => "cacheScope",
            Member::Task => "task",
            Member::Other => "",
        }
    }

    /// Whether a value that begins with this byte may be its own.
    const fn may_begin_with(self, byte: u8) -> bool {
        match self {
            Member::IsError => matches!(byte, b't' | b'f'),
            Member::ResultType | Member::CacheScope => byte == b'"',
            Member::Completion | Member::Task => byte == b'{',
            Member::TtlMs => byte.is_ascii_digit(),
            Member::Other => true,
            _ => byte == b'[',
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The member that a result of this method consists of.
    fn required(method: &str) -> Option<Member> {
        Some(match method {
            // What a call comes to, by whatever way.
            "tools/call" | "tasks/result" => Member::Content,
            "resources/read" => Member::Contents,
            "prompts/get" => Member::Messages,
            "tools/list" => Member::Tools,
            "resources/list" => Member::Resources,
            "resources/templates/list" => Member::ResourceTemplates,
            "prompts/list" => Member::Prompts,
            "completion/complete" => Member::Completion,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Skim {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Skim, D::Error> {
        struct Top;
        impl<'de> Visitor<'de> for Top {
            type Value = Skim;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Skim, A::Error> {
                let mut skim = Skim::default();
                while let Some(member) = map.next_key::<Member>()? {
                    if member == Member::Other {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let value = map.next_value::<&RawValue>()?.get();
                    if value.bytes().next().is_some_and(|byte| member.may_begin_with(byte)) {
                        skim.members |= member.bit();
                    }
                    match member {
                        Member::IsError => skim.is_error = value == "true",
                        Member::ResultType => {
                            skim.complete = value == r#""complete""#;
                            skim.wants_input = value == r#""input_required""#;
                            skim.is_task = value == r#""task""#;
                        }
                        _ => {}
                    }
                }
                Ok(skim)
            }
        }
        deserializer.deserialize_map(Top)
    }
}

impl Skim {
    const fn has(self, member: Member) -> bool {
        self.members & member.bit() != 0
    }

    /// Whether a task stands in it, as in the answers of 2025-11-25. A result that has
    /// content is a result, whatever else it has.
    pub(super) const fn holds_task(self) -> bool {
        self.has(Member::Task) && !self.has(Member::Content) && !self.has(Member::ResultType)
    }
}

/// Notes what is wrong with the response to a request. `modern`: the revision is
/// 2026-07-28.
pub(super) fn check(reply: &Reply, call: &Call<'_>, modern: bool, violations: &mut Violations) {
    let method = call.method;
    if !reply.is_jsonrpc_2() {
        violations.note(Violation::JsonrpcMember, || format!("the response to {method}"));
    }
    if let Some(error) = reply.error() {
        if modern && RESERVED_CODES.contains(&error.code) {
            violations.note(Violation::ReservedCode, || format!("{method} failed with the code {}", error.code));
        }
        return;
    }
    let skim = reply.skim();
    // A request for input, or a task, is a result of another shape.
    let complete = skim.complete || !skim.has(Member::ResultType);
    let handle = call.tasks != Tasks::Unsaid && skim.holds_task();
    if complete && !handle {
        check_shape(reply, method, violations);
    }
    if !modern {
        return;
    }
    if !skim.has(Member::ResultType) {
        violations.note(Violation::ResultType, || format!("the result of {method}"));
    }
    if complete && (method.ends_with("/list") || matches!(method, "resources/read" | "server/discover")) {
        let missing = [Member::TtlMs, Member::CacheScope].into_iter().find(|member| !skim.has(*member));
        if let Some(member) = missing {
            violations.note(Violation::CacheHints, || format!("the result of {method} has no `{}`", member.name()));
        }
    }
}

/// Notes what a result of this method lacks to be one.
pub(super) fn check_shape(reply: &Reply, method: &str, violations: &mut Violations) {
    if let Some(member) = Member::required(method).filter(|member| !reply.skim().has(*member)) {
        violations
            .note(Violation::ResultShape, || format!("the result of {method} has no `{}` of its kind", member.name()));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::envelope::Reply;
    use super::super::exchange::Call;
    use super::check;
    use crate::violation::{Violation, Violations};

    fn found(method: &str, modern: bool, message: &str) -> Vec<Violation> {
        let reply = Reply::from_message(Bytes::copy_from_slice(message.as_bytes())).unwrap();
        let mut violations = Violations::default();
        check(&reply, &Call { method, ..Call::default() }, modern, &mut violations);
        violations.found().iter().map(|found| found.kind).collect()
    }

    fn of_result(method: &str, modern: bool, result: &str) -> Vec<Violation> {
        found(method, modern, &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#))
    }

    #[test]
    fn what_each_revision_asks_for() {
        use Violation::{CacheHints, ResultShape, ResultType};
        let table: [(&str, bool, &str, &[Violation]); 16] = [
            ("tools/call", false, r#"{"content":[]}"#, &[]),
            ("tools/call", false, r#"{}"#, &[ResultShape]),
            ("tools/call", false, r#"{"content":{}}"#, &[ResultShape]),
            ("tools/call", true, r#"{"resultType":"complete","content":[]}"#, &[]),
            ("tools/call", true, r#"{"content":[]}"#, &[ResultType]),
            ("tools/call", true, r#"{"resultType":"input_required","inputRequests":{}}"#, &[]),
            ("tools/call", true, r#"{"resultType":"complete"}"#, &[ResultShape]),
            ("tools/list", false, r#"{"tools":[]}"#, &[]),
            ("tools/list", true, r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"public"}"#, &[]),
            ("tools/list", true, r#"{"resultType":"complete","tools":[],"ttlMs":0}"#, &[CacheHints]),
            ("resources/read", true, r#"{"resultType":"complete","contents":[]}"#, &[CacheHints]),
            ("resources/templates/list", false, r#"{"resourceTemplates":[]}"#, &[]),
            ("prompts/get", false, r#"{"messages":"none"}"#, &[ResultShape]),
            ("completion/complete", false, r#"{"completion":{"values":[]}}"#, &[]),
            ("their/own", false, r#"{}"#, &[]),
            ("their/own", true, r#"[]"#, &[ResultType]),
        ];
        for (method, modern, result, expected) in table {
            assert_eq!(of_result(method, modern, result), expected, "{method} {result}");
        }
    }

    #[test]
    fn the_envelope_and_its_errors() {
        let error = |code: i64| format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":""}}}}"#);
        assert_eq!(found("x", true, &error(-32050)), [Violation::ReservedCode]);
        assert_eq!(found("x", true, &error(-32022)), []);
        assert_eq!(found("x", false, &error(-32050)), [], "legacy servers may use it");
        assert_eq!(found("x", false, r#"{"id":1,"result":{}}"#), [Violation::JsonrpcMember]);
        assert_eq!(found("x", false, r#"{"jsonrpc":2.0,"id":1,"result":{}}"#), [Violation::JsonrpcMember]);
    }
}
