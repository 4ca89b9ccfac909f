use super::*;
use crate::policy::TenantPolicy;

fn rules() -> PasswordRules {
    TenantPolicy::default().password
}

#[test]
fn length_counts_code_points() {
    let rules = rules();
    for (text, fits) in [
        ("a phrase of 14".to_owned(), false),
        ("a phrase of 15!".to_owned(), true),
        ("🦀".repeat(14), false),
        ("🦀".repeat(15), true),
    ] {
        assert_eq!(
            check(&Password::new(text).unwrap(), &rules, &[]).is_ok(),
            fits
        );
    }
}

// PW-05
#[test]
fn no_composition_is_asked_for() {
    let rules = rules();
    for text in [
        "lowercaselettersalone",
        "               ",
        "correct horse battery",
        "密码密码密码密码密码密码密码密",
    ] {
        check(&Password::new(text).unwrap(), &rules, &[]).unwrap();
    }
}

#[test]
fn a_password_holds_as_long_as_the_policy_says_and_not_longer() {
    let set = Timestamp::from_secs(1000);
    let at = |secs| Timestamp::from_secs(secs);
    let mut rules = rules();
    assert_eq!(wait_before_change(set, &rules, set), None);
    rules.change_cooldown = Duration::from_secs(60);
    let wait = |now| wait_before_change(set, &rules, now);
    assert_eq!(wait(set), Some(Duration::from_secs(60)));
    assert_eq!(wait(at(1059)), Some(Duration::from_secs(1)));
    assert_eq!(wait(at(1060)), None);
    assert_eq!(wait(Timestamp::MAX), None);
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_longer() {
    let mut rules = rules();
    rules.change_cooldown = Duration::from_secs(60);
    let wait = |set, now| wait_before_change(set, &rules, now);
    let longest = Some(Duration::from_secs(60));
    assert_eq!(
        wait(Timestamp::from_secs(5000), Timestamp::from_secs(1000)),
        longest
    );
    assert_eq!(wait(Timestamp::MAX, Timestamp::UNIX_EPOCH), longest);
}
