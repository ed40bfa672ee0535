//! From a host name to a connection.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UnixStream};

use super::super::failure::{Failure, exhausted, seconds};
use super::super::stamped::Stamped;
use super::super::target::HttpTarget;
use super::super::wire::Wire;
use super::link::{Link, Stream};

/// Streams that can be had by connecting.
pub(super) trait Dial: Stream + Sized {
    /// A stream to the target.
    fn dial(target: &HttpTarget) -> impl Future<Output = Result<Self, Failure>> + Send;
}

impl Dial for Wire {
    async fn dial(target: &HttpTarget) -> Result<Self, Failure> {
        if let Some(path) = target.socket() {
            return UnixStream::connect(path).await.map(Self::Unix).map_err(|error| no_socket(path, &error));
        }
        let mut stream = Stamped::new(stream(target).await?, target.quickack);
        match target.tls() {
            Some(tls) => {
                if let Some(proxy) = target.proxy() {
                    proxy.tunnel(&mut stream, (target.host(), target.port())).await?;
                }
                tls.secure(stream, target.host()).await.map(|stream| Self::Tls(Box::new(stream)))
            }
            None => Ok(Self::Tcp(stream)),
        }
    }
}

/// Connects to the target within its connect timeout, but no later than `left`
/// from now.
pub(super) async fn connect<S: Dial>(target: &HttpTarget, left: Duration) -> Result<Link<S>, Failure> {
    let limit = target.connect_timeout.min(left);
    let stream = tokio::time::timeout(limit, S::dial(target)).await.map_err(|_| {
        let through = if target.proxy().is_some() { " through the proxy" } else { "" };
        let (host, port) = (target.host(), target.port());
        Failure::Connect(format!("no connection to {host}:{port}{through} within {}", seconds(limit)))
    })??;
    Ok(Link::new(stream))
}

/// Connects to the address that is known to answer, or to the first that does.
async fn stream(target: &HttpTarget) -> Result<TcpStream, Failure> {
    // Of a proxy no more is told than its number.
    let (host, port, name, of) = match target.proxy() {
        Some(proxy) => (proxy.host(), proxy.port(), "of the proxy".to_owned(), "the proxy: "),
        None => (target.host(), target.port(), format!("`{}`", target.host()), ""),
    };
    let refused = |address, error: &io::Error| of_whom(of, refused(address, error));
    if let Some(&address) = target.address.get() {
        return one(address).await.map_err(|error| refused(address, &error));
    }
    let addresses = tokio::net::lookup_host((host, port)).await.map_err(|error| match exhausted(&error) {
        Some(what) => Failure::Local(format!("the host {name} could not be looked up: {what}")),
        None => Failure::Connect(format!("the host {name} is not known: {error}")),
    })?;
    let mut failure = Failure::Connect(format!("the host {name} has no address"));
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

fn no_socket(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match exhausted(error) {
        Some(what) => Failure::Local(format!("no connection to the socket `{path}` could be tried: {what}")),
        None => Failure::Connect(format!("no connection to the socket `{path}`: {error}")),
    }
}

/// The same, with whom it is about.
fn of_whom(whom: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Connect(text) => Failure::Connect(format!("{whom}{text}")),
        failure => failure,
    }
}

fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    use rustix::io::Errno;
    match (exhausted(error), Errno::from_io_error(error)) {
        (Some(what), _) => Failure::Local(format!("no connection to {address} could be tried: {what}")),
        (None, Some(Errno::CONNREFUSED)) => Failure::Connect(format!("connection refused by {address}")),
        (None, _) => Failure::Connect(format!("no connection to {address}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io;

    use super::super::super::failure::Failure;

    #[test]
    fn a_machine_at_its_limit_does_not_blame_the_server() {
        let of = |errno: rustix::io::Errno| {
            super::refused("127.0.0.1:80".parse().unwrap(), &io::Error::from_raw_os_error(errno.raw_os_error()))
        };
        use rustix::io::Errno;
        for errno in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL] {
            assert_eq!(of(errno).class(), "local", "{errno}");
        }
        assert!(matches!(of(Errno::MFILE), Failure::Local(text) if text.contains("ulimit -n")));
        assert_eq!(of(Errno::CONNREFUSED).class(), "connect");
        assert_eq!(of(Errno::HOSTUNREACH).class(), "connect");
    }

    #[tokio::test]
    async fn requests_are_not_held_back() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = super::one(listener.local_addr().unwrap()).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
