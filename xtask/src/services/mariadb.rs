//! A MariaDB for tests: a data folder of its own, on a free port of loopback, behind a password.

use std::error::Error;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use super::place::{Place, find, free_port, secret};
use super::postgres::until;

/// A server that was made, and is running or not.
#[derive(Debug)]
pub(crate) struct MariaDb {
    place: Place,
    server: PathBuf,
    port: u16,
    password: String,
}

impl MariaDb {
    /// Makes one; `None` where there are no programs to make it with.
    pub(crate) fn make() -> Result<Option<Self>, Box<dyn Error>> {
        let (Some(install), Some(server)) = (find("mariadb-install-db"), find("mariadbd")) else {
            return Ok(None);
        };
        let (place, port, password) = (Place::new("mariadb")?, free_port()?, secret());
        let folder = place.folder.display();
        // Run before anybody is let in, so that nobody finds a server without a password.
        place.write(
            "init.sql",
            &format!(
                "ALTER USER root@localhost IDENTIFIED BY '{password}';\n\
                 CREATE DATABASE IF NOT EXISTS portcullis;\n\
                 CREATE USER IF NOT EXISTS portcullis@'127.0.0.1' IDENTIFIED BY '{password}';\n\
                 GRANT ALL ON *.* TO portcullis@'127.0.0.1';\n"
            ),
        )?;
        place.write(
            "mariadb.cnf",
            &format!(
                "[mariadbd]\ndatadir={folder}/data\nsocket={folder}/socket\npid-file={folder}/pid\n\
                 bind-address=127.0.0.1\nport={port}\nskip-name-resolve\ninit-file={folder}/init.sql\n\
                 max-connections=400\ninnodb-flush-log-at-trx-commit=0\n"
            ),
        )?;
        let mut made = place.command(&install);
        made.arg(format!("--defaults-file={folder}/mariadb.cnf"));
        made.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        let made = made.output()?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(format!("mariadb-install-db: {why}").into());
        }
        Ok(Some(Self {
            place,
            server,
            port,
            password,
        }))
    }

    pub(crate) fn url(&self) -> String {
        let Self { password, port, .. } = self;
        format!("mysql://portcullis:{password}@127.0.0.1:{port}/portcullis")
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// The server, for whoever starts it. It may forget what it wrote when the machine goes down, not when it does.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.place.command(&self.server);
        command.arg("--defaults-file=mariadb.cnf");
        command
    }

    /// Waits until the server greets whoever connects.
    pub(crate) fn wait(&self) -> Result<(), Box<dyn Error>> {
        let greets = || {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
            stream.is_ok_and(|mut stream| stream.read_exact(&mut [0]).is_ok())
        };
        if until(greets) {
            return Ok(());
        }
        Err("MariaDB does not start".into())
    }
}
