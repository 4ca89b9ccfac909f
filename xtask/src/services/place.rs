//! Where a server for tests lives: a temporary folder, owned by somebody without rights.
//!
//! PostgreSQL refuses to run as root, and no server of ours should. Nothing but the standard library, so that the tests
//! that start servers of their own include this file as it is.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that one user owns and nobody else may read.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    /// Who runs programs here where that is not us: user and group.
    owner: Option<(u32, u32)>,
}

impl Place {
    pub(crate) fn new(what: &str) -> io::Result<Self> {
        let name = format!("portcullis-{what}-{}", &secret()[..8]);
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        // Whose the folder is now is who we are.
        let owner = match fs::metadata(&folder)?.uid() {
            0 => Some(somebody()?),
            _ => None,
        };
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group))?;
        }
        Ok(Self { folder, owner })
    }

    /// Runs a program in the folder, as its owner.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// Writes a file that the owner may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = self.owner {
            chown(&path, Some(user), Some(group))?;
        }
        Ok(path)
    }
}

/// A user without rights.
fn somebody() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let nobody = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_nobody = fields.next() == Some("nobody");
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        is_nobody.then_some((user, group))
    });
    nobody.ok_or_else(|| io::Error::other("there is no user `nobody` to run servers as"))
}

/// A program on the path, or where Debian keeps servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql");
    let mut debian: Vec<PathBuf> = debian
        .map(|versions| versions.flatten().map(|it| it.path().join("bin")).collect())
        .unwrap_or_default();
    // The newest first.
    debian.sort();
    debian.reverse();
    env::split_paths(&path)
        .chain(debian)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// A port of loopback that was free just now.
pub(crate) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// What nobody guesses: 128 bits that the standard library asks the system for.
pub(crate) fn secret() -> String {
    let random = || RandomState::new().hash_one(0);
    format!("{:016x}{:016x}", random(), random())
}
