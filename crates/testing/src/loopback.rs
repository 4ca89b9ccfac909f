//! A server on a free port of 127.0.0.1, with a certificate made for it and a thread a connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Stops when it is dropped.
pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    /// As PEM, for clients to trust.
    pub(crate) certificate: String,
    ended: Arc<AtomicBool>,
}

impl Loopback {
    /// Hands each connection to `talk`, with what TLS is spoken with.
    pub(crate) fn start(
        talk: impl Fn(TcpStream, &Arc<ServerConfig>) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (tls, certificate) = certified()?;
        let ended = Arc::new(AtomicBool::new(false));
        let (stop, talk) = (Arc::clone(&ended), Arc::new(talk));
        let listen = move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (talk, tls) = (Arc::clone(&talk), Arc::clone(&tls));
                // A conversation that breaks off is the client's to notice.
                let talk = move || drop(talk(stream, &tls));
                drop(thread::Builder::new().spawn(talk));
            }
        };
        drop(thread::Builder::new().spawn(listen)?);
        Ok(Self {
            address,
            certificate,
            ended,
        })
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        drop(TcpStream::connect(self.address));
    }
}

fn certified() -> io::Result<(Arc<ServerConfig>, String)> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .map_err(io::Error::other)?;
    Ok((Arc::new(tls), made.cert.pem()))
}

/// Reads until the client has gone.
pub(crate) fn until_gone(mut stream: TcpStream) -> io::Result<()> {
    let mut heard = [0; 256];
    while io::Read::read(&mut stream, &mut heard)? > 0 {}
    Ok(())
}
