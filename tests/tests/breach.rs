//! The real binary, and a list of breached passwords.

use std::fs;

use portcullis_testing::webhook::{WebhookMode, WebhookSecurity, WebhookServer};
use portcullis_tests::{Answer, DEFAULT_CONFIG, Person, Place, Service};

/// SHA-1: BC5E5 and this.
const LEAKED: &str = "a password that leaked";
const SUFFIX: &str = "095332DD43F79360BBE80D6094711B94888";

fn sign_up(service: &Service, password: &str) -> Answer {
    let ada = Person {
        password: password.to_owned(),
        ..Person::new("ada")
    };
    service.browser().post("/auth/signup", &ada.sign_up())
}

// PW-07
#[test]
fn a_breached_password_is_refused_from_a_folder_and_the_operator_may_not_give_it_either() {
    let place = Place::new();
    let ranges = place.path().join("ranges");
    fs::create_dir(&ranges).expect("a folder");
    fs::write(ranges.join("BC5E5.txt"), format!("{SUFFIX}:17\r\n")).expect("a file");
    place.configure(&format!(
        "{DEFAULT_CONFIG}\n[breach]\nsource = \"folder\"\nfolder = {ranges:?}\n"
    ));
    let service = place.start();
    let refused = sign_up(&service, LEAKED).expect(422).json();
    assert_eq!(refused["errors"][0]["rule"], "breached");
    let created = place.run_with(LEAKED, &[], ["user", "create", "eve@example.com"]);
    assert_ne!(created.code, 0, "{created:?}");
    assert!(created.stderr.contains("data breach"), "{created:?}");
    // There is no file for its prefix, and nobody is kept from a password by that.
    let taken = sign_up(&service, "a password that did not leak");
    let _mailed = taken.expect(202);
    service.await_log("new passwords are not checked against breaches");
}

// PW-07
#[test]
fn a_service_in_trouble_keeps_a_sign_up_waiting_where_the_policy_says_so() {
    let receiver = WebhookServer::start(WebhookSecurity::Tls).expect("a service");
    let place = Place::new();
    let certificate = place.path().join("ca.pem");
    fs::write(&certificate, receiver.certificate_pem()).expect("a file");
    place.configure(&format!(
        "{DEFAULT_CONFIG}\n[breach]\nsource = \"service\"\nurl = {:?}\nca = {certificate:?}\n\
         [policy]\npassword_breach_check_required = true\n",
        receiver.url()
    ));
    let service = place.start();
    receiver.set(WebhookMode::Answer(503));
    let _waits = sign_up(&service, LEAKED).expect(503);
    receiver.set(WebhookMode::Json(200, format!("{SUFFIX}:17\r\n")));
    let _refused = sign_up(&service, LEAKED).expect(422);
    receiver.set(WebhookMode::Json(200, format!("{SUFFIX}:0\r\n")));
    let _mailed = sign_up(&service, LEAKED).expect(202);
    // Required, with nobody to ask, nothing starts.
    place.configure(&format!(
        "{DEFAULT_CONFIG}\n[policy]\npassword_breach_check_required = true\n"
    ));
    let refused = place.run(["serve"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(
        refused.stderr.contains("password_breach_check_required"),
        "{refused:?}"
    );
}
