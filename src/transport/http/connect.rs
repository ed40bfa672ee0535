//! From a host name to a connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use super::super::failure::{Failure, seconds};
use super::super::target::HttpTarget;
use super::link::{Link, Stream};

/// Streams that can be had by connecting.
pub(super) trait Dial: Stream + Sized {
    /// A stream to the target.
    async fn dial(target: &HttpTarget) -> Result<Self, Failure>;
}

impl Dial for TcpStream {
    async fn dial(target: &HttpTarget) -> Result<Self, Failure> {
        stream(target).await
    }
}

/// Connects to the target within its connect timeout, but no later than `left`
/// from now.
pub(super) async fn connect<S: Dial>(target: &HttpTarget, left: Duration) -> Result<Link<S>, Failure> {
    let limit = target.connect_timeout.min(left);
    let stream = tokio::time::timeout(limit, S::dial(target)).await.map_err(|_| {
        Failure::Connect(format!("no connection to {}:{} within {}", target.host(), target.port(), seconds(limit)))
    })??;
    Link::new(stream).await
}

/// Connects to the address that is known to answer, or to the first that does.
async fn stream(target: &HttpTarget) -> Result<TcpStream, Failure> {
    if let Some(&address) = target.address.get() {
        return one(address).await.map_err(|error| refused(address, &error));
    }
    let host = target.host();
    let addresses = tokio::net::lookup_host((host, target.port()))
        .await
        .map_err(|error| Failure::Connect(format!("the host `{host}` is not known: {error}")))?;
    let mut failure = Failure::Connect(format!("the host `{host}` has no address"));
    for address in addresses {
        match one(address).await {
            Ok(stream) => {
                // Another client may have been first; both addresses answer.
                let _ = target.address.set(address);
                return Ok(stream);
            }
            Err(error) => failure = refused(address, &error),
        }
    }
    Err(failure)
}

/// Connects with TCP_NODELAY: a request is one write, and holding it back for
/// more would be measured as latency of the server.
async fn one(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    use rustix::io::Errno;
    Failure::Connect(match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => format!("connection refused by {address}"),
        Some(Errno::ADDRNOTAVAIL) => {
            format!("no local port is left for a connection to {address}: too many were opened in a short time")
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            format!("no file descriptor is left for a connection to {address}: raise the limit (ulimit -n)")
        }
        _ => format!("no connection to {address}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    #[tokio::test]
    async fn requests_are_not_held_back() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = super::one(listener.local_addr().unwrap()).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
