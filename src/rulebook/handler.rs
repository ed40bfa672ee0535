//! The protocol's requests, each led to the part that answers it.

use std::sync::{Arc, OnceLock};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult, ContentBlock,
    GetPromptRequestParams, GetPromptResponse, Implementation, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ProgressToken, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::cache::Cache;
use super::calls::Book;
use super::counters::{Counters, OpenSession};
use super::error::ServeError;
use super::faults::{Fate, Faults};
use super::library::{Library, Shelf};
use super::limits::{MAX_CACHE_BYTES, PROGRESS_FROM};
use super::options::{Answers, Options};
use super::updates::{self, Subscriptions};
use super::{completion, prompts, resources, tools};

const INSTRUCTIONS: &str = "A library of coding rules. Find rules with list_rules or search_rules, read one with \
                            get_rule, and compose several into one document with compose_rules.";

/// What all sessions and requests of one server share.
#[derive(Debug)]
pub struct Shared {
    book: Book,
    faults: Faults,
    counters: Arc<Counters>,
    tools: Vec<Tool>,
    config: ServerConfig,
}

impl Shared {
    /// A server as `options` ask for it, over standard input and output or HTTP.
    ///
    /// # Errors
    ///
    /// An option is out of range.
    pub fn new(options: &Options, stdio: bool) -> Result<Arc<Self>, ServeError> {
        options.check()?;
        let capabilities = ServerCapabilities::builder().enable_completions().enable_tools().enable_prompts();
        // Without sessions there is nobody to tell of changes.
        let capabilities = match options.answers {
            Answers::Json if !stdio => capabilities.enable_resources().build(),
            _ => capabilities.enable_resources().enable_resources_subscribe().build(),
        };
        let name = Implementation::new("rulebook", env!("CARGO_PKG_VERSION")).with_title("mcpl demo server");
        Ok(Arc::new(Self {
            book: Book {
                shelf: Shelf::new(Library::generate(options.rules, options.seed)),
                cache: Cache::new(options.cache_entries, MAX_CACHE_BYTES, options.cache_ttl),
            },
            faults: Faults::new(options),
            counters: Arc::new(Counters::new(tools::NAMES)),
            tools: tools::definitions(),
            config: ServerConfig::new(capabilities).with_server_info(name).with_instructions(INSTRUCTIONS),
        }))
    }
}

/// One session, or one request where there are no sessions.
#[derive(Debug)]
pub struct Handler {
    shared: Arc<Shared>,
    /// Set by `initialize`: a handler that only serves one request of the
    /// sessionless revision is no session.
    session: OnceLock<OpenSession>,
    subscriptions: Subscriptions,
}

impl Handler {
    /// A handler of the server.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, session: OnceLock::new(), subscriptions: Subscriptions::default() }
    }

    /// Lets the faults happen that are due. A request that is cancelled meanwhile
    /// ends at once; nobody gets its answer.
    async fn suffer(&self, tool: Option<&str>, context: &RequestContext<RoleServer>) -> Result<Fate, ErrorData> {
        let faults = &self.shared.faults;
        let fate = faults.draw();
        tokio::select! {
            biased;
            () = faults.delay(fate, tool) => {}
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
        }
        if fate.fails {
            self.shared.counters.injected_errors.add();
            return Err(ErrorData::internal_error("injected by the error ratio", None));
        }
        Ok(fate)
    }
}

/// Progress that a client asked to be told of.
struct Progress {
    token: ProgressToken,
    total: usize,
}

impl Progress {
    #[expect(clippy::cast_precision_loss, reason = "at most as many as one composition may have")]
    fn at(&self, done: usize) -> ProgressNotificationParam {
        ProgressNotificationParam::new(self.token.clone(), done as f64).with_total(self.total as f64)
    }
}

/// The progress to tell of a call: that of a large composition, to whoever asks.
fn progress(request: &CallToolRequestParams, context: &RequestContext<RoleServer>) -> Option<Progress> {
    let token = context.meta.get_progress_token()?;
    let total = request.arguments.as_ref()?.get("ids")?.as_array()?.len();
    (request.name == "compose_rules" && total >= PROGRESS_FROM).then_some(Progress { token, total })
}

async fn tell(context: &RequestContext<RoleServer>, progress: ProgressNotificationParam) {
    // A client that is gone is noticed by the answer.
    let _ = context.peer.notify_progress(progress).await;
}

/// Lists that fit on one page give no cursor, so none can come back.
fn single_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(cursor) => Err(ErrorData::invalid_params(format!("unknown cursor `{cursor}`"), None)),
    }
}

// `get_tool` keeps its default: it would let rmcp compare `Mcp-Param-*` headers
// with the schema on each call, and no argument here is declared as a header.
impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        self.shared.config.clone()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.session.get_or_init(|| OpenSession::new(self.shared.counters.clone()));
        self.shared.faults.session_leaves();
        let result = self.negotiate_initialize(&request);
        context.peer.set_peer_info(request);
        result
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        single_page(request)?;
        Ok(ListToolsResult::with_all_items(self.shared.tools.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.shared.counters.called(&request.name);
        self.shared.faults.call_leaves();
        let fate = self.suffer(Some(&request.name), &context).await?;
        if fate.tool_error {
            self.shared.counters.injected_errors.add();
            return Ok(CallToolResult::error(vec![ContentBlock::text("injected by the ratio of tool errors")]).into());
        }
        let progress = progress(&request, &context);
        if let Some(progress) = &progress {
            tell(&context, progress.at(0)).await;
        }
        let own = self.shared.book.call(&request.name, request.arguments);
        if let Some(progress) = &progress {
            tell(&context, progress.at(progress.total)).await;
        }
        Ok(self.shared.faults.deliver(fate, own)?.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.shared.book.shelf.snapshot(), cursor.as_deref())
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        single_page(request)?;
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.shared.counters.reads.add();
        // Whoever looks at the figures must neither wait nor use up faults
        // that were drawn for the load.
        if request.uri != resources::STATS_URI {
            self.suffer(None, &context).await?;
        }
        Ok(resources::read(&self.shared.book, &self.shared.counters, &request.uri)?.into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions.add(request.uri, &self.shared.book.shelf, &context.peer)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions.remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        updates::listen(context, self.shared.book.shelf.changes()).await;
        Ok(())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        completion::complete(&self.shared.book.shelf.snapshot(), &request)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        single_page(request)?;
        Ok(prompts::list())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.shared.counters.prompts.add();
        self.suffer(None, &context).await?;
        Ok(prompts::get(&self.shared.book, &request.name, request.arguments.as_ref())?.into())
    }
}
