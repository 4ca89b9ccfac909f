//! What people call their sessions.

use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::id::SessionId;
use portcullis_backends::core::secret::Password;
use portcullis_backends::flow::{
    ChangePassword, ChangePasswordOutcome, SignedIn, StepUp, StepUpOutcome,
};

use crate::harness::{ADA, Harness, PASSWORD};

impl Harness {
    async fn rename(&self, who: &SignedIn, id: SessionId, name: Option<&str>) -> bool {
        let context = self.context();
        let renamed = self
            .portcullis
            .rename_session(&who.principal, id, name, &context);
        renamed.await.unwrap()
    }

    async fn names(&self, who: &SignedIn) -> Vec<Option<String>> {
        let listed = self.portcullis.list_sessions(&who.principal).await.unwrap();
        listed.into_iter().map(|session| session.name).collect()
    }
}

fn id(of: &SignedIn) -> SessionId {
    of.principal.session().unwrap()
}

#[tokio::test]
async fn somebody_names_their_sessions_and_nobody_elses() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let here = h.sign_in(ADA).await;
    h.advance(1);
    let there = h.sign_in(ADA).await;
    let eve = h.sign_in("eve@example.com").await;
    assert!(h.rename(&here, id(&there), Some("phone")).await);
    assert_eq!(h.names(&here).await, [Some("phone".to_owned()), None]);
    assert!(!h.rename(&eve, id(&there), Some("mine")).await);
    assert!(h.rename(&here, id(&there), None).await);
    assert_eq!(h.names(&here).await, [None, None]);
    let renamed = h.events().await;
    let renamed = renamed
        .iter()
        .filter(|event| event.kind == AuthEventType::SessionRenamed);
    let text: Vec<_> = renamed.map(|event| event.detail.to_string()).collect();
    assert_eq!(text.len(), 2, "none for what was not done");
    assert!(!text.concat().contains("phone"), "the name is its owner's");
}

// SE-04
#[tokio::test]
async fn a_session_that_was_ended_is_named_by_nobody_and_stays_ended() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let (here, there) = (h.sign_in(ADA).await, h.sign_in(ADA).await);
    let context = h.context();
    let ended = h
        .portcullis
        .revoke_session(&here.principal, id(&there), &context);
    assert!(ended.await.unwrap());
    assert!(!h.rename(&here, id(&there), Some("phone")).await);
    assert_eq!(h.names(&here).await, [None]);
}

// SE-02
#[tokio::test]
async fn a_name_stays_where_the_session_gets_another_id() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    assert!(h.rename(&here, id(&here), Some("work")).await);
    let (context, password) = (h.context(), || Password::new(PASSWORD).unwrap());
    let step_up = StepUp {
        password: password(),
    };
    let outcome = h
        .portcullis
        .step_up(&here.principal, step_up, &context)
        .await;
    let StepUpOutcome::SteppedUp(here) = outcome.unwrap() else {
        panic!("the password is right");
    };
    assert_eq!(h.names(&here).await, [Some("work".to_owned())]);
    let change = ChangePassword {
        current: password(),
        new: Password::new("a battery of staple horses").unwrap(),
    };
    let changed = h
        .portcullis
        .change_password(&here.principal, change, &context);
    let ChangePasswordOutcome::Changed { session } = changed.await.unwrap() else {
        panic!("the password is right");
    };
    assert_eq!(h.names(&session.unwrap()).await, [Some("work".to_owned())]);
}
