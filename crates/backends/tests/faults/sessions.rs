//! A person's own sessions and profile.

use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{Profile, SessionInfo, SignedIn, StepUp, StepUpOutcome};

use crate::every::every_fault;
use crate::world::{ADA, PASSWORD, World};

type Two = (SignedIn, SignedIn);

async fn signed_in(w: &World) -> SignedIn {
    w.person(ADA).await;
    w.sign_in(ADA).await
}

async fn signed_in_twice(w: &World) -> Two {
    let here = signed_in(w).await;
    w.advance(1);
    (here, w.sign_in(ADA).await)
}

/// A session that is over has an event that says so.
async fn is_over(w: &World, cookie: &SecretText, because: AuthEventType) -> bool {
    let over = !w.accepts_cookie(cookie).await;
    let events = w.events().await;
    let explained = events.iter().any(|event| event.kind == because);
    assert!(!over || explained, "ended, and nobody knows why");
    over
}

// FT-32, CC-03
#[tokio::test]
async fn signing_out_ends_the_session_or_can_be_done_again() {
    let sign_out = async |w: &World, s: &SignedIn| {
        let context = w.context();
        w.portcullis.sign_out(&s.principal, &context).await
    };
    every_fault(
        signed_in,
        async |w: &World, s: &SignedIn| sign_out(w, s).await,
        |(): &()| true,
        async |w: &World, s: &SignedIn, answer: Option<()>| {
            let over = is_over(w, &s.cookie, AuthEventType::SignOut).await;
            assert!(over || answer.is_none(), "acknowledged, and it lives on");
            sign_out(w, s).await.unwrap();
            assert!(is_over(w, &s.cookie, AuthEventType::SignOut).await);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_profile_is_read_whole_or_not_at_all() {
    every_fault(
        signed_in,
        async |w: &World, s: &SignedIn| w.portcullis.profile(&s.principal).await,
        |profile: &Option<Profile>| profile.as_ref().is_some_and(|found| found.handle == ADA),
        async |w: &World, s: &SignedIn, _| {
            let profile = w.portcullis.profile(&s.principal).await.unwrap().unwrap();
            assert!(
                profile
                    .identifiers
                    .iter()
                    .all(|identifier| identifier.verified)
            );
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn sessions_are_listed_whole_or_not_at_all() {
    every_fault(
        signed_in_twice,
        async |w: &World, (here, _): &Two| w.portcullis.list_sessions(&here.principal).await,
        |sessions: &Vec<SessionInfo>| sessions.len() == 2,
        async |w: &World, (here, there): &Two, _| {
            assert!(w.accepts_cookie(&here.cookie).await);
            assert!(w.accepts_cookie(&there.cookie).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn one_session_is_ended_or_can_be_ended_again() {
    let end = async |w: &World, (here, there): &Two| {
        let (id, context) = (there.principal.session().unwrap(), w.context());
        let ended = w.portcullis.revoke_session(&here.principal, id, &context);
        ended.await
    };
    every_fault(
        signed_in_twice,
        async |w: &World, two: &Two| end(w, two).await,
        |ended: &bool| *ended,
        async |w: &World, two: &Two, answer: Option<bool>| {
            let (here, there) = two;
            let over = is_over(w, &there.cookie, AuthEventType::SessionRevoked).await;
            assert!(over || answer.is_none(), "acknowledged, and it lives on");
            assert_eq!(end(w, two).await.unwrap(), !over);
            assert!(!end(w, two).await.unwrap());
            assert!(is_over(w, &there.cookie, AuthEventType::SessionRevoked).await);
            assert!(w.accepts_cookie(&here.cookie).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn the_other_sessions_are_ended_together_or_can_be_ended_again() {
    let end = async |w: &World, (here, _): &Two| {
        let context = w.context();
        w.portcullis
            .revoke_other_sessions(&here.principal, &context)
            .await
    };
    every_fault(
        async |w: &World| {
            let two = signed_in_twice(w).await;
            w.sign_in(ADA).await;
            two
        },
        async |w: &World, two: &Two| end(w, two).await,
        |ended: &u32| *ended == 2,
        async |w: &World, two: &Two, answer: Option<u32>| {
            let (here, there) = two;
            let over = is_over(w, &there.cookie, AuthEventType::SessionsRevoked).await;
            assert!(over || answer.is_none(), "acknowledged, and they live on");
            assert_eq!(end(w, two).await.unwrap(), if over { 0 } else { 2 });
            assert!(is_over(w, &there.cookie, AuthEventType::SessionsRevoked).await);
            assert!(w.accepts_cookie(&here.cookie).await);
            let left = w.portcullis.list_sessions(&here.principal).await.unwrap();
            assert_eq!(left.len(), 1);
        },
    )
    .await;
}

// FT-32, CC-03, SE-02
#[tokio::test]
async fn a_session_is_stepped_up_whole_or_its_owner_signs_in_again() {
    every_fault(
        signed_in_twice,
        async |w: &World, (here, _): &Two| {
            let password = Password::new(PASSWORD).unwrap();
            let (input, context) = (StepUp { password }, w.context());
            w.portcullis.step_up(&here.principal, input, &context).await
        },
        |outcome| matches!(outcome, StepUpOutcome::SteppedUp(_)),
        async |w: &World, (here, there): &Two, answer| {
            let over = is_over(w, &here.cookie, AuthEventType::PasswordConfirmed).await;
            assert!(
                over || answer.is_none(),
                "acknowledged, and the old id lives on"
            );
            if let Some(StepUpOutcome::SteppedUp(renewed)) = answer {
                assert!(
                    w.accepts_cookie(&renewed.cookie).await,
                    "the session got lost"
                );
            }
            assert!(w.accepts_cookie(&there.cookie).await);
            let left = w.portcullis.list_sessions(&there.principal).await.unwrap();
            assert_eq!(left.len(), 2, "one was added or lost");
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn everything_is_signed_out_together_or_can_be_signed_out_again() {
    let out = async |w: &World, (here, _): &Two| {
        let context = w.context();
        let out = w.portcullis.sign_out_everywhere(&here.principal, &context);
        out.await
    };
    every_fault(
        signed_in_twice,
        async |w: &World, two: &Two| out(w, two).await,
        |(): &()| true,
        async |w: &World, two: &Two, answer: Option<()>| {
            let (here, there) = two;
            let over = is_over(w, &here.cookie, AuthEventType::SessionsRevoked).await;
            assert!(over || answer.is_none(), "acknowledged, and they live on");
            assert_eq!(w.accepts_cookie(&there.cookie).await, !over, "one of them");
            out(w, two).await.unwrap();
            assert!(is_over(w, &here.cookie, AuthEventType::SessionsRevoked).await);
            assert!(is_over(w, &there.cookie, AuthEventType::SessionsRevoked).await);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_session_is_named_or_can_be_named_again_and_nothing_else_changes() {
    let rename = async |w: &World, s: &SignedIn| {
        let context = w.context();
        let id = s.principal.session().unwrap();
        let renamed = w
            .portcullis
            .rename_session(&s.principal, id, Some("work"), &context);
        renamed.await
    };
    let names = async |w: &World, s: &SignedIn| {
        let listed = w.portcullis.list_sessions(&s.principal).await.unwrap();
        let names = listed.into_iter().map(|session| session.name);
        names.collect::<Vec<_>>()
    };
    every_fault(
        signed_in,
        async |w: &World, s: &SignedIn| rename(w, s).await,
        |renamed| *renamed,
        async |w: &World, s: &SignedIn, answer: Option<bool>| {
            let named = names(w, s).await == [Some("work".to_owned())];
            assert!(named || answer.is_none(), "acknowledged, and not named");
            let events = w.events().await;
            let explained = events
                .iter()
                .any(|event| event.kind == AuthEventType::SessionRenamed);
            assert!(!named || explained);
            assert!(w.accepts_cookie(&s.cookie).await);
            assert!(rename(w, s).await.unwrap());
            assert_eq!(names(w, s).await, [Some("work".to_owned())]);
        },
    )
    .await;
}
