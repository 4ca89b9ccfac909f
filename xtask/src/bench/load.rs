//! Load: a few keep-alive connections that send one request after the other and read each answer whole.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How many people sign in at once.
pub(super) const LANES: u32 = 8;

/// A request, written once.
#[derive(Clone)]
pub(super) struct Request {
    head: String,
    body: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn get(path: &str) -> Self {
        Self {
            head: format!("GET {path} HTTP/1.1\r\nHost: bench\r\n"),
            body: String::new(),
        }
    }

    pub(super) fn post(path: &str) -> Self {
        Self {
            head: format!("POST {path} HTTP/1.1\r\nHost: bench\r\n"),
            body: String::new(),
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(super) fn json(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self.header("Content-Type", "application/json")
    }

    fn bytes(&self) -> Vec<u8> {
        format!(
            "{}Content-Length: {}\r\n\r\n{}",
            self.head,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }

    /// Sends it once.
    pub(super) fn send(&self, to: SocketAddr) -> Result<Answer, Box<dyn Error>> {
        Connection::open(to)?.ask(&self.bytes())
    }
}

struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Connection {
    fn open(to: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    fn ask(&mut self, request: &[u8]) -> Result<Answer, Box<dyn Error>> {
        self.stream.write_all(request)?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).ok_or("no answer")?.parse()?;
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            if name == "content-length" {
                length = value.parse()?;
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Answer {
            status,
            headers,
            body: String::from_utf8(body)?,
        })
    }
}

/// Sends a request so many times over some connections; anything but 200 is an error.
pub(super) fn run(
    to: SocketAddr,
    request: &Request,
    times: u32,
    connections: u32,
) -> Result<(), Box<dyn Error>> {
    let bytes = &request.bytes();
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(move || -> Result<(), String> {
                    let mut connection = Connection::open(to).map_err(|error| error.to_string())?;
                    for _ in 0..times / connections {
                        let answer = connection.ask(bytes).map_err(|error| error.to_string())?;
                        if answer.status != 200 {
                            return Err(format!("answered {}: {}", answer.status, answer.body));
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        join(lanes)
    })?;
    Ok(())
}

/// Each request on a connection of its own, over and over; how many were answered with 200.
pub(super) fn for_a_while(
    to: SocketAddr,
    requests: &[Request],
    time: Duration,
) -> Result<u32, Box<dyn Error>> {
    let until = Instant::now() + time;
    let done = thread::scope(|scope| {
        let lanes: Vec<_> = requests
            .iter()
            .map(|request| {
                scope.spawn(move || -> Result<u32, String> {
                    let mut connection = Connection::open(to).map_err(|error| error.to_string())?;
                    let (bytes, mut done) = (request.bytes(), 0);
                    while Instant::now() < until {
                        let answer = connection.ask(&bytes).map_err(|error| error.to_string())?;
                        if answer.status != 200 {
                            return Err(format!("answered {}: {}", answer.status, answer.body));
                        }
                        done += 1;
                    }
                    Ok(done)
                })
            })
            .collect();
        join(lanes)
    })?;
    Ok(done.into_iter().sum())
}

fn join<T>(lanes: Vec<thread::ScopedJoinHandle<'_, Result<T, String>>>) -> Result<Vec<T>, String> {
    lanes
        .into_iter()
        .map(|lane| lane.join().map_err(|_| "a lane panicked".to_owned())?)
        .collect()
}
