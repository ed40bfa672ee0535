//! The server on standard input and output.

use rmcp::service::{QuitReason, ServerInitializeError};
use rmcp::transport::io::stdio_pipes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::ServeError;
use super::handler::{Handler, Shared};
use super::options::Options;
use super::spoil::{self, Spoiler};

/// Serves one client on standard input and output until input ends. Needs a
/// tokio runtime with time and I/O enabled. The process must not write
/// anything else to standard output.
///
/// # Errors
///
/// An option is out of range, or the session broke down.
pub async fn serve_stdio(options: Options) -> Result<(), ServeError> {
    let shared = Shared::new(&options, true)?;
    let (input, output) = stdio_pipes();
    match Spoiler::new(&options) {
        None => serve(Handler::new(shared), input, output).await,
        Some(spoiler) => spoil::stdio::serve(spoiler, Handler::new(shared), input, output).await,
    }
}

/// Serves one client on any pair of streams, until `input` ends.
pub async fn serve(
    handler: Handler,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), ServeError> {
    let session = match rmcp::serve_server(handler, (input, output)).await {
        Ok(session) => session,
        // A client that leaves before it says anything has not failed.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(ServeError::Stdio(error.to_string())),
    };
    match session.waiting().await {
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(ServeError::Stdio(error.to_string())),
        Ok(_) => Ok(()),
    }
}
