//! A relay between a store and its server that can lose what it carries.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use portcullis_stores_kv::RedisOptions;

use crate::server::Server;

/// Carries connections to a server until it swallows them.
pub(crate) struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    opened: AtomicUsize,
    /// Connections below this number lead nowhere any more.
    swallowed: AtomicUsize,
}

impl Relay {
    pub(crate) fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (shared, to) = (Arc::new(Shared::default()), server.port());
        let carriers = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let number = carriers.opened.fetch_add(1, Ordering::SeqCst);
                let client = client.unwrap();
                let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                for (from, to) in [(client, server), back] {
                    let shared = Arc::clone(&carriers);
                    thread::spawn(move || carry(from, to, number, &shared));
                }
            }
        });
        Self { port, shared }
    }

    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions::new(&format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    /// Every connection so far goes silent, and stays open.
    pub(crate) fn swallow(&self) {
        let opened = self.connections();
        self.shared.swallowed.store(opened, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, number: usize, shared: &Shared) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let silent = number < shared.swallowed.load(Ordering::SeqCst);
        let carried = buffer.get(..read).unwrap();
        if !silent && to.write_all(carried).is_err() {
            return;
        }
    }
}
