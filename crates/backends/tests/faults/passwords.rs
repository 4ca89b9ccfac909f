//! Changing a password, and setting a new one with a link.

use portcullis_backends::FlowError;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{
    ChangePassword, ChangePasswordOutcome, ForgotPassword, ResetLinkOutcome, ResetPassword,
    ResetPasswordOutcome, SignInOutcome, SignedIn,
};

use crate::every::every_fault;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World};

type Two = (SignedIn, SignedIn);

impl World {
    pub(crate) async fn try_change(
        &self,
        who: &SignedIn,
        current: &str,
        new: &str,
    ) -> Result<ChangePasswordOutcome, FlowError> {
        let change = ChangePassword {
            current: Password::new(current).unwrap(),
            new: Password::new(new).unwrap(),
        };
        let context = self.context();
        let changed = self
            .portcullis
            .change_password(&who.principal, change, &context);
        changed.await
    }

    pub(crate) async fn try_forgot(&self, email: &str) -> Result<(), FlowError> {
        let email = Identifier::email(email).unwrap();
        // One mail a moment, so that there is a latest one.
        self.advance(1);
        self.portcullis
            .forgot_password(ForgotPassword { email }, &self.context())
            .await
    }

    pub(crate) async fn reset_link(&self, email: &str) -> SecretText {
        self.try_forgot(email).await.unwrap();
        self.mailed_link(email).await
    }

    pub(crate) async fn try_reset(
        &self,
        link: &SecretText,
        password: &str,
    ) -> Result<ResetPasswordOutcome, FlowError> {
        let reset = ResetPassword {
            token: link.clone(),
            password: Password::new(password).unwrap(),
        };
        self.portcullis.reset_password(reset, &self.context()).await
    }

    pub(crate) async fn signs_in(&self, password: &str) -> bool {
        let outcome = self.try_sign_in(ADA, password, None).await.unwrap();
        matches!(outcome, SignInOutcome::SignedIn(_))
    }

    /// Whether the notice went out.
    async fn was_told(&self) -> bool {
        self.deliver().await;
        let mails = self.mailbox.to(ADA);
        mails
            .iter()
            .any(|mail| mail.subject.contains("was changed"))
    }
}

async fn signed_in_twice(w: &World) -> Two {
    w.person(ADA).await;
    let here = w.sign_in(ADA).await;
    w.advance(1);
    (here, w.sign_in(ADA).await)
}

/// Either the old password counts, with the old sessions and nobody told, or the new one, without any of them.
async fn one_or_the_other(w: &World, before: &[&SignedIn], changed: bool) {
    for session in before {
        let counts = w.accepts_cookie(&session.cookie).await;
        assert!(!changed || !counts, "a session outlived the change");
        // A change that failed after its write may have ended the row of a session, never without the write.
        assert!(changed || counts, "a session ended without a change");
    }
    assert_eq!(w.was_told().await, changed);
    assert_eq!(w.signs_in(OTHER_PASSWORD).await, changed);
    assert_eq!(w.signs_in(PASSWORD).await, !changed);
}

async fn is_changed(w: &World) -> bool {
    w.signs_in(OTHER_PASSWORD).await
}

// FT-32, CC-03, SE-06
#[tokio::test]
async fn a_password_is_changed_with_all_that_follows_or_not_at_all() {
    every_fault(
        signed_in_twice,
        async |w: &World, (here, _): &Two| w.try_change(here, PASSWORD, OTHER_PASSWORD).await,
        |outcome| matches!(outcome, ChangePasswordOutcome::Changed { .. }),
        async |w: &World, (here, there): &Two, answer| {
            let changed = is_changed(w).await;
            assert!(changed || answer.is_none(), "acknowledged, and not changed");
            one_or_the_other(w, &[here, there], changed).await;
            if let Some(ChangePasswordOutcome::Changed {
                session: Some(kept),
            }) = answer
            {
                assert!(w.accepts_cookie(&kept.cookie).await, "the session got lost");
            }
        },
    )
    .await;
}

// FT-32, PW-08
#[tokio::test]
async fn a_wrong_current_password_is_refused_or_nobody_knows() {
    every_fault(
        signed_in_twice,
        async |w: &World, (here, _): &Two| {
            w.try_change(here, "not the password at all", OTHER_PASSWORD)
                .await
        },
        |outcome| matches!(outcome, ChangePasswordOutcome::CurrentRefused),
        async |w: &World, (here, there): &Two, _| one_or_the_other(w, &[here, there], false).await,
    )
    .await;
}

// FT-32, PW-19
#[tokio::test]
async fn a_link_is_on_its_way_when_it_was_promised_and_nothing_else_changes() {
    every_fault(
        signed_in_twice,
        async |w: &World, _: &Two| w.try_forgot(ADA).await,
        |()| true,
        async |w: &World, (here, there): &Two, answer: Option<()>| {
            w.deliver().await;
            let mails = w.mailbox.to(ADA);
            let links = mails
                .iter()
                .filter(|mail| mail.text.contains("reset?token="));
            assert!(
                links.count() > 0 || answer.is_none(),
                "promised, and no mail"
            );
            one_or_the_other(w, &[here, there], false).await;
            let link = w.reset_link(ADA).await;
            let reset = w.try_reset(&link, OTHER_PASSWORD).await.unwrap();
            assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
            one_or_the_other(w, &[here, there], true).await;
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn an_unknown_address_gets_the_same_answer_or_nobody_knows() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| w.try_forgot("nobody@example.com").await,
        |()| true,
        async |w: &World, (): &(), _| {
            w.deliver().await;
            assert!(w.mailbox.to("nobody@example.com").is_empty());
        },
    )
    .await;
}

// FT-32, CC-03, PW-18
#[tokio::test]
async fn a_reset_link_works_until_the_password_is_set_and_then_no_more() {
    every_fault(
        async |w: &World| {
            let (here, there) = signed_in_twice(w).await;
            (w.reset_link(ADA).await, here, there)
        },
        async |w: &World, (link, ..): &(SecretText, SignedIn, SignedIn)| {
            w.try_reset(link, OTHER_PASSWORD).await
        },
        |outcome| matches!(outcome, ResetPasswordOutcome::Reset { .. }),
        async |w: &World, (link, here, there): &(SecretText, SignedIn, SignedIn), answer| {
            let changed = is_changed(w).await;
            assert!(changed || answer.is_none(), "acknowledged, and not set");
            one_or_the_other(w, &[here, there], changed).await;
            let again = w.try_reset(link, OTHER_PASSWORD).await.unwrap();
            let works = matches!(again, ResetPasswordOutcome::Reset { .. });
            assert_eq!(works, !changed, "the link was burnt, or works twice");
            one_or_the_other(w, &[here, there], true).await;
            let third = w.try_reset(link, PASSWORD).await.unwrap();
            assert_eq!(third, ResetPasswordOutcome::Rejected);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_reset_activates_a_pending_account_whole_or_not_at_all() {
    every_fault(
        async |w: &World| {
            w.sign_up(ADA, PASSWORD).await;
            let strangers = w.mailed_link(ADA).await;
            (w.reset_link(ADA).await, strangers)
        },
        async |w: &World, (link, _): &(SecretText, SecretText)| {
            w.try_reset(link, OTHER_PASSWORD).await
        },
        |outcome| matches!(outcome, ResetPasswordOutcome::Reset { .. }),
        async |w: &World, (link, strangers): &(SecretText, SecretText), answer| {
            let changed = is_changed(w).await;
            assert!(changed || answer.is_none(), "acknowledged, and not set");
            if !changed {
                w.try_reset(link, OTHER_PASSWORD).await.unwrap();
            }
            assert!(is_changed(w).await);
            let verified = w.try_verify(strangers, None, Some(PASSWORD)).await.unwrap();
            let rejected = portcullis_backends::flow::VerifyEmailOutcome::Rejected;
            assert_eq!(verified, rejected, "the stranger's link outlived the proof");
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn looking_at_a_link_burns_nothing() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            w.reset_link(ADA).await
        },
        async |w: &World, link: &SecretText| {
            let context = w.context();
            w.portcullis.check_reset_link(link, &context).await
        },
        |outcome| matches!(outcome, ResetLinkOutcome::Works { .. }),
        async |w: &World, link: &SecretText, _| {
            let reset = w.try_reset(link, OTHER_PASSWORD).await.unwrap();
            assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
        },
    )
    .await;
}
