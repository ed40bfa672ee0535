//! An address at which Prometheus scrapes a run.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};

use super::{Begun, Feed, Told};
use crate::telemetry::{Exposition, Totals};

/// How long a scrape may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The most bytes of a request.
const MAX_REQUEST: usize = 16 * 1024;

/// The most scrapes at a time; others are turned away.
const SCRAPES: usize = 16;

/// After the run its end is there for so long, if anybody has scraped it before.
const LAST_SCRAPE: Duration = Duration::from_secs(5);

/// Listens on the first of a host's addresses that can be listened on.
pub(super) fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    let listener = TcpListener::bind(addresses.as_slice())?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What is scraped, and how often it was.
#[derive(Clone)]
struct Scraped {
    totals: Arc<Mutex<Totals>>,
    scrapes: Arc<Mutex<u64>>,
}

/// Answers until the seconds end, and then once more.
pub(super) async fn tell(listener: TcpListener, begun: Begun, mut feed: Feed) -> Told {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return Told { failed: 1, why: Some(error.to_string()), ..Told::default() },
    };
    let scraped = Scraped { totals: Arc::new(Mutex::new(Totals::new(begun.context))), scrapes: Arc::default() };
    let places = Arc::new(Semaphore::new(SCRAPES));
    loop {
        tokio::select! {
            second = feed.next() => match second {
                Some(slice) => scraped.totals.lock().unwrap_or_else(PoisonError::into_inner).add(&slice),
                None => break,
            },
            accepted = listener.accept() => serve(accepted, &places, &scraped, None),
        }
    }
    let scrapes = *scraped.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
    if scrapes > 0 {
        let (told, mut end) = mpsc::unbounded_channel();
        let last = async {
            loop {
                tokio::select! {
                    accepted = listener.accept() => serve(accepted, &places, &scraped, Some(told.clone())),
                    _ = end.recv() => return,
                }
            }
        };
        // Its scraper may have gone before.
        let _ = tokio::time::timeout(LAST_SCRAPE, last).await;
    }
    Told { missed: feed.missed, ..Told::default() }
}

/// Answers a connection beside all others, and says to `told` that it got the metrics.
fn serve(
    accepted: io::Result<(TcpStream, SocketAddr)>,
    places: &Arc<Semaphore>,
    scraped: &Scraped,
    told: Option<mpsc::UnboundedSender<()>>,
) {
    let (Ok((stream, _)), Ok(place)) = (accepted, Arc::clone(places).try_acquire_owned()) else { return };
    let scraped = scraped.clone();
    tokio::spawn(async move {
        let _place = place;
        // Who does not read its answer gets none.
        let answered = tokio::time::timeout(TIMEOUT, answer(stream, &scraped)).await;
        if let (Ok(Ok(true)), Some(told)) = (answered, told) {
            // Another may have got them before.
            let _ = told.send(());
        }
    });
}

/// Answers one request; whether it was one for the metrics.
async fn answer(mut stream: TcpStream, scraped: &Scraped) -> io::Result<bool> {
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read_buf(&mut request).await?;
        if read == 0 || request.len() > MAX_REQUEST {
            return Ok(false);
        }
    }
    let head = String::from_utf8_lossy(&request);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let accept = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("accept").then(|| value.trim())
    });
    let found = path.split('?').next() == Some("/metrics");
    let (status, media_type, body) = match method {
        "GET" | "HEAD" if found => {
            let form = Exposition::wanted(accept.unwrap_or_default());
            let text = form.write(&scraped.totals.lock().unwrap_or_else(PoisonError::into_inner));
            ("200 OK", form.media_type(), text)
        }
        "GET" | "HEAD" => ("404 Not Found", "text/plain", "the metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "only GET is answered\n".to_owned()),
    };
    let length = body.len();
    let mut out = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    if method != "HEAD" {
        out.push_str(&body);
    }
    stream.write_all(out.as_bytes()).await?;
    stream.shutdown().await?;
    let metrics = found && method == "GET";
    if metrics {
        *scraped.scrapes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
    Ok(metrics)
}
