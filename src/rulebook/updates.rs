//! Telling clients that a rule has changed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::service::{Peer, SubscriptionContext};
use rmcp::{ErrorData, RoleServer};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::library::{RuleId, Shelf};
use super::limits::MAX_SUBSCRIPTIONS;
use super::resources;

/// What one session of the older revisions has subscribed to. Ends with it.
#[derive(Debug, Default)]
pub struct Subscriptions {
    uris: Arc<Mutex<BTreeSet<String>>>,
    teller: Mutex<Option<JoinHandle<()>>>,
}

impl Subscriptions {
    /// Tells `peer` of changes to `uri` from now on.
    ///
    /// # Errors
    ///
    /// The session has subscribed to as many as it may.
    pub fn add(&self, uri: String, shelf: &Shelf, peer: &Peer<RoleServer>) -> Result<(), ErrorData> {
        let mut uris = self.uris.lock().unwrap_or_else(PoisonError::into_inner);
        if uris.len() >= MAX_SUBSCRIPTIONS {
            return Err(ErrorData::invalid_params(
                format!("a session may have {MAX_SUBSCRIPTIONS} subscriptions"),
                None,
            ));
        }
        uris.insert(uri);
        let mut teller = self.teller.lock().unwrap_or_else(PoisonError::into_inner);
        if teller.is_none() {
            *teller = Some(tokio::spawn(tell(self.uris.clone(), shelf.changes(), peer.clone())));
        }
        Ok(())
    }

    /// Tells nothing of `uri` any more.
    pub fn remove(&self, uri: &str) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        if let Some(teller) = self.teller.lock().unwrap_or_else(PoisonError::into_inner).take() {
            teller.abort();
        }
    }
}

async fn tell(uris: Arc<Mutex<BTreeSet<String>>>, mut changes: Receiver<RuleId>, peer: Peer<RoleServer>) {
    while let Some(uri) = changed(&mut changes).await {
        let wanted = uris.lock().unwrap_or_else(PoisonError::into_inner).contains(&uri);
        if wanted
            && peer.notify_resource_updated(rmcp::model::ResourceUpdatedNotificationParam::new(uri)).await.is_err()
        {
            return;
        }
    }
}

/// Tells a stream of the newest revision of changes, until it ends.
pub async fn listen(context: SubscriptionContext, mut changes: Receiver<RuleId>) {
    loop {
        let uri = tokio::select! {
            () = context.cancelled() => return,
            changed = changed(&mut changes) => changed,
        };
        let Some(uri) = uri else { return };
        // It passes on what was asked for and nothing else.
        let wanted = context.accepted().resource_subscriptions.iter().flatten().any(|wanted| *wanted == uri);
        if wanted && context.sink().notify_resource_updated(uri).await.is_err() {
            return;
        }
    }
}

/// The URI of the next rule that changes; `None` when none can any more.
async fn changed(changes: &mut Receiver<RuleId>) -> Option<String> {
    loop {
        match changes.recv().await {
            Ok(id) => return Some(resources::uri(&id)),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
