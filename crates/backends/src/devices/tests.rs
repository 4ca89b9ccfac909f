//! Marks: whose they are, and what somebody made up.

use portcullis_core::entropy::SeededEntropy;
use portcullis_core::time::Timestamp;
use portcullis_tokens::keys::KeyRings;
use portcullis_tokens::opaque::TokenFormat;

use super::*;

const TENANT: TenantId = TenantId::from_integer(1);

fn tokens(seed: u64) -> Tokens {
    let keys = KeyRings::generate(&SeededEntropy::new(seed), Timestamp::UNIX_EPOCH).unwrap();
    Tokens::new(TokenFormat::default(), keys)
}

// TH-05
#[test]
fn a_mark_is_good_for_what_was_signed_in_with_and_nothing_else() {
    let other_keys = || tokens(9);
    let (tokens, entropy) = (tokens(1), SeededEntropy::new(2));
    let none = DeviceMark::default();
    let (ada, bob) = ([1; 32], [2; 32]);
    let mark = after_sign_in(&tokens, TENANT, ada, &none, &entropy);
    let mark = mark.unwrap().unwrap();
    let own = counted_as(&tokens, TENANT, ada, &mark);
    assert_ne!(own, ada);
    assert_eq!(counted_as(&tokens, TENANT, bob, &mark), bob);
    let elsewhere = TenantId::from_integer(2);
    assert_eq!(counted_as(&tokens, elsewhere, ada, &mark), ada);
    assert_eq!(counted_as(&other_keys(), TENANT, ada, &mark), ada);
    // Signing in again changes nothing, and another browser has another count.
    let again = after_sign_in(&tokens, TENANT, ada, &mark, &entropy).unwrap();
    assert_eq!(again, None);
    let other = after_sign_in(&tokens, TENANT, ada, &none, &entropy);
    assert_ne!(
        counted_as(&tokens, TENANT, ada, &other.unwrap().unwrap()),
        own
    );
}

// TH-05
#[test]
fn a_mark_that_somebody_made_up_changes_nothing() {
    let (tokens, entropy) = (tokens(1), SeededEntropy::new(2));
    let ada = [1; 32];
    let mark = after_sign_in(&tokens, TENANT, ada, &DeviceMark::default(), &entropy);
    let text = mark.unwrap().unwrap().as_str().to_owned();
    let (number, proof) = text.split_once('.').unwrap();
    for made_up in [
        String::new(),
        ".".to_owned(),
        number.to_owned(),
        format!("{}.{proof}", "0".repeat(32)),
        format!("{number}.{}", "0".repeat(72)),
        format!("{number}.{proof}0"),
        format!("{number}.+{}", proof.get(1..).unwrap()),
        format!("{number}..{proof}"),
        "é".repeat(16),
    ] {
        let mark = DeviceMark::new(&made_up);
        assert_eq!(counted_as(&tokens, TENANT, ada, &mark), ada, "{made_up}");
    }
}

#[test]
fn a_browser_of_many_people_keeps_the_last_five() {
    let (tokens, entropy) = (tokens(1), SeededEntropy::new(2));
    let mut mark = DeviceMark::default();
    for person in 0..7_u8 {
        let next = after_sign_in(&tokens, TENANT, [person; 32], &mark, &entropy);
        mark = next.unwrap().unwrap();
    }
    for person in 0..7_u8 {
        let known = counted_as(&tokens, TENANT, [person; 32], &mark) != [person; 32];
        assert_eq!(known, person >= 2, "{person}");
    }
}
