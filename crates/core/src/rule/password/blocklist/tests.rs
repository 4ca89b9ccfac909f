//! What is refused, and what is not.

use super::*;

#[test]
fn the_list_is_sorted_folded_and_without_doubles() {
    assert!(LIST.lines().is_sorted());
    assert_eq!(words().len(), LIST.lines().count());
    for pair in words().windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    for word in words() {
        assert_eq!(*word, &*fold(word));
        assert!(word.chars().all(char::is_alphabetic), "{word}");
        assert!((4..=LENGTH_MAX).contains(&word.chars().count()), "{word}");
    }
}

// PW-06
#[test]
fn more_than_three_thousand_passwords_of_every_length_that_a_policy_asks_for_are_refused() {
    for least in [8, 12, 15, 20] {
        let mut refused = 0_u32;
        for word in words() {
            for again in words().iter().step_by(13).chain([word]) {
                let pair = format!("{word}{again}");
                if pair.chars().count() >= least {
                    assert!(is_common(&pair), "{pair}");
                    refused += 1;
                }
            }
            for tail in [
                "123",
                "2024!",
                "1234567890",
                "12345678901234567890",
                "!!!!!!!!!!!!",
            ] {
                let decorated = format!("{word}{tail}");
                if decorated.chars().count() >= least {
                    assert!(is_common(&decorated), "{decorated}");
                    refused += 1;
                }
            }
        }
        assert!(refused >= 3000, "{refused} of {least} characters");
    }
}

#[test]
fn what_guessing_starts_with_is_refused_however_it_is_dressed_up() {
    for text in [
        "123456789012345",
        "000000000000000",
        "987654321098765",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiopasdfghjkl",
        "passwordpassword",
        "PasswordPassword",
        "Password1234567",
        "123password1234",
        "p@ssw0rdp@ssw0rd",
        "P4$$w0rd-P4$$w0rd",
        "we1comewe1come",
        "Welcome Welcome 1",
        "iloveyouiloveyou!",
        "summer2024summer2024",
        "correcthorsebatterystaple",
        "letmeinletmein123",
        "ＰＡＳＳＷＯＲＤ-ＰＡＳＳＷＯＲＤ",
    ] {
        assert!(is_common(text), "{text}");
    }
}

#[test]
fn passphrases_are_not_refused_for_the_words_in_them() {
    for text in [
        "correct horse battery staple",
        "a battery of staple horses",
        "monkey football dragon sunshine",
        "dragon 8341 2290 1177",
        "my password is a long one",
        "the summer we met was 1998",
        "密码密码密码密码密码密码密码密",
        "               ",
        "long enough to be good",
    ] {
        assert!(!is_common(text), "{text}");
    }
}

// PW-06
#[test]
fn every_one_of_the_6000_commonest_passwords_is_refused_however_its_letters_are_written() {
    assert!(COMMON.lines().is_sorted());
    assert!(common().len() >= 6000, "{}", common().len());
    for password in common() {
        assert!(password.chars().count() >= 8, "{password}");
        assert_eq!(*password, &*fold(password));
        assert!(is_common(password), "{password}");
    }
    for password in common().iter().step_by(9) {
        let decorated = format!("{password}2024!");
        for text in [&password.to_uppercase(), &decorated, &password.repeat(2)] {
            assert!(is_common(text), "{text}");
        }
    }
}

#[test]
fn what_is_typed_without_thinking_is_refused_however_long_it_is() {
    for text in [
        "aaaaaaaaaaaaaaa",
        "1q2w3e4r5t6y7u8i",
        "1qaz2wsx3edc4rfv",
        "1QAZ2wsx3EDC4rfv",
        "3edc2wsx1qaz4rfv!",
        "123456789123456",
        "12345678987654321",
        "qazwsxedcrfvtgb",
        "abc123abc123abc123",
        "123qwe123qwe123qwe",
        "112233445566778899",
        "147258369147258369",
        "asdfghjkl;asdfghjkl;",
        "xk3xk3xk3xk3xk3",
        "zxcvbnm,./zxcvbnm,./",
    ] {
        assert!(is_common(text), "{text}");
    }
}
