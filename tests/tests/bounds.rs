//! What a client may send, how much of it, and what happens past that.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use portcullis_tests::{DEFAULT_CONFIG, Person, Place, Service, until};

/// More than the 64 KiB that a body may have.
const TOO_MUCH: usize = 65 * 1024 + 1;

/// Sends raw bytes and reads the status line; the service may close before it has read them all.
fn status_of(service: &Service, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(service.address()).expect("a connection");
    for part in parts {
        if let Err(error) = stream.write_all(part) {
            let closed = matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
            );
            assert!(closed, "{error}");
            break;
        }
    }
    let mut line = String::new();
    let _reset_after_the_answer = BufReader::new(stream).read_line(&mut line);
    line.trim_end().to_owned()
}

fn head(method: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

// HT-10
#[test]
fn headers_and_bodies_are_bounded() {
    let place = Place::new();
    let service = place.start();
    let long = format!("x-long: {}\r\n", "a".repeat(17 * 1024));
    let status = status_of(&service, &[&head("GET", "/health/live", &long)]);
    assert!(status.starts_with("HTTP/1.1 431"), "{status}");
    let many: String = (0..65).map(|n| format!("x-{n}: a\r\n")).collect();
    let status = status_of(&service, &[&head("GET", "/health/live", &many)]);
    assert!(status.starts_with("HTTP/1.1 431"), "{status}");

    let json = "content-type: application/json\r\n";
    let announced = format!("{json}content-length: {TOO_MUCH}\r\n");
    let body = vec![b' '; TOO_MUCH];
    let status = status_of(
        &service,
        &[&head("POST", "/auth/sign-in", &announced), &body],
    );
    assert!(status.starts_with("HTTP/1.1 413"), "{status}");
    let chunked = format!("{json}transfer-encoding: chunked\r\n");
    let size = format!("{TOO_MUCH:x}\r\n");
    let parts = [
        &head("POST", "/auth/sign-in", &chunked)[..],
        size.as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ];
    let status = status_of(&service, &parts);
    assert!(status.starts_with("HTTP/1.1 413"), "{status}");
    let _others = service.browser().get("/health/live").expect(200);
}

// HT-10
#[test]
fn headers_that_do_not_come_to_an_end_are_not_waited_for() {
    let place = Place::new();
    let service = place.start();
    let mut slow = TcpStream::connect(service.address()).expect("a connection");
    slow.write_all(b"GET /health/live HTTP/1.1\r\n")
        .expect("a first line");
    let limit = Duration::from_secs(60);
    slow.set_read_timeout(Some(limit)).expect("a limit");
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest)
        .expect("the end of the connection");
}

#[test]
fn a_connection_too_many_waits_for_its_turn() {
    let place = Place::with_config(&format!("max_connections = 2\n{DEFAULT_CONFIG}"));
    let service = place.start();
    let idle: Vec<TcpStream> = (0..2)
        .map(|_| TcpStream::connect(service.address()).expect("a connection"))
        .collect();
    let mut third = TcpStream::connect(service.address()).expect("a place in the queue");
    third
        .write_all(&head("GET", "/health/live", "connection: close\r\n"))
        .expect("a request");
    drop(idle);
    let mut answer = String::new();
    third.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

// TH-08
#[test]
fn sign_ups_from_one_address_are_counted_except_for_benchmarks() {
    let place = Place::new();
    let limited = |service: &Service| {
        let browser = service.browser();
        let statuses = (0..15).map(|n| {
            let person = Person::new(&format!("person-{n}"));
            browser.post("/auth/signup", &person.sign_up()).status
        });
        statuses.filter(|status| *status == 429).count()
    };
    let service = place.start();
    assert!(limited(&service) > 0);
    service.kill();
    assert_eq!(limited(&place.start_with(&["--without-limits"], &[])), 0);
    let public = [("PORTCULLIS_PUBLIC_URL", "https://auth.example.com")];
    let refused = place.run_with("", &public, ["serve", "--without-limits"]);
    let refused = refused.expect_code(2);
    assert!(refused.stderr.contains("--without-limits"), "{refused:?}");
}

// FT-20
#[cfg(target_os = "linux")]
#[test]
fn a_service_without_files_comes_back_when_there_are_some() {
    use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

    let place = Place::new();
    let service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let few = Rlimit {
        current: Some(40),
        // The child's own, which is ours: raising it again takes rights.
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let before = prlimit(Some(service.pid()), Resource::Nofile, few).expect("another limit");
    let crowd: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(service.address()).expect("a place in the queue"))
        .collect();
    service.await_log("no connection could be accepted");
    drop(crowd);
    let answered = until(Duration::from_secs(30), || {
        let answer = service.browser().try_send("GET", "/health/ready", None);
        answer.ok().filter(|answer| answer.status == 200)
    });
    assert!(answered.is_some(), "{}", service.stderr());
    prlimit(Some(service.pid()), Resource::Nofile, before).expect("the old limit");
    ada.enter(&service.browser());
}
