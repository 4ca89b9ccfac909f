//! What travels with a write commits with it or not at all, for every write of the security family.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::ClaimId;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::SecurityStore;
use portcullis_core::verification::{TokenKind, TokenRejection};

use super::expect::{applied, refused};
use super::operation::Operation;
use super::sample::{START, spend};
use super::scene::{Aim, Scene, Traces};
use super::trial::Trial;

/// The token is spent, the epoch moved, failures forgotten, the new token made and the mail queued with every effect.
pub async fn companions_commit_with_their_effect<S: SecurityStore>(trial: Trial<S>) {
    for operation in Operation::ALL {
        let scene = Scene::new(&trial, operation).await;
        let done = scene.run(&trial, Aim::Right, scene.along(&trial)).await;
        assert_eq!(applied(done), operation.answer(), "{operation:?}");
        let traces = scene.traces(&trial).await;
        assert_eq!(traces, Traces::of(operation), "{operation:?}");
    }
}

// CC-01
/// An effect that is refused burns no token, moves no epoch, forgets no failure and sends no mail.
pub async fn a_refused_effect_leaves_no_companion<S: SecurityStore>(trial: Trial<S>) {
    for operation in Operation::ALL {
        let Some(why) = operation.refusal() else {
            continue;
        };
        let scene = Scene::new(&trial, operation).await;
        let done = scene.run(&trial, Aim::Wrong, scene.along(&trial)).await;
        assert_eq!(refused(done), why, "{operation:?}");
        let traces = scene.traces(&trial).await;
        assert_eq!(traces, Traces::NONE, "{operation:?}");
        applied(trial.spend(spend(&scene.spent, START)).await);
    }
}

// CC-01
/// A token that does not work leaves no effect and no companion.
pub async fn a_token_that_does_not_work_leaves_no_effect<S: SecurityStore>(trial: Trial<S>) {
    for operation in Operation::ALL {
        let scene = Scene::new(&trial, operation).await;
        let mut along = scene.along(&trial);
        let mut other_kind = spend(&scene.spent, START);
        other_kind.kind = TokenKind::Invite;
        along.spend = Some(other_kind);
        // The token is looked at first: an effect that would be refused as well does not show.
        for aim in [Aim::Right, Aim::Wrong] {
            let done = scene.run(&trial, aim, along.clone()).await;
            let why = Refusal::Token(TokenRejection::OtherKind);
            assert_eq!(refused(done), why, "{operation:?}");
            let traces = scene.traces(&trial).await;
            assert_eq!(traces, Traces::NONE, "{operation:?}");
        }
        let done = scene.run(&trial, Aim::Right, scene.along(&trial)).await;
        assert_eq!(applied(done), operation.answer(), "{operation:?}");
    }
}

/// The epoch of nobody cannot be moved, so the rest does not happen either.
pub async fn the_epoch_of_nobody_refuses_the_write<S: SecurityStore>(trial: Trial<S>) {
    for operation in [
        Operation::Record,
        Operation::SetState,
        Operation::OpenAccount,
    ] {
        let scene = Scene::new(&trial, operation).await;
        for tenant in [scene.tenant, trial.tenant().await] {
            let along = scene.along(&trial).with_epoch_of(tenant, trial.nobody());
            let done = scene.run(&trial, Aim::Right, along).await;
            assert_eq!(refused(done), Refusal::NotFound, "{operation:?}");
            let traces = scene.traces(&trial).await;
            assert_eq!(traces, Traces::NONE, "{operation:?}");
        }
    }
}

/// A mail, token or event whose id is taken is a conflict, and nothing of the write is kept.
pub async fn an_id_used_twice_commits_nothing<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mail = Along::default().with_mail(trial.new_mail(tenant));
    let event = Along::event(trial.new_event(Some(tenant), START));
    let kind = TokenKind::MagicLink;
    let token = Along::default().with_issue(trial.new_token(kind, tenant, Some(user)));
    for along in [mail, event, token] {
        applied(store.record(along.clone()).await);
        let closed = Status::new(EntityState::Terminated, START);
        let set = store.set_state(tenant, user, &closed, along).await;
        assert_eq!(set.unwrap_err().kind(), StoreErrorKind::Conflict);
        let account = store.account(tenant, user).await.unwrap().unwrap();
        assert_eq!(account.status.state, EntityState::Active);
    }
}

/// A link can be exchanged for a new one of its kind in one write.
pub async fn a_token_is_spent_before_the_new_one_takes_its_place<S: SecurityStore>(
    trial: Trial<S>,
) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let kind = TokenKind::EmailVerification;
    let old = trial.issue(trial.new_token(kind, tenant, Some(user))).await;
    let new = trial.new_token(kind, tenant, Some(user));
    let along = Along::default().with_spend(spend(&old, START));
    applied(store.record(along.with_issue(new.clone())).await);
    let old = store.peek(old.id).await.unwrap().unwrap();
    assert_eq!((old.consumed_at, old.superseded_at), (Some(START), None));
    applied(trial.spend(spend(&new, START)).await);
}

// AZ-05
/// A link is made for somebody who has an account, whatever state that is in but a tombstone's: for anybody else neither
/// the link nor the mail with it is kept. One that is nobody's is made for anybody.
pub async fn a_link_is_made_for_somebody_who_is_there<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.tenant().await, trial.tenant().await);
    let mut owners = vec![(tenant, Some(trial.nobody()), false), (tenant, None, true)];
    for state in EntityState::ALL {
        let mut new = trial.new_account(tenant);
        new.state = state;
        let user = trial.opened(&new).await;
        owners.push((tenant, Some(user), state != EntityState::Archived));
        owners.push((elsewhere, Some(user), false));
    }
    for (tenant, owner, is_there) in owners {
        let token = trial.new_token(TokenKind::PasswordReset, tenant, owner);
        let mail = trial.new_mail(tenant);
        let id = mail.id;
        let along = Along::default().with_issue(token.clone()).with_mail(mail);
        let made = store.record(along).await;
        match is_there {
            true => applied(made),
            false => assert_eq!(refused(made), Refusal::NotFound),
        }
        let found = store.peek(token.id).await.unwrap();
        assert_eq!(found.is_some(), is_there);
        let claim = ClaimId::from_bytes(trial.id());
        let mails = store.claim_mail(claim, START, START, 1000).await.unwrap();
        let is_queued = mails.iter().any(|claimed| claimed.mail.id == id);
        assert_eq!(is_queued, is_there);
    }
}
