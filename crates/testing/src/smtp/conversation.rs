//! What server and client say to each other.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::loopback::until_gone;

use super::{ReceivedMail, Shared, SmtpMode, SmtpSecurity};

/// Longer lines and messages are no mail of ours.
const LINE_MAX_BYTES: usize = 64 * 1024;
const MESSAGE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Why a conversation stops.
enum Stop {
    /// One of the two has hung up.
    HungUp,
    /// It goes on inside TLS.
    StartTls,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::HungUp
    }
}

/// Talks until one of the two hangs up.
pub(super) fn hold(stream: TcpStream, shared: &Shared, tls: &Arc<ServerConfig>) -> io::Result<()> {
    if shared.mode() == SmtpMode::Silent {
        return until_gone(stream);
    }
    let security = shared.security;
    if security == SmtpSecurity::Wrapper {
        return encrypted(stream, shared, tls, true);
    }
    let mut plain = Talk::new(stream, shared, false);
    plain.greet()?;
    match plain.go_on() {
        Stop::StartTls => encrypted(plain.stream, shared, tls, false),
        Stop::HungUp => Ok(()),
    }
}

fn encrypted(
    stream: TcpStream,
    shared: &Shared,
    tls: &Arc<ServerConfig>,
    greeting: bool,
) -> io::Result<()> {
    let tls = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
    let mut talk = Talk::new(StreamOwned::new(tls, stream), shared, true);
    if greeting {
        talk.greet()?;
    }
    let _hung_up = talk.go_on();
    talk.stream.conn.send_close_notify();
    talk.stream.flush()
}

struct Talk<'a, S> {
    stream: S,
    shared: &'a Shared,
    encrypted: bool,
    login: Option<String>,
    from: String,
    to: String,
}

impl<'a, S: Read + Write> Talk<'a, S> {
    const fn new(stream: S, shared: &'a Shared, encrypted: bool) -> Self {
        Self {
            stream,
            shared,
            encrypted,
            login: None,
            from: String::new(),
            to: String::new(),
        }
    }

    fn greet(&mut self) -> io::Result<()> {
        self.say("220 test ESMTP")
    }

    fn go_on(&mut self) -> Stop {
        loop {
            if let Err(stop) = self.answer() {
                return stop;
            }
        }
    }

    /// Reads one command and answers it.
    fn answer(&mut self) -> Result<(), Stop> {
        let line = self.line()?;
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        let mode = self.shared.mode();
        let must_encrypt = self.shared.security == SmtpSecurity::StartTls && !self.encrypted;
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if must_encrypt => self.say("250-test\r\n250 STARTTLS")?,
            "EHLO" => self.say("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN")?,
            "STARTTLS" if must_encrypt => {
                self.say("220 go on")?;
                return Err(Stop::StartTls);
            }
            "NOOP" | "RSET" => self.say("250 ok")?,
            "QUIT" => {
                self.say("221 bye")?;
                return Err(Stop::HungUp);
            }
            _ if must_encrypt => self.say("530 STARTTLS first")?,
            "AUTH" if mode == SmtpMode::RefuseLogin => self.say("535 no such login")?,
            "AUTH" => {
                self.login = line.rsplit_once(' ').map(|(_, login)| login.to_owned());
                self.say("235 ok")?;
            }
            "MAIL" => {
                self.from = in_brackets(&line);
                self.say("250 ok")?;
            }
            "RCPT" => {
                self.to = in_brackets(&line);
                self.say(match mode {
                    SmtpMode::Defer => "451 come again",
                    SmtpMode::Refuse => "550 no such mailbox",
                    _ => "250 ok",
                })?;
            }
            "DATA" => self.data(mode)?,
            _ => self.say("502 what?")?,
        }
        Ok(())
    }

    fn data(&mut self, mode: SmtpMode) -> Result<(), Stop> {
        self.say("354 go on")?;
        let mut message = String::new();
        loop {
            let line = self.line()?;
            if mode == SmtpMode::HangUp || message.len() > MESSAGE_MAX_BYTES {
                return Err(Stop::HungUp);
            }
            if line == "." {
                break;
            }
            // A dot in front of a dot is the client's (RFC 5321 section 4.5.2).
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            message.push_str("\r\n");
        }
        self.shared.keep(ReceivedMail {
            from: std::mem::take(&mut self.from),
            to: std::mem::take(&mut self.to),
            message,
            login: self.login.clone(),
            encrypted: self.encrypted,
        });
        if mode == SmtpMode::LoseAnswer {
            return Err(Stop::HungUp);
        }
        Ok(self.say("250 taken")?)
    }

    fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(reply.as_bytes())?;
        self.stream.write_all(b"\r\n")?;
        self.stream.flush()
    }

    /// One line, without what ends it. Byte by byte, so that nothing is read that belongs inside TLS.
    fn line(&mut self) -> io::Result<String> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while line.len() < LINE_MAX_BYTES {
            self.stream.read_exact(&mut byte)?;
            if byte == *b"\n" {
                break;
            }
            line.extend(byte);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map_err(io::Error::other)
    }
}

fn in_brackets(line: &str) -> String {
    let inside = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside
        .map(|(inside, _)| inside.to_owned())
        .unwrap_or_default()
}
