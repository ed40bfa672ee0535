//! When a connection is used again, and when not.

use std::time::Duration;

use tokio::sync::oneshot;

use super::peer::{PATIENCE, SSE_END, SSE_HEAD, Server, chunk, echo, http, json, result, sse};
use crate::transport::{
    AnyConnector, Call, Client as _, Connector as _, Failure, HttpTarget, Revision, Target, open_sockets,
};
use crate::violation::Violation;

const MODERN: Revision = Revision::V2026_07_28;

#[tokio::test]
async fn one_connection_serves_all_calls() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let calls = async {
        let mut exchanges = Vec::new();
        for _ in 0..4 {
            exchanges.push(client.call(echo()).await);
        }
        exchanges
    };
    let (exchanges, _peer) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        peer.answer(json(&result(1))).await;
        peer.answer(sse(&format!("data: {}\n\n", result(2)))).await;
        peer.answer(http("500 Oops", "text/plain", "boom")).await;
        peer.answer(json(&result(4))).await;
        peer
    });
    let connected: Vec<_> = exchanges.iter().map(|exchange| exchange.connect.is_some()).collect();
    assert_eq!(connected, [true, false, false, false]);
    let answered: Vec<_> = exchanges.iter().map(|exchange| exchange.outcome.is_ok()).collect();
    assert_eq!(answered, [true, true, false, true]);
}

#[tokio::test]
async fn times_are_in_order_and_bytes_are_exact() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let answer = sse(&format!("data: {}\n\n", result(1)));
    let tail = SSE_END.len() as u64;
    let calls = async { (client.call(echo()).await, client.call(echo()).await) };
    let ((first, second), (requests, _peer)) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        let first = peer.answer(&answer).await;
        let second = peer.answer(json(&result(2))).await;
        ((first, second), peer)
    });
    let after = tokio::time::Instant::now();
    for exchange in [&first, &second] {
        let (written, first_byte) = (exchange.written.unwrap(), exchange.first_byte.unwrap());
        assert!(written <= first_byte && first_byte <= exchange.done);
        assert!(exchange.done <= after);
        assert_eq!(exchange.latency(), Some(exchange.done - written));
    }
    assert_eq!((first.bytes_out, second.bytes_out), (requests.0.size, requests.1.size));
    // The end of a stream counts where it is read.
    let total = answer.len() as u64 + json(&result(2)).len() as u64;
    assert_eq!(first.bytes_in + second.bytes_in, total);
    assert!(first.bytes_in >= answer.len() as u64 - tail);
}

#[tokio::test]
async fn the_cost_of_connecting_is_kept_apart() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let start = tokio::time::Instant::now();
    let (exchange, _) = tokio::join!(client.call(echo()), server.answer_once(json(&result(1))));
    assert!(start + exchange.connect.unwrap() <= exchange.written.unwrap());
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_replaced() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let (first, _) = tokio::join!(client.call(echo()), server.answer_once(json(&result(1))));
    assert!(first.outcome.is_ok());
    // The server's end is closed; this lets the runtime look at its sockets.
    tokio::task::yield_now().await;
    let (second, _) = tokio::join!(client.call(echo()), server.answer_once(json(&result(2))));
    assert!(second.outcome.is_ok());
    assert!(second.connect.is_some());
}

#[tokio::test]
async fn a_server_that_announces_the_end_of_the_connection_is_believed() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let closing = json(&result(1)).replace("Content-Type", "Connection: close\r\nContent-Type");
    let (first, _peer) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await;
        peer.answer(&closing).await;
        peer
    });
    assert!(first.outcome.is_ok());
    let (second, _) = tokio::join!(client.call(echo()), server.answer_once(json(&result(2))));
    assert!(second.outcome.is_ok());
    assert!(second.connect.is_some());
}

#[tokio::test]
async fn a_reused_connection_that_dies_without_a_byte_is_stale_and_nothing_is_sent_twice() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let (first, mut peer) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await;
        peer.answer(json(&result(1))).await;
        peer
    });
    assert!(first.outcome.is_ok());
    idle(Duration::from_secs(1)).await;
    let (second, ()) = tokio::join!(client.call(echo()), async {
        peer.request().await;
        drop(peer);
    });
    assert_eq!(second.connect, None);
    assert!(second.written.is_some());
    assert_eq!(second.outcome.unwrap_err(), Failure::Stale);
    // The next call is the next request: id 3, on a new connection.
    let (third, request) = tokio::join!(client.call(echo()), server.answer_once(json(&result(3))));
    assert!(third.outcome.is_ok());
    assert_eq!(request.json()["id"], 3);
}

/// Moves the clock on, as if nothing had happened for so long.
async fn idle(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_connection_that_was_hardly_idle_is_not_stale() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let calls = async {
        client.call(echo()).await.outcome.unwrap();
        client.call(echo()).await.outcome.unwrap_err()
    };
    let (failure, ()) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        peer.answer(json(&result(1))).await;
        peer.request().await;
    });
    assert_eq!(failure, Failure::Transport("the server closed the connection before answering".to_owned()));
}

#[tokio::test]
async fn a_reused_connection_that_dies_after_a_byte_is_not_stale() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let calls = async {
        client.call(echo()).await.outcome.unwrap();
        idle(Duration::from_secs(5)).await;
        client.call(echo()).await.outcome.unwrap_err()
    };
    let (failure, ()) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        peer.answer(json(&result(1))).await;
        peer.answer("H").await;
    });
    assert_eq!(failure.to_string(), "the server closed the connection in the middle of its answer");
}

#[tokio::test]
async fn messages_after_the_response_are_violations_of_the_next_exchange() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let stream = format!("data: {0}\n\ndata: {0}\n\nevent: ping\ndata: x\n\ndata: {{\"method\":\"n\"}}\n\n", result(1));
    let calls = async { (client.call(echo()).await, client.call(echo()).await) };
    let ((first, second), _peer) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        peer.answer(sse(&stream)).await;
        peer.answer(json(&result(2))).await;
        peer
    });
    assert_eq!((first.violations.count(), second.violations.count()), (0, 2));
    for kind in [Violation::DuplicateResponse, Violation::AfterResponse] {
        assert_eq!(second.violations.of(kind), 1, "{kind}");
    }
    assert_eq!(second.connect, None);
}

#[tokio::test]
async fn a_sample_ends_at_its_message_and_the_end_of_the_stream_may_come_later() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let (answered, answer) = oneshot::channel();
    let calls = async {
        let first = client.call(echo()).await;
        answered.send(()).unwrap();
        (first, client.call(echo()).await)
    };
    let ((first, second), _peer) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(format!("{SSE_HEAD}{}", chunk(&format!("data: {}\n\n", result(1))))).await;
        // The client has its sample before the stream ends, and time to ask
        // whether it has.
        answer.await.unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        peer.send(SSE_END).await;
        peer.answer(json(&result(2))).await;
        peer
    });
    assert!(first.outcome.is_ok() && second.outcome.is_ok());
    assert_eq!(second.connect, None);
}

#[tokio::test]
async fn a_stream_that_does_not_end_is_left_behind() {
    for flood in [false, true] {
        let server = Server::start().await;
        let mut client = server.client(MODERN);
        let (first, mut peer) = tokio::join!(client.call(echo()), async {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.send(format!("{SSE_HEAD}{}", chunk(&format!("data: {}\n\n", result(1))))).await;
            if flood {
                // It does end, but after more than anybody would wait for.
                peer.send(chunk(&": comment\n".repeat(10_000)) + SSE_END).await;
            }
            peer
        });
        assert!(first.outcome.is_ok());
        assert_eq!(first.drain, Duration::ZERO);
        let (second, _) = tokio::join!(client.call(echo()), server.answer_once(json(&result(2))));
        assert!(second.outcome.is_ok());
        assert!(second.connect.is_some());
        assert!(second.drain > Duration::ZERO && second.drain < PATIENCE);
        assert!(peer.is_closed().await);
    }
}

#[tokio::test]
async fn a_dropped_call_costs_its_connection_only() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let mut peer = {
        let call = client.call(echo());
        tokio::select! {
            _ = call => panic!("nobody answers"),
            peer = async {
                let mut peer = server.accept().await;
                peer.request().await;
                peer
            } => peer,
        }
    };
    assert!(peer.is_closed().await);
    let (second, _) = tokio::join!(client.call(echo()), server.answer_once(json(&result(2))));
    assert!(second.outcome.is_ok());
    assert!(second.connect.is_some());
}

/// A port on which nobody listens.
async fn closed_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn client_of(url: &str) -> crate::transport::AnyClient {
    let target = Target::Http(HttpTarget::parse(url, Vec::new()).unwrap());
    AnyConnector::new(&target, MODERN).client()
}

#[tokio::test]
async fn a_refused_connection_says_by_whom() {
    let port = closed_port().await;
    let mut client = client_of(&format!("http://127.0.0.1:{port}/mcp"));
    let exchange = client.call(echo()).await;
    assert_eq!((exchange.written, exchange.bytes_out, exchange.status), (None, 0, None));
    let failure = exchange.outcome.unwrap_err();
    assert_eq!(failure.to_string(), format!("connection refused by 127.0.0.1:{port}"));
    assert_eq!(failure.class(), "connect");
    let error = client.open().await.unwrap_err();
    assert_eq!(error.to_string(), failure.to_string());
    assert_eq!(error.class(), "connect");
}

#[tokio::test]
async fn the_timeout_of_a_call_covers_its_connection() {
    // A listener that accepts nothing more, once its queue is full.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(50), tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 64, "the queue has no end");
    }
    let mut client = client_of(&format!("http://{address}/"));
    let call = Call { timeout: Duration::from_millis(30), ..echo() };
    let exchange = client.call(call).await;
    match exchange.outcome.unwrap_err() {
        Failure::Connect(reason) => {
            assert!(reason.starts_with(&format!("no connection to {address} within ")), "{reason}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn parameters_must_be_an_object() {
    let mut client = client_of("http://127.0.0.1:9/");
    let call = Call { params: b"[1]", ..echo() };
    let exchange = client.call(call).await;
    assert_eq!(exchange.outcome.unwrap_err().class(), "protocol");
}

#[tokio::test]
async fn sockets_are_counted_while_they_are_open() {
    let server = Server::start().await;
    assert_eq!(open_sockets(), 0);
    let (mut first, mut second) = (server.client(MODERN), server.client(MODERN));
    let (exchange, mut peer) = tokio::join!(first.call(echo()), async {
        let mut peer = server.accept().await;
        peer.answer(json(&result(1))).await;
        peer
    });
    assert!(exchange.outcome.is_ok());
    assert_eq!(open_sockets(), 1);
    let (exchange, _other) = tokio::join!(second.call(echo()), async {
        let mut peer = server.accept().await;
        peer.answer(json(&result(1))).await;
        peer
    });
    assert!(exchange.outcome.is_ok());
    assert_eq!(open_sockets(), 2);
    // A server that ends the connection takes the socket along.
    let (exchange, ()) = tokio::join!(first.call(echo()), async {
        peer.request().await;
        drop(peer);
    });
    assert!(exchange.outcome.is_err());
    assert_eq!(open_sockets(), 1);
    drop(second);
    assert_eq!(open_sockets(), 0);
}
