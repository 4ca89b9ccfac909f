//! A Redis for tests: on a free port of loopback, behind a password, keeping nothing.

use std::error::Error;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use super::place::{Place, find, free_port, secret};
use super::postgres::until;

/// A server that is running or not.
#[derive(Debug)]
pub(crate) struct Redis {
    place: Place,
    server: PathBuf,
    port: u16,
    password: String,
}

impl Redis {
    /// Makes one; `None` where there is no program to make it with.
    pub(crate) fn make() -> Result<Option<Self>, Box<dyn Error>> {
        let Some(server) = find("redis-server") else {
            return Ok(None);
        };
        let (place, port, password) = (Place::new("redis")?, free_port()?, secret());
        // A password on the command line could be read by everybody.
        let settings = format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n"
        );
        place.write("redis.conf", &settings)?;
        Ok(Some(Self {
            place,
            server,
            port,
            password,
        }))
    }

    pub(crate) fn url(&self) -> String {
        let Self { password, port, .. } = self;
        format!("redis://default:{password}@127.0.0.1:{port}")
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// The server, for whoever starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.place.command(&self.server);
        command.arg("redis.conf");
        command
    }

    /// Waits until the server takes connections.
    pub(crate) fn wait(&self) -> Result<(), Box<dyn Error>> {
        if until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()) {
            return Ok(());
        }
        Err("Redis does not start".into())
    }
}
