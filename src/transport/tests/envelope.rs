use bytes::Bytes;
use proptest::prelude::*;

use crate::transport::envelope::{Message, Reply, Stranger, read};

fn read_str(text: &str) -> Message {
    read(Bytes::copy_from_slice(text.as_bytes()), 7)
}

fn reply(text: &str) -> Reply {
    match read_str(text) {
        Message::Reply(reply) => reply,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_result_is_found_and_kept_as_text() {
    let text = r#" {"id": 7, "result": {"a": [1,  2]} , "jsonrpc":"2.0"}"#;
    let reply = reply(text);
    assert_eq!(reply.result(), Some(r#"{"a": [1,  2]}"#));
    assert_eq!(reply.message(), text.as_bytes());
    assert_eq!(reply.error(), None);
    assert!(!reply.is_tool_error());
}

#[test]
fn a_reply_can_be_read_without_a_request() {
    let made = |text: &'static str| Reply::from_message(Bytes::from_static(text.as_bytes()));
    let reply = made(r#"{"id":42,"result":{"isError":true}}"#).unwrap();
    assert_eq!((reply.result(), reply.is_tool_error()), (Some(r#"{"isError":true}"#), true));
    assert_eq!(made(r#"{"id":0,"error":{"code":-1}}"#).unwrap().error().unwrap().code, -1);
    for (text, expected) in [
        ("x", "expected value at line 1 column 1"),
        (r#"{"result":{}}"#, "no numeric id"),
        (r#"{"id":"a","result":{}}"#, "no numeric id"),
        (r#"{"id":1}"#, "a response with neither result nor error"),
        (r#"{"id":1,"method":"m"}"#, "not a response"),
    ] {
        assert_eq!(made(text).unwrap_err(), expected);
    }
}

#[test]
fn our_id_is_recognised_as_number_and_as_string() {
    for id in ["7", "\"7\"", " 7 "] {
        reply(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[test]
fn other_ids_are_strangers() {
    let table = [
        ("8", Stranger::Number(8)),
        ("\"8\"", Stranger::Number(8)),
        ("7.0", Stranger::Other("7.0".into())),
        ("+7", Stranger::Other("+7".into())),
        ("-7", Stranger::Other("-7".into())),
        ("\"+7\"", Stranger::Other("\"+7\"".into())),
        ("\"x\"", Stranger::Other("\"x\"".into())),
        ("[7]", Stranger::Other("[7]".into())),
        ("99999999999999999999", Stranger::Other("99999999999999999999".into())),
    ];
    for (id, expected) in table {
        match read_str(&format!(r#"{{"id":{id},"result":{{}}}}"#)) {
            Message::Stranger(stranger) => assert_eq!(stranger, expected),
            // `+7` is not JSON in the first place.
            Message::Invalid(_) if id == "+7" => {}
            other => panic!("{id}: {other:?}"),
        }
    }
}

#[test]
fn an_error_needs_no_id() {
    for id in ["", r#""id":null,"#, r#""id":7,"#] {
        let reply = reply(&format!(r#"{{{id}"error":{{"code":-32602,"message":"no\nsuch","data":[1]}}}}"#));
        let error = reply.error().unwrap();
        assert_eq!((error.code, error.message.as_str()), (-32602, "no\nsuch"));
        assert_eq!(error.data, Some(serde_json::json!([1])));
        assert_eq!(error.to_string(), "no such (-32602)");
        assert_eq!(reply.result(), None);
    }
}

#[test]
fn an_error_with_the_id_of_another_request_is_not_ours() {
    assert!(matches!(read_str(r#"{"id":8,"error":{"code":1,"message":""}}"#), Message::Stranger(Stranger::Number(8))));
}

#[test]
fn tool_errors_are_results() {
    let table = [
        (r#"{"content":[{"isError":true}],"isError":false}"#, false),
        (r#"{"content":[],"isError":true}"#, true),
        (r#"{"isError":true}"#, true),
        (r#"{"isError":"true"}"#, false),
        (r#"{}"#, false),
        (r#"[true]"#, false),
        (r#""isError""#, false),
    ];
    for (result, expected) in table {
        let reply = reply(&format!(r#"{{"id":7,"result":{result}}}"#));
        assert_eq!(reply.is_tool_error(), expected, "{result}");
    }
}

#[test]
fn requests_and_notifications_are_told_apart() {
    match read_str(r#"{"jsonrpc":"2.0","id":"a\u0062","method":"ping"}"#) {
        Message::Request { id, method, params } => {
            assert_eq!((&*id, &*method, &*params), (r#""a\u0062""#, "ping", &b""[..]));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(read_str(r#"{"method":"notifications/message","params":{}}"#), Message::Notification(_)));
    assert!(matches!(
        read_str(r#"{"method":"m\u006f","id":0}"#),
        Message::Request { method, .. } if &*method == "mo"
    ));
}

#[test]
fn what_is_wrong_is_said() {
    let table = [
        ("", "an empty message"),
        ("hello", "text that is not JSON"),
        ("{\"id\":7", "text that is not JSON"),
        ("7", "JSON but not a JSON-RPC message"),
        ("[7", "text that is not JSON"),
        ("{\"id\":7,\"error\":[1,\"x\"]}", "not a JSON-RPC error object"),
        ("[{\"id\":7,\"result\":{}}]", "a JSON-RPC batch"),
        ("{}", "neither id nor method"),
        ("{\"id\":7}", "neither result nor error"),
        ("{\"id\":7,\"result\":null}", "neither result nor error"),
        ("{\"id\":7,\"result\":{},\"error\":{\"code\":1}}", "both result and error"),
        ("{\"id\":7,\"error\":\"boom\"}", "not a JSON-RPC error object: \"boom\""),
        ("{\"id\":7,\"error\":{\"message\":\"no code\"}}", "not a JSON-RPC error object"),
        ("{\"id\":7,\"id\":8,\"result\":{}}", "not a JSON-RPC message"),
        ("{\"id\":7,\"result\":{}} x", "text that is not JSON"),
    ];
    for (text, expected) in table {
        match read_str(text) {
            Message::Invalid(reason) => assert!(reason.contains(expected), "{text}: {reason}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(read(Bytes::from_static(b"{\"id\":7,\"result\":\"\xff\"}"), 7), Message::Invalid(_)));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(Bytes::from(bytes), 7);
    }

    #[test]
    fn almost_messages_do_not_either(text in r#"[{]("id"|"method"|"result"|"error"|"x"|[0-9]|null|:|,|[{}\[\]]| ){0,20}[}]"#) {
        if let Message::Reply(reply) = read_str(&text) {
            prop_assert!(reply.result().is_some() != reply.error().is_some());
            let _ = reply.is_tool_error();
        }
    }
}
