//! Subscriptions to a resource over stdio, where all comes in one channel.

use std::cell::RefCell;
use std::future::poll_fn;
use std::time::Duration;

use tokio::time::Instant;

use super::super::exchange::{Call, Exchange};
use super::super::failure::Failure;
use super::super::updates::{self, LISTEN, SUBSCRIBE, UNSUBSCRIBE};
use super::conversation::Conversation;
use super::{ChannelClient, Waiting};

impl ChannelClient {
    /// A legacy subscription: its updates are notifications like all others.
    pub(super) async fn subscribe_apart(&mut self, call: Call<'_>, uri: &str, time: Duration) -> Exchange {
        let Some(conversation) = self.conversation.clone() else {
            return Exchange::unsent(Failure::Transport("the session is not open".to_owned()));
        };
        // A request that is never sent reads what comes, and counts.
        let watching = Waiting::begin(&conversation, false);
        conversation.borrow_mut().watch(watching.id, uri);
        let mut exchange = self.request(Call { method: SUBSCRIBE, ..call }).await;
        if !exchange.outcome.as_ref().is_ok_and(|reply| reply.error().is_none()) {
            return exchange;
        }
        self.read_for(&conversation, watching.id, time).await;
        let end = self.request(Call { method: UNSUBSCRIBE, progress: false, cancel: None, ..call }).await;
        exchange.add_beside(end);
        exchange.add_beside(watching.end(false, &call, Instant::now()));
        exchange
    }

    /// A modern subscription: a request that is answered at its end only.
    pub(super) async fn subscribe_within(&mut self, call: Call<'_>, uri: &str, time: Duration) -> Exchange {
        let Some(conversation) = self.conversation.clone() else {
            return Exchange::unsent(Failure::Transport("the session is not open".to_owned()));
        };
        let begun = Instant::now();
        let params = updates::listen_params(uri);
        let call = Call { method: LISTEN, params: params.as_bytes(), cancel: None, progress: false, ..call };
        let waiting = Waiting::begin(&conversation, false);
        conversation.borrow_mut().watch(waiting.id, uri);
        let line = self.render(waiting.id, call).unwrap_or_default();
        conversation.borrow_mut().send(waiting.id, &line);
        let late = self.read_for(&conversation, waiting.id, call.timeout).await;
        let acknowledged = conversation.borrow_mut().take_answer(waiting.id);
        let Some((reply, done)) = acknowledged else { return waiting.end(late, &call, begun) };
        if reply.error().is_some() {
            let exchange = waiting.end(false, &call, begun);
            return Exchange { done, outcome: Ok(reply), ..exchange };
        }
        // Its end before that is the server's to choose.
        let over = self.read_for(&conversation, waiting.id, time).await;
        let ended = Call { cancel: Some(time), timeout: Duration::MAX, ..call };
        let exchange = waiting.end(over, &ended, begun);
        let broke_off = !over && exchange.outcome.is_err();
        if broke_off { exchange } else { Exchange { done, outcome: Ok(reply), ..exchange } }
    }

    /// Reads what comes until request `id` has an answer or cannot get one
    /// (`false`), or until this time is over (`true`).
    async fn read_for(&mut self, conversation: &RefCell<Conversation>, id: u64, time: Duration) -> bool {
        self.deadline.set(Instant::now(), time);
        let deadline = &mut self.deadline;
        poll_fn(|cx| conversation.borrow_mut().poll(id, cx, |cx| deadline.poll(cx))).await
    }
}
