//! A TCP socket that tells when what it gives had arrived.
//!
//! A thread that waits for an answer wakes up some time after the answer is
//! there: 50 to 150 µs on a virtual machine whose processor went idle, far more
//! where other work is in the way. That time is the load generator's and no
//! latency of the server, so the kernel is asked when it took the bytes from
//! the network (`SO_TIMESTAMPNS`, socket(7)).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A TCP stream with the instant of its last arrival.
#[derive(Debug)]
pub struct Stamped {
    stream: TcpStream,
    arrived: Option<Instant>,
    /// Whether what arrives is acknowledged at once.
    quick: bool,
}

impl Stamped {
    /// Asks for the instants of arrivals. Where the system does not give them,
    /// there are none. `quick`: whether what arrives is acknowledged at once
    /// (`TCP_QUICKACK`, tcp(7)); where the system cannot, it is not.
    pub(super) fn new(stream: TcpStream, quick: bool) -> Self {
        kernel::ask(&stream);
        Self { stream, arrived: None, quick }
    }

    /// When the last byte that was read had arrived at this machine; `None`
    /// where that is not known.
    pub(super) const fn arrived(&self) -> Option<Instant> {
        self.arrived
    }
}

impl AsyncRead for Stamped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.quick {
            // The kernel falls back to its own judgement, so it is told each time.
            kernel::acknowledge(&this.stream);
        }
        kernel::poll_read(&mut this.stream, cx, space, &mut this.arrived)
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::cell::RefCell;
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsRawFd as _, RawFd};
    use std::task::{Context, Poll, ready};
    use std::time::Duration;

    use nix::errno::Errno;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
    use nix::sys::time::TimeSpec;
    use nix::time::{ClockId, clock_gettime};
    use tokio::io::{Interest, ReadBuf};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    thread_local! {
        /// Room for the one control message that is asked for.
        static CONTROL: RefCell<Vec<u8>> = RefCell::new(nix::cmsg_space!(TimeSpec));
    }

    pub(super) fn ask(stream: &TcpStream) {
        // Without it the clock is read when the bytes are.
        let _ = setsockopt(stream, sockopt::ReceiveTimestampns, &true);
    }

    pub(super) fn acknowledge(stream: &TcpStream) {
        // Without it answers may be measured with the wait for the acknowledgement,
        // as they are by default.
        let _ = rustix::net::sockopt::set_tcp_quickack(stream, true);
    }

    /// As the stream's own `poll_read`, which does not tell the time.
    pub(super) fn poll_read(
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
        arrived: &mut Option<Instant>,
    ) -> Poll<io::Result<()>> {
        let descriptor = stream.as_raw_fd();
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let room = space.initialize_unfilled();
            let size = room.len();
            let mut received = None;
            let outcome = stream.try_io(Interest::READABLE, || {
                let (read, stamp) = receive(descriptor, room)?;
                received = Some((read, stamp));
                // The socket was emptied, and reading it once more to hear so
                // would cost a system call for each answer: "would block" makes
                // tokio wait for the next arrival.
                if read > 0 && read < size { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (received, outcome) {
                (Some((read, stamp)), _) => {
                    space.advance(read);
                    *arrived = stamp.and_then(instant);
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                (None, outcome) => return Poll::Ready(outcome),
            }
        }
    }

    /// Reads, and tells when the last byte of it arrived, by the wall clock.
    fn receive(descriptor: RawFd, room: &mut [u8]) -> io::Result<(usize, Option<TimeSpec>)> {
        CONTROL.with_borrow_mut(|control| {
            let mut rooms = [IoSliceMut::new(room)];
            let received = loop {
                match recvmsg::<()>(descriptor, &mut rooms, Some(&mut *control), MsgFlags::empty()) {
                    Err(Errno::EINTR) => {}
                    received => break received?,
                }
            };
            let stamp = received.cmsgs().ok().and_then(|messages| {
                messages.into_iter().find_map(|message| match message {
                    ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
                    _ => None,
                })
            });
            Ok((received.bytes, stamp))
        })
    }

    /// The instant of a stamp. The kernel stamps by the wall clock, which is read
    /// for the age of the stamp only: a step of that clock between arrival and
    /// reading is a matter of microseconds, and whoever uses the instant checks
    /// that it is possible.
    fn instant(stamp: TimeSpec) -> Option<Instant> {
        let now = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME).ok()?);
        let age = now.checked_sub(Duration::from(stamp))?;
        Instant::now().checked_sub(age)
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead as _, ReadBuf};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    pub(super) const fn ask(_: &TcpStream) {}

    pub(super) const fn acknowledge(_: &TcpStream) {}

    pub(super) fn poll_read(
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
        _: &mut Option<Instant>,
    ) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_read(cx, space)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write as _;
    use std::time::{Duration, Instant};

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;

    use super::Stamped;

    /// Sends until the kernel stamps what arrives: it begins to some time after
    /// the first socket has asked for it.
    #[tokio::test]
    async fn bytes_arrive_before_they_are_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut client = Stamped::new(stream, false);
        let begun = Instant::now();
        loop {
            let sent = Instant::now();
            server.write_all(b"hello").unwrap();
            let there = Instant::now();
            assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 5);
            if let Some(arrived) = client.arrived().map(tokio::time::Instant::into_std)
                && (sent..there).contains(&arrived)
            {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "no stamps");
        }
        // Everything was read: the next read waits for the end of the stream.
        drop(server);
        assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 0);
    }
}
