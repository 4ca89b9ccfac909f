//! Identifiers that are proved, and what that activates.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::VerifiedIdentifier;
use portcullis_core::factor::{FactorConfig, FactorKind, FactorVersion};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{Activation, SecurityStore};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, TokenRejection};

use super::expect::{applied, refused, winners};
use super::sample::{START, after, just_before, password, spend};
use super::trial::{Trial, rounds};

fn activation(now: Timestamp, factor: Option<FactorConfig>) -> Activation {
    Activation {
        kind: IdentifierKind::Email,
        canonical: "zoë@example.com".to_owned(),
        activate: true,
        spelling: None,
        factor,
        now,
    }
}

/// A candidate or pending account becomes active with its identifier proved and the password that came with the token.
pub async fn proving_an_identifier_activates_a_pending_account<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    for state in [EntityState::Candidate, EntityState::Pending] {
        let mut new = trial.new_account(trial.tenant().await);
        new.state = state;
        let (tenant, user) = (new.tenant, trial.opened(&new).await);
        let proof = activation(after(5), Some(password("mine")));
        let verified = store.verify_identifier(tenant, user, &proof, Along::default());
        applied(verified.await);
        let account = store.account(tenant, user).await.unwrap().unwrap();
        assert_eq!(account.status, Status::new(EntityState::Active, after(5)));
        let proved = VerifiedIdentifier {
            kind: proof.kind,
            canonical: proof.canonical,
            at: after(5),
        };
        assert_eq!(account.verified, [proved]);
        let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
        let factor = loaded.unwrap().unwrap().factor.unwrap();
        assert_eq!(factor.config, password("mine"));
        assert_eq!(factor.version, FactorVersion(1));
    }
}

/// An active account stays as it is; a password that comes along replaces the one there; the first proof keeps its time.
pub async fn proving_again_keeps_the_first_time<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let mut new = trial.new_account(trial.tenant().await);
    new.factor = Some(password("old"));
    let (tenant, user) = (new.tenant, trial.opened(&new).await);
    for (secs, factor) in [(1, None), (2, Some(password("new")))] {
        let proof = activation(after(secs), factor);
        let verified = store.verify_identifier(tenant, user, &proof, Along::default());
        applied(verified.await);
    }
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(account.status, Status::new(EntityState::Active, START));
    let times = account.verified.iter().map(|proved| proved.at);
    assert_eq!(times.collect::<Vec<_>>(), [after(1)]);
    let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
    let factor = loaded.unwrap().unwrap().factor.unwrap();
    assert_eq!(factor.config, password("new"));
    assert_eq!(factor.version, FactorVersion(2));
    assert_eq!(factor.changed_at, after(2));
}

/// Without activation a proof leaves the state alone, whatever it is; a tombstone takes none.
pub async fn a_proof_alone_activates_nobody<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    for state in EntityState::ALL {
        let mut new = trial.new_account(tenant);
        new.state = state;
        let user = trial.opened(&new).await;
        let mut proof = activation(after(1), None);
        proof.activate = false;
        let verified = store.verify_identifier(tenant, user, &proof, Along::default());
        let account = match state {
            EntityState::Archived => {
                assert_eq!(refused(verified.await), Refusal::NotFound);
                continue;
            }
            // Whoever closes a sign-up that nobody proved is not overtaken by a proof.
            from @ EntityState::Terminated => {
                assert_eq!(refused(verified.await), Refusal::Transition { from });
                continue;
            }
            _ => {
                applied(verified.await);
                store.account(tenant, user).await.unwrap().unwrap()
            }
        };
        assert_eq!(account.status, Status::new(state, START));
        assert_eq!(account.verified.len(), 1);
    }
}

/// Neither a suspended nor a closed account is activated, and nothing of the proof is kept.
pub async fn no_suspended_or_closed_account_is_activated<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    let neither = EntityState::ALL
        .into_iter()
        .filter(|state| !state.may_become(EntityState::Active) && *state != EntityState::Active)
        .chain([EntityState::Suspended]);
    for from in neither {
        let mut new = trial.new_account(tenant);
        new.state = from;
        new.factor = Some(password("old"));
        let user = trial.opened(&new).await;
        let before = store.account(tenant, user).await.unwrap();
        let proof = activation(after(1), Some(password("new")));
        let verified = store.verify_identifier(tenant, user, &proof, Along::default());
        assert_eq!(refused(verified.await), Refusal::Transition { from });
        assert_eq!(store.account(tenant, user).await.unwrap(), before);
        let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
        let factor = loaded.unwrap().unwrap().factor.unwrap();
        assert_eq!(factor.config, password("old"));
    }
}

/// A suspension whose end has come is over: the account is active without more ado.
pub async fn a_suspension_that_ended_hinders_no_activation<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut suspended = Status::new(EntityState::Suspended, START);
    suspended.detail.until = Some(after(5));
    let set = store.set_state(tenant, user, &suspended, Along::default());
    applied(set.await);
    let early = activation(just_before(after(5)), None);
    let verified = store.verify_identifier(tenant, user, &early, Along::default());
    let from = EntityState::Suspended;
    assert_eq!(refused(verified.await), Refusal::Transition { from });
    let proof = activation(after(5), None);
    let verified = store.verify_identifier(tenant, user, &proof, Along::default());
    applied(verified.await);
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(account.status.effective_at(after(5)), EntityState::Active);
    assert_eq!(account.verified.len(), 1);
}

/// Nothing is proved for nobody.
pub async fn nobody_proves_nothing<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    for (tenant, user) in [(trial.tenant().await, user), (tenant, trial.nobody())] {
        let proof = activation(after(1), Some(password("x")));
        let verified = store.verify_identifier(tenant, user, &proof, Along::default());
        assert_eq!(refused(verified.await), Refusal::NotFound);
    }
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(account.verified, []);
}

/// What proves a sign-up proves its latest spelling, while it is pending; any other leaves nothing behind.
pub async fn a_sign_up_is_proved_in_its_latest_spelling<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    let proof = |spelling: &str| Activation {
        spelling: Some(spelling.to_owned()),
        ..activation(after(1), Some(password("theirs")))
    };
    for from in EntityState::ALL {
        let mut new = trial.new_account(tenant);
        new.state = from;
        new.handle = "Zo\u{eb}@example.com".to_owned();
        let user = trial.opened(&new).await;
        let prove = async |spelling: &str| {
            let proof = proof(spelling);
            let along = Along::default();
            store.verify_identifier(tenant, user, &proof, along).await
        };
        let before = store.account(tenant, user).await.unwrap();
        if from != EntityState::Pending {
            let proved = prove(&new.handle).await;
            assert_eq!(refused(proved), Refusal::Transition { from });
            assert_eq!(store.account(tenant, user).await.unwrap(), before);
            continue;
        }
        assert_eq!(refused(prove("zo\u{eb}@example.com").await), Refusal::Stale);
        assert_eq!(store.account(tenant, user).await.unwrap(), before);
        applied(prove(&new.handle).await);
        let account = store.account(tenant, user).await.unwrap().unwrap();
        assert_eq!(account.status, Status::new(EntityState::Active, after(1)));
        assert_eq!(
            (account.handle, account.verified.len()),
            (new.handle.clone(), 1)
        );
        let from = EntityState::Active;
        let again = prove(&new.handle).await;
        assert_eq!(refused(again), Refusal::Transition { from });
    }
}

// OT-03, CC-01
/// Of many who prove an address with one token at once, one does, and their password is the one set.
pub async fn one_token_activates_once<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let mut new = trial.new_account(tenant);
        new.state = EntityState::Pending;
        let user = trial.opened(&new).await;
        let token = trial.new_token(TokenKind::EmailVerification, tenant, Some(user));
        let spend = spend(&token, after(1));
        let issued = trial.store.record(Along::default().with_issue(token)).await;
        applied(issued);
        let verified = trial
            .race(32, |index, store| async move {
                let proof = activation(after(1), Some(password(&index.to_string())));
                let along = Along::default().with_spend(spend);
                store.verify_identifier(tenant, user, &proof, along).await
            })
            .await;
        let winner = verified
            .iter()
            .position(|write| write.as_ref().is_ok_and(|write| write.refusal().is_none()));
        let consumed = Refusal::Token(TokenRejection::Consumed);
        assert_eq!(winners(verified, consumed), 1);
        let kind = FactorKind::Password;
        let loaded = trial.store.load_factor(tenant, user, kind).await;
        let factor = loaded.unwrap().unwrap().factor.unwrap();
        assert_eq!(factor.config, password(&winner.unwrap().to_string()));
    }
}
