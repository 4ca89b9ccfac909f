//! New passwords that are known from breaches.

use std::fmt::{Debug, Write as _};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::FlowError;
use portcullis_backends::breach::{BreachCheck, BreachError};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::rule::password::PasswordRejection;
use portcullis_backends::core::secret::Password;
use portcullis_backends::flow::{
    ChangePasswordOutcome, OpenAccountOutcome, ResetPasswordOutcome, SignInOutcome, SignUp,
    SignUpOutcome, VerifyEmailOutcome,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;

use super::NEW;
use crate::harness::{ADA, Harness, PASSWORD};

const EVE: &str = "eve@example.com";
const BREACHED: &str = "a password that leaked";

/// What the list does.
#[derive(Clone, Copy)]
enum Does {
    Answer,
    Fail,
    Hang,
    SendTooMuch,
    SendSomethingElse,
}

/// A list with one password in it.
#[derive(Clone)]
struct List {
    does: Arc<Mutex<Does>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl List {
    fn that(does: Does) -> Self {
        Self {
            does: Arc::new(Mutex::new(does)),
            asked: Arc::default(),
        }
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl BreachCheck for List {
    async fn is_breached(&self, password: &Password) -> Result<bool, BreachError> {
        let password = password.expose();
        self.asked.lock().unwrap().push(password.to_owned());
        let does = *self.does.lock().unwrap();
        match does {
            Does::Answer => Ok(password == BREACHED),
            Does::Fail => Err(BreachError::Source("connection refused".into())),
            Does::Hang => pending().await,
            Does::SendTooMuch => Err(BreachError::TooLong),
            Does::SendSomethingElse => Err(BreachError::Malformed),
        }
    }
}

/// Whether a new password needs an answer.
const REQUIRED: bool = true;

fn policy(required: bool) -> PolicyOverrides {
    PolicyOverrides {
        password_breach_check_required: Some(required),
        ..PolicyOverrides::default()
    }
}

async fn with(list: &List, required: bool) -> Harness {
    let list = list.clone();
    Harness::with(|builder| {
        builder
            .breach_check(list)
            .policy(policy(required))
            // Asked once, and not waited for.
            .breach_timeout(Duration::ZERO)
    })
    .await
}

impl Harness {
    async fn try_sign_up(&self, email: &str, password: &str) -> Result<SignUpOutcome, FlowError> {
        let input = SignUp {
            email: Identifier::email(email).unwrap(),
            password: Password::new(password).unwrap(),
        };
        self.portcullis.sign_up(input, &self.context()).await
    }
}

// PW-01, PW-07
#[tokio::test]
async fn every_flow_that_sets_a_password_refuses_a_breached_one_and_does_not_hash_it() {
    let list = List::that(Does::Answer);
    let h = with(&list, !REQUIRED).await;
    h.person(ADA).await;
    let ada = h.sign_in(ADA).await;
    let link = h.reset_link(ADA).await;
    h.sign_up(EVE, PASSWORD).await;
    let verification = h.mailed_token(EVE).await;
    let (before, asked) = (h.hasher.hashes(), list.asked().len());

    let signed_up = h.try_sign_up("bob@example.com", BREACHED).await.unwrap();
    let opened = h.portcullis.admin_open_account(
        h.portcullis.default_tenant(),
        Identifier::email("bob@example.com").unwrap(),
        Password::new(BREACHED).unwrap(),
    );
    let refusals = [
        match signed_up {
            SignUpOutcome::PasswordRefused(why) => why,
            other => panic!("{other:?}"),
        },
        match opened.await.unwrap() {
            OpenAccountOutcome::PasswordRefused(why) => why,
            other => panic!("{other:?}"),
        },
        match h.verify_with_password(&verification, BREACHED).await {
            VerifyEmailOutcome::PasswordRefused(why) => why,
            other => panic!("{other:?}"),
        },
        match h.reset(&link, BREACHED).await {
            ResetPasswordOutcome::PasswordRefused(why) => why,
            other => panic!("{other:?}"),
        },
        match h.change(&ada, PASSWORD, BREACHED).await {
            ChangePasswordOutcome::PasswordRefused(why) => why,
            other => panic!("{other:?}"),
        },
    ];
    for why in refusals {
        assert_eq!(why, PasswordRejection::Breached);
        assert_eq!(why.rule(), "breached");
    }
    assert_eq!(list.asked().len(), asked + 5);
    let proof = 1;
    assert_eq!(h.hasher.hashes(), before + proof, "of the current one");
    // Nothing was used up, and another password is taken.
    let reset = h.reset(&link, NEW).await;
    assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
    assert!(h.signs_in(ADA, NEW).await);
}

#[tokio::test]
async fn the_list_is_asked_about_new_passwords_that_our_own_rules_allow_and_no_others() {
    let list = List::that(Does::Answer);
    let h = with(&list, REQUIRED).await;
    for refused in ["too short", "PasswordPassword1", "ada@example.com"] {
        let outcome = h.try_sign_up(ADA, refused).await.unwrap();
        assert!(matches!(outcome, SignUpOutcome::PasswordRefused(_)));
    }
    assert!(list.asked().is_empty());
    h.person(ADA).await;
    assert_eq!(list.asked(), [PASSWORD]);
    // Signing in is not setting a password, and does not depend on anybody's list.
    list.now(Does::Fail);
    let outcome = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)));
    assert_eq!(list.asked().len(), 1);
}

// PW-07, PW-08
#[tokio::test]
async fn the_list_is_asked_for_nobody_who_does_not_know_the_current_password() {
    let list = List::that(Does::Answer);
    let h = with(&list, REQUIRED).await;
    h.person(ADA).await;
    let ada = h.sign_in(ADA).await;
    let asked = list.asked().len();
    for new in [BREACHED, NEW] {
        let outcome = h.change(&ada, "not the password at all", new).await;
        assert!(matches!(outcome, ChangePasswordOutcome::CurrentRefused));
    }
    assert_eq!(list.asked().len(), asked);
    // While nobody answers, a wrong one is told from a right one all the same, and the right one changes nothing.
    list.now(Does::Fail);
    let outcome = h.change(&ada, "not the password at all", NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::CurrentRefused));
    let outcome = h.try_change(&ada, PASSWORD, NEW).await;
    assert!(matches!(outcome, Err(FlowError::Unavailable(_))));
    assert!(h.counts(&ada).await && h.signs_in(ADA, PASSWORD).await);
}

const FAILURES: [Does; 4] = [
    Does::Fail,
    Does::Hang,
    Does::SendTooMuch,
    Does::SendSomethingElse,
];

// PW-07
#[tokio::test]
async fn without_an_answer_a_password_is_taken_where_the_check_fails_open() {
    for failure in FAILURES {
        let h = with(&List::that(failure), !REQUIRED).await;
        let outcome = h.try_sign_up(ADA, BREACHED).await.unwrap();
        assert!(matches!(outcome, SignUpOutcome::Accepted { .. }));
    }
}

// PW-07
#[tokio::test]
async fn without_an_answer_nothing_is_decided_where_the_check_fails_closed() {
    for failure in FAILURES {
        let list = List::that(failure);
        let h = with(&list, REQUIRED).await;
        let outcome = h.try_sign_up(ADA, NEW).await;
        assert!(
            matches!(outcome, Err(FlowError::Unavailable(_))),
            "{outcome:?}"
        );
        assert_eq!(h.hasher.hashes(), 0);
        assert_eq!(h.store.outbox_len(), 0);
        list.now(Does::Answer);
        let outcome = h.try_sign_up(ADA, NEW).await.unwrap();
        assert!(matches!(outcome, SignUpOutcome::Accepted { .. }));
    }
}

// PW-07
#[tokio::test]
async fn a_failing_list_is_logged_once_for_each_kind_until_it_answers_and_never_with_the_password()
{
    for required in [!REQUIRED, REQUIRED] {
        let list = List::that(Does::Fail);
        let h = with(&list, required).await;
        let log = Log::default();
        let _guard = log.catch();
        for does in FAILURES.into_iter().chain(FAILURES) {
            list.now(does);
            let _either = h.try_sign_up(ADA, NEW).await;
        }
        let lines = log.about_breaches();
        assert_eq!(lines.len(), FAILURES.len(), "{lines:#?}");
        assert!(
            lines.iter().any(|line| line.contains("connection refused")),
            "{lines:#?}"
        );
        list.now(Does::Answer);
        h.try_sign_up(ADA, NEW).await.unwrap();
        list.now(Does::Hang);
        let _either = h.try_sign_up(ADA, NEW).await;
        assert_eq!(log.about_breaches().len(), FAILURES.len() + 1);
        for line in log.lines() {
            assert!(!line.contains(NEW), "{line}");
        }
    }
}

/// What one test logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn catch(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn about_breaches(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| line.contains("not checked against breaches"));
        lines
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _metadata: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut next = Some(value);
        while let Some(error) = next {
            self.record_debug(field, &format_args!("{error} {error:?}"));
            next = error.source();
        }
    }
}

#[cfg(feature = "breach")]
mod range {
    //! The range format, from the flow to the source.

    use std::error::Error;

    use portcullis_backends::breach::{RANGE_ANSWER_MAX_BYTES, RangeBreachCheck, RangeSource};

    use super::*;

    // SHA-1 of BREACHED begins and goes on with these.
    const PREFIX: &str = "BC5E5";
    const SUFFIX: &str = "095332DD43F79360BBE80D6094711B94888";

    #[derive(Clone)]
    struct Ranges {
        answer: Option<String>,
        seen: Arc<Mutex<Vec<String>>>,
    }

    #[async_trait]
    impl RangeSource for Ranges {
        async fn range(&self, prefix: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
            self.seen.lock().unwrap().push(prefix.to_owned());
            self.answer
                .clone()
                .ok_or_else(|| "503 from the mirror".into())
        }
    }

    async fn asking(answer: Option<String>) -> (Harness, Ranges) {
        let ranges = Ranges {
            answer,
            seen: Arc::default(),
        };
        let check = RangeBreachCheck::new(ranges.clone());
        let h =
            Harness::with(|builder| builder.breach_check(check).policy(super::policy(REQUIRED)));
        (h.await, ranges)
    }

    // PW-07
    #[tokio::test]
    async fn a_range_source_sees_five_characters_of_a_digest_and_nothing_else() {
        let padding = format!("{}:0\r\n", "0".repeat(35));
        let (h, ranges) = asking(Some(format!("{padding}{SUFFIX}:17\r\n"))).await;
        let outcome = h.try_sign_up(ADA, BREACHED).await.unwrap();
        let SignUpOutcome::PasswordRefused(PasswordRejection::Breached) = outcome else {
            panic!("{outcome:?}");
        };
        let outcome = h.try_sign_up(ADA, NEW).await.unwrap();
        assert!(matches!(outcome, SignUpOutcome::Accepted { .. }));
        let seen = ranges.seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen.first().unwrap(), PREFIX);
        for prefix in seen {
            assert_eq!(prefix.len(), 5, "{prefix}");
            assert!(prefix.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }

    #[tokio::test]
    async fn padding_with_the_suffix_is_no_breach() {
        let (h, _) = asking(Some(format!("{SUFFIX}:0\r\n"))).await;
        let outcome = h.try_sign_up(ADA, BREACHED).await.unwrap();
        assert!(matches!(outcome, SignUpOutcome::Accepted { .. }));
    }

    #[tokio::test]
    async fn a_range_that_is_none_is_no_answer() {
        let line = format!("{}:1\r\n", "A".repeat(35));
        let longest = RANGE_ANSWER_MAX_BYTES / line.len();
        let (h, _) = asking(Some(line.repeat(longest))).await;
        h.try_sign_up(ADA, NEW).await.unwrap();
        for answer in [
            None,
            Some("<html>Sign in to the network</html>".to_owned()),
            Some(line.repeat(longest + 1)),
        ] {
            let (h, _) = asking(answer).await;
            let outcome = h.try_sign_up(ADA, NEW).await;
            assert!(
                matches!(outcome, Err(FlowError::Unavailable(_))),
                "{outcome:?}"
            );
        }
    }
}
