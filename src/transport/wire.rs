//! What carries bytes to a server and back: TCP, TLS over it, or a socket of
//! this machine.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::stamped::Stamped;

/// A connection, however it was made.
#[derive(Debug)]
pub enum Wire {
    /// TCP.
    Tcp(Stamped),
    /// TLS.
    Tls(Box<TlsStream<Stamped>>),
    /// A Unix domain socket.
    Unix(UnixStream),
}

impl Wire {
    /// When the last byte that was read had arrived at this machine; `None`
    /// where that is not known.
    pub(super) fn arrived(&self) -> Option<Instant> {
        match self {
            Self::Tcp(stream) => stream.arrived(),
            Self::Tls(stream) => stream.get_ref().0.arrived(),
            Self::Unix(_) => None,
        }
    }
}

/// Does the same with whatever stream it is.
macro_rules! of_each {
    ($wire:expr, $stream:ident => $call:expr) => {
        match $wire.get_mut() {
            Wire::Tcp($stream) => $call,
            Wire::Tls($stream) => $call,
            Wire::Unix($stream) => $call,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        of_each!(self, stream => Pin::new(stream).poll_read(cx, space))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        of_each!(self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
