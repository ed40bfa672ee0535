//! The same over standard input and output, line by line.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, duplex};

use super::super::error::ServeError;
use super::super::handler::Handler;
use super::super::limits::MAX_LOOKED_INTO;
use super::super::stdio;
use super::{Peek, Spoil, Spoiler, half, misdirected};

/// Bytes between the server and the pumps: those of a pipe.
const PIPE: usize = 64 * 1024;

/// Serves as [`stdio::serve`] does, with the faults in between.
///
/// # Errors
///
/// The session broke down, or input or output did.
pub async fn serve(
    spoiler: Spoiler,
    handler: Handler,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), ServeError> {
    let (to_server, server_input) = duplex(PIPE);
    let (server_output, from_server) = duplex(PIPE);
    let due = Due::default();
    let (served, read, written) = tokio::join!(
        stdio::serve(handler, server_input, server_output),
        inwards(&spoiler, &due, input, to_server),
        outwards(&due, from_server, output),
    );
    served.and(read.and(written).map_err(|error| ServeError::Stdio(error.to_string())))
}

/// What becomes of answers that are not sent yet, by the id of their request.
#[derive(Debug, Default)]
struct Due(Mutex<HashMap<String, Spoil>>);

impl Due {
    fn note(&self, id: &str, spoil: Spoil) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), spoil);
    }

    fn take(&self, id: &str) -> Option<Spoil> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

async fn inwards(
    spoiler: &Spoiler,
    due: &Due,
    input: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    while let Some(line) = line(&mut input).await? {
        let message = Peek::at(&line);
        if message.cancels() && spoiler.ignores_cancellation {
            continue;
        }
        if let Some(id) = message.id.filter(|_| message.calls_a_tool())
            && let Some(spoil) = spoiler.answer()
        {
            due.note(id.get(), spoil);
        }
        if server.write_all(&line).await.is_err() {
            // The server has ended, and says why itself.
            return Ok(());
        }
    }
    Ok(())
}

async fn outwards(due: &Due, server: impl AsyncRead + Unpin, mut output: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut server = BufReader::new(server);
    while let Some(line) = line(&mut server).await? {
        let spoil = Peek::at(&line).answers().and_then(|id| due.take(id));
        let text = match spoil {
            None => line,
            // A line that has begun would take the others with it.
            Some(Spoil::Lost | Spoil::Stalled) => continue,
            Some(Spoil::Twice) => [line.as_slice(), &line].concat(),
            Some(Spoil::Malformed) => [half(&line), b"\n"].concat(),
            Some(Spoil::WrongId) => [misdirected(&line).as_slice(), b"\n"].concat(),
        };
        output.write_all(&text).await?;
        output.flush().await?;
    }
    Ok(())
}

/// The next line with its end, or a piece of one that is too long; `None` at the end.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = from.take(MAX_LOOKED_INTO as u64).read_until(b'\n', &mut line).await?;
    Ok((read > 0).then_some(line))
}
