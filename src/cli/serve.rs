//! `mcpl serve rulebook`.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::AsyncReadExt as _;

use super::args::{ServeArgs, ServedServer};
use super::complaint::Complaint;
use super::rulebook::RulebookArgs;
use super::{Done, exit, terminal};
use crate::rulebook::{HttpServer, PATH, ServeError, serve_stdio};

/// Serves until told to stop.
pub(super) fn run(args: &ServeArgs) -> Done {
    let ServedServer::Rulebook(args) = &args.server;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Complaint::server(format!("cannot start the server: {error}")))?;
    runtime.block_on(rulebook(args)).map_err(|error| match &error {
        ServeError::Option { .. } => Complaint::usage(error.to_string()),
        ServeError::Listen { addr, source } => {
            Complaint::server(format!("cannot listen on {addr}: {}", super::output::plain(source)))
                .help("choose another port with `--http PORT`, or `--http 0` for a free one")
        }
        _ => Complaint::server(error.to_string()),
    })?;
    Ok(exit::OK)
}

async fn rulebook(args: &RulebookArgs) -> Result<(), ServeError> {
    let options = args.options();
    if args.stdio {
        return serve_stdio(options).await;
    }
    let server = HttpServer::bind(options, SocketAddr::from((Ipv4Addr::LOCALHOST, args.http))).await?;
    // Whoever cannot read the address knows it, or finds out.
    let _ = terminal::print(&format!("listening on http://{}{PATH}\n", server.addr()));
    let until_stdin_ends = args.until_stdin_ends;
    server
        .run(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c(), if !until_stdin_ends => {}
                () = terminated() => {}
                () = stdin_ended(), if until_stdin_ends => {}
            }
        })
        .await
}

async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

async fn stdin_ended() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 64];
    while stdin.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}
