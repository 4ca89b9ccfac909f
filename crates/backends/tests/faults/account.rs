//! Closing one's account, and giving out what is kept about its owner.

use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{AccountExport, CloseAccountOutcome, SignInOutcome, SignedIn};

use crate::every::{every_fault, every_fault_in};
use crate::world::{ADA, PASSWORD, World};

/// Somebody with a session and an API token.
pub(crate) struct Member {
    pub(crate) user: UserId,
    pub(crate) here: SignedIn,
    pub(crate) token: SecretText,
}

pub(crate) async fn member(w: &World) -> Member {
    let user = w.person(ADA).await;
    let here = w.sign_in(ADA).await;
    let (_, token) = w.api_token(&here.principal).await;
    w.advance(1);
    Member { user, here, token }
}

fn notices(w: &World) -> usize {
    let mails = w.mailbox.to(ADA);
    let closed = mails.iter().filter(|mail| mail.subject.contains("closed"));
    closed.count()
}

/// Whatever fails, an account is closed with all that follows, or open.
pub(crate) async fn closing_takes_everything_away(make: impl AsyncFn() -> World) {
    let close = async |w: &World, m: &Member| {
        let context = w.context();
        w.portcullis
            .close_account(&m.here.principal, &context)
            .await
    };
    every_fault_in(
        make,
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

// FT-32, CC-03
#[tokio::test]
async fn closing_ones_account_takes_everything_away_or_nothing() {
    closing_takes_everything_away(World::new).await;
}

/// What there is of [`member`].
pub(crate) fn is_whole(export: &Option<AccountExport>) -> bool {
    export.as_ref().is_some_and(|export| {
        let whole = export.account.is_some() && !export.factors.is_empty();
        let events = export.events.as_ref();
        let events = events.is_some_and(|events| !events.is_empty());
        whole && events && export.sessions.len() == 1 && export.api_tokens.len() == 1
    })
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
        is_whole,
        async |w: &World, _: &Member, answer: Option<Option<AccountExport>>| {
            let events = w.events().await;
            let mut all = events.iter();
            let told = all.any(|event| event.kind == AuthEventType::AccountExported);
            assert!(told || answer.is_none(), "given out unseen");
        },
    )
    .await;
}
