//! Minting, verifying, and the work they do.

use portcullis_core::entropy::{EntropyError, SeededEntropy};
use portcullis_core::id::TenantId;
use portcullis_tokens::keys::{KeyRings, Purpose};
use portcullis_tokens::opaque::{Minted, PresentedToken, TokenClass, TokenFormat, Tokens};

use crate::support::{NOW, NoEntropy, keys};

const CLASS: TokenClass = TokenClass::ApiToken;

fn tokens(keys: KeyRings) -> Tokens {
    Tokens::new(TokenFormat::default(), keys)
}

fn rotated() -> KeyRings {
    keys(1)
        .rotate(Purpose::TokenPepper, &SeededEntropy::new(2), NOW)
        .unwrap()
}

fn mint(tokens: &Tokens, seed: u64) -> (Minted, PresentedToken) {
    let minted = tokens
        .mint(CLASS, [7; 16], &SeededEntropy::new(seed))
        .unwrap();
    let presented = tokens.parse(CLASS, minted.plaintext.expose()).unwrap();
    (minted, presented)
}

// AK-02
#[test]
fn a_token_verifies_against_its_own_digest_only() {
    let tokens = tokens(keys(1));
    let (minted, presented) = mint(&tokens, 5);
    let (other, _) = mint(&tokens, 6);
    assert_eq!(presented.id(), [7; 16]);
    assert!(tokens.verify(&presented, &minted.digest));
    assert!(!tokens.verify(&presented, &other.digest));
}

// PW-13
#[test]
fn a_digest_is_worth_nothing_without_its_pepper() {
    let (minted, presented) = mint(&tokens(keys(1)), 5);
    assert!(!tokens(keys(2)).verify(&presented, &minted.digest));
}

// CR-01, FT-28
#[test]
fn nothing_is_minted_without_randomness() {
    let minted = tokens(keys(1)).mint(CLASS, [7; 16], &NoEntropy);
    assert_eq!(minted.unwrap_err(), EntropyError);
}

// CR-04
#[test]
fn an_older_token_verifies_until_its_pepper_is_retired() {
    let (minted, presented) = mint(&tokens(keys(1)), 5);
    let v2 = rotated();
    assert!(tokens(v2.clone()).verify(&presented, &minted.digest));
    let (newer, presented_newer) = mint(&tokens(v2.clone()), 6);
    assert_eq!(newer.digest.key_version, 2);
    let retired = tokens(v2.retire(Purpose::TokenPepper, 1, NOW).unwrap());
    assert!(!retired.verify(&presented, &minted.digest));
    assert!(retired.verify(&presented_newer, &newer.digest));
}

// AK-03
#[test]
fn a_miss_does_the_work_of_a_hit() {
    let (newer, _) = mint(&tokens(rotated()), 4);
    assert_eq!(newer.digest.key_version, 2);
    let tokens = tokens(keys(1));
    let (minted, presented) = mint(&tokens, 5);
    let (other, _) = mint(&tokens, 6);
    let work = |check: &dyn Fn()| {
        let before = tokens.digests_computed();
        check();
        tokens.digests_computed() - before
    };
    // The last is of a version that this ring does not have.
    for (stored, answer) in [(&minted, true), (&other, false), (&newer, false)] {
        let verify = || assert_eq!(tokens.verify(&presented, &stored.digest), answer);
        assert_eq!(work(&verify), 1);
    }
    assert_eq!(work(&|| tokens.verify_miss(&presented)), 1);
}

#[test]
fn a_keyed_digest_verifies_for_its_domain_and_parts_only() {
    let before = tokens(keys(1));
    let digest = before.keyed("sign-up", &[b"ab", b"c"]);
    assert!(before.verify_keyed("sign-up", &[b"ab", b"c"], &digest));
    for (domain, parts) in [
        ("sign-in", &[&b"ab"[..], b"c"][..]),
        ("sign-up", &[b"a", b"bc"]),
        ("sign-up", &[b"abc"]),
        ("sign-upab", &[b"c"]),
    ] {
        assert!(!before.verify_keyed(domain, parts, &digest));
    }
    let v2 = rotated();
    assert!(tokens(v2.clone()).verify_keyed("sign-up", &[b"ab", b"c"], &digest));
    let retired = tokens(v2.retire(Purpose::TokenPepper, 1, NOW).unwrap());
    assert!(!retired.verify_keyed("sign-up", &[b"ab", b"c"], &digest));
}

#[test]
fn an_identifiers_digest_outlives_a_rotation_but_not_its_key() {
    let tenant = TenantId::from_integer(1);
    let digest = |keys: KeyRings, tenant| tokens(keys).identifier_digest(tenant, "ann@example.org");
    let first = digest(keys(1), tenant);
    let v2 = rotated();
    assert_eq!(digest(v2.clone(), tenant), first);
    assert_ne!(digest(v2.clone(), TenantId::from_integer(2)), first);
    assert_ne!(digest(keys(2), tenant), first);
    let retired = v2.retire(Purpose::TokenPepper, 1, NOW).unwrap();
    assert_ne!(digest(retired, tenant), first);
}

// CR-05
#[test]
fn tokens_print_redacted() {
    let tokens = tokens(keys(1));
    let (minted, presented) = mint(&tokens, 5);
    let printed = format!("{minted:?} {presented:?} {tokens:?}");
    assert!(printed.contains("[redacted]"));
    let text = minted.plaintext.expose();
    for secret in [text, &text[30..73], &text[30..40]] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
