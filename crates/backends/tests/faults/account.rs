//! Closing one's account, and giving out what is kept about its owner.

use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{AccountExport, CloseAccountOutcome, SignInOutcome, SignedIn};

use crate::every::every_fault;
use crate::world::{ADA, PASSWORD, World};

struct Member {
    here: SignedIn,
    token: SecretText,
}

async fn member(w: &World) -> Member {
    w.person(ADA).await;
    let here = w.sign_in(ADA).await;
    let (_, token) = w.api_token(&here.principal).await;
    w.advance(1);
    Member { here, token }
}

fn notices(w: &World) -> usize {
    let mails = w.mailbox.to(ADA);
    let closed = mails.iter().filter(|mail| mail.subject.contains("closed"));
    closed.count()
}

// FT-32, CC-03
#[tokio::test]
async fn closing_ones_account_takes_everything_away_or_nothing() {
    let close = async |w: &World, m: &Member| {
        let context = w.context();
        w.portcullis
            .close_account(&m.here.principal, &context)
            .await
    };
    every_fault(
        member,
        close,
        |outcome| *outcome == CloseAccountOutcome::Closed,
        async |w: &World, m: &Member, answer: Option<CloseAccountOutcome>| {
            let open = w.accepts_cookie(&m.here.cookie).await;
            assert_eq!(open, w.accepts_token(&m.token).await, "half of it");
            assert!(!open || answer.is_none(), "acknowledged, and they are in");
            w.deliver().await;
            // A mail that a dead worker delivered may come a second time.
            assert_eq!(
                open,
                notices(w) == 0,
                "closed without a notice, or told too early"
            );
            let again = close(w, m).await.unwrap();
            assert_eq!(open, again == CloseAccountOutcome::Closed);
            assert!(!w.accepts_cookie(&m.here.cookie).await);
            assert!(!w.accepts_token(&m.token).await);
            let refused = w.try_sign_in(ADA, PASSWORD, None).await.unwrap();
            assert!(matches!(refused, SignInOutcome::Refused));
            let events = w.events().await;
            let mut changes = events.iter();
            let changed = AuthEventType::AccountStateChanged;
            assert!(changes.any(|event| event.kind == changed));
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn what_is_kept_is_given_out_with_an_event_or_not_at_all() {
    every_fault(
        member,
        async |w: &World, m: &Member| {
            let context = w.context();
            let export = w.portcullis.export_account(&m.here.principal, &context);
            export.await
        },
        |export: &Option<AccountExport>| {
            export.as_ref().is_some_and(|export| {
                let whole = export.account.is_some() && !export.factors.is_empty();
                let events = export
                    .events
                    .as_ref()
                    .is_some_and(|events| !events.is_empty());
                whole && events && export.sessions.len() == 1 && export.api_tokens.len() == 1
            })
        },
        async |w: &World, _: &Member, answer: Option<Option<AccountExport>>| {
            let events = w.events().await;
            let mut all = events.iter();
            let told = all.any(|event| event.kind == AuthEventType::AccountExported);
            assert!(told || answer.is_none(), "given out unseen");
        },
    )
    .await;
}
