//! The protocol's requests, each led to the part that answers it.

use std::sync::{Arc, OnceLock};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::cache::Cache;
use super::calls::Book;
use super::counters::{Counters, OpenSession};
use super::error::ServeError;
use super::faults::{Fate, Faults};
use super::library::{Library, Shelf};
use super::limits::MAX_CACHE_BYTES;
use super::options::Options;
use super::{prompts, resources, tools};

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
    /// A server as `options` ask for it.
    ///
    /// # Errors
    ///
    /// An option is out of range.
    pub fn new(options: &Options) -> Result<Arc<Self>, ServeError> {
        options.check()?;
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
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
}

impl Handler {
    /// A handler of the server.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, session: OnceLock::new() }
    }

    /// Lets the faults happen that are due.
    async fn suffer(&self) -> Result<Fate, ErrorData> {
        let fate = self.shared.faults.draw();
        if !fate.delay.is_zero() {
            tokio::time::sleep(fate.delay).await;
        }
        if fate.fails {
            self.shared.counters.injected_errors.add();
            return Err(ErrorData::internal_error("injected by the error ratio", None));
        }
        Ok(fate)
    }
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
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.shared.counters.called(&request.name);
        let fate = self.suffer().await?;
        let own = self.shared.book.call(&request.name, request.arguments);
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
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.shared.counters.reads.add();
        // Whoever looks at the figures must neither wait nor use up faults
        // that were drawn for the load.
        if request.uri != resources::STATS_URI {
            self.suffer().await?;
        }
        Ok(resources::read(&self.shared.book, &self.shared.counters, &request.uri)?.into())
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
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.shared.counters.prompts.add();
        self.suffer().await?;
        Ok(prompts::get(&self.shared.book, &request.name, request.arguments.as_ref())?.into())
    }
}
