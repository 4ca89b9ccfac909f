//! A service that is asked to stop.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use portcullis_tests::{Person, Place, Service};

/// More than the requests in flight may take.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// A sign-in whose headers are sent and whose body is not: it is in flight once the service has asked for the body.
fn begin_sign_in(service: &Service, body: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(service.address()).expect("a connection");
    let head = format!(
        "POST /auth/sign-in HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        service.address(),
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent headers");
    let mut stream = BufReader::new(stream);
    let mut interim = String::new();
    stream.read_line(&mut interim).expect("an interim answer");
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    stream
}

fn is_refused(service: &Service) -> bool {
    TcpStream::connect(service.address()).is_err()
}

// FT-27
#[test]
fn a_request_in_flight_is_answered_after_sigterm() {
    let place = Place::new();
    let mut service = place.start();
    let ada = Person::new("ada");
    let browser = service.browser();
    ada.join(&place, &browser);

    let body = ada.sign_in().to_string();
    let mut in_flight = begin_sign_in(&service, &body);
    service.terminate();
    service.await_log("stopping");
    assert!(is_refused(&service), "a new connection was taken");
    in_flight
        .get_mut()
        .write_all(body.as_bytes())
        .expect("a body");
    let mut answer = String::new();
    in_flight.read_to_string(&mut answer).expect("an answer");
    let (_interim_end, answer) = answer.split_once("HTTP/1.1 ").expect("a status line");
    assert!(answer.starts_with("200"), "{answer}");
    assert!(
        answer.to_lowercase().contains("set-cookie: portcullis="),
        "{answer}"
    );

    let ended = service.await_end(STOPPED_WITHIN);
    assert_eq!(ended.code(), Some(0), "{}", service.stderr());
}

// FT-27
#[test]
fn mail_of_an_acknowledged_sign_up_is_delivered_before_the_end_or_after_the_next_start() {
    let place = Place::new();
    let mut service = place.start();
    let ada = Person::new("ada");
    let signed_up = service.browser().post("/auth/signup", &ada.sign_up());
    assert!(signed_up.is_success(), "{signed_up:?}");
    service.terminate();
    let ended = service.await_end(STOPPED_WITHIN);
    assert_eq!(ended.code(), Some(0), "{}", service.stderr());
    let _service = place.start();
    assert!(!place.await_mail_to(&ada.email).token().is_empty());
}

// FT-27
#[test]
fn an_idle_connection_holds_nothing_up() {
    let place = Place::new();
    let mut service = place.start();
    let _idle = TcpStream::connect(service.address()).expect("a connection");
    let browser = service.browser();
    let _kept_alive = browser.get("/health/live").expect(200);
    service.terminate();
    let ended = service.await_end(Duration::from_secs(9));
    assert_eq!(ended.code(), Some(0), "{}", service.stderr());
}
