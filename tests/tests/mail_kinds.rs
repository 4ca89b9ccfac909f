//! Mail that the real binary delivers to nobody.

use portcullis_tests::{DEFAULT_CONFIG, Person, Place};

fn place(kind: &str) -> Place {
    Place::with_config(&format!("{DEFAULT_CONFIG}\n[mail]\nkind = \"{kind}\"\n"))
}

// LG-02
#[test]
fn mail_that_goes_to_the_log_is_told_there_without_its_link() {
    let place = place("log");
    let service = place.start();
    let ada = Person::new("ada");
    let answer = service.browser().post("/auth/signup", &ada.sign_up());
    let _accepted = answer.expect(202);
    service.await_log("Confirm your address");
    let said = service.stdout() + &service.stderr();
    assert!(!said.contains("pcl_vfy_"), "{said}");
    assert!(place.mails_to(&ada.email).is_empty());
}

#[test]
fn mail_that_goes_nowhere_is_not_kept_for_ever() {
    let place = place("none");
    let service = place.start();
    let ada = Person::new("ada");
    let answer = service.browser().post("/auth/signup", &ada.sign_up());
    let _accepted = answer.expect(202);
    let waiting = || {
        let listed = place.run(["outbox", "list", "--json"]);
        (listed.json().as_array().map(Vec::len) == Some(0)).then_some(())
    };
    let delivered = portcullis_tests::until(std::time::Duration::from_secs(60), waiting);
    assert!(delivered.is_some(), "{}", service.stderr());
    let said = service.stdout() + &service.stderr();
    assert!(
        !said.contains("pcl_vfy_") && !said.contains("Confirm your address"),
        "{said}"
    );
}
