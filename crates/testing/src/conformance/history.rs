//! Passwords that somebody had before.

use portcullis_core::along::{Along, Refusal, Remember};
use portcullis_core::factor::{FactorConfig, FactorKind, FactorVersion};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::secret::PasswordHash;
use portcullis_core::store::{Activation, PasswordHistory, SecurityStore, WriteResult};
use portcullis_core::verification::{TokenKind, TokenRejection};

use super::expect::{applied, refused, winners};
use super::sample::{after, password, spend};
use super::trial::{Trial, rounds};

type Owner = (TenantId, UserId);

fn hash(text: &str) -> PasswordHash {
    match password(text) {
        FactorConfig::Password(hash) => hash,
        other => panic!("{other:?}"),
    }
}

fn hashes<const N: usize>(texts: [&str; N]) -> Vec<PasswordHash> {
    texts.iter().map(|text| hash(text)).collect()
}

fn keeping((tenant, user): Owner, keep: u32) -> Along {
    Along::default().with_remembered(Remember { tenant, user, keep })
}

impl<S: SecurityStore + PasswordHistory> Trial<S> {
    /// Somebody with a password.
    async fn with_password(&self, text: &str) -> Owner {
        let mut new = self.new_account(self.tenant().await);
        new.factor = Some(password(text));
        (new.tenant, self.opened(&new).await)
    }

    async fn change(
        &self,
        (tenant, user): Owner,
        expected: u32,
        text: &str,
        along: Along,
    ) -> WriteResult<FactorVersion> {
        let (expected, config) = (FactorVersion(expected), password(text));
        let saved = self.store.compare_and_save_factor(
            tenant,
            user,
            expected,
            &config,
            after(u64::from(expected.0)),
            along,
        );
        saved.await
    }

    async fn prove(&self, (tenant, user): Owner, text: &str, along: Along) -> WriteResult<()> {
        let proof = Activation {
            kind: IdentifierKind::Email,
            canonical: "zoë@example.com".to_owned(),
            activate: true,
            spelling: None,
            factor: Some(password(text)),
            now: after(9),
        };
        let store = &self.store;
        store.verify_identifier(tenant, user, &proof, along).await
    }

    async fn earlier(&self, (tenant, user): Owner) -> Vec<PasswordHash> {
        let earlier = self.store.earlier_passwords(tenant, user, 100).await;
        earlier.unwrap()
    }
}

/// HIST-1: a change and a proof keep the password that they replace, the newest first.
pub async fn the_password_that_is_replaced_is_kept<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let owner = trial.with_password("a").await;
    assert_eq!(trial.earlier(owner).await, []);
    applied(trial.change(owner, 1, "b", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["a"]));
    applied(trial.prove(owner, "c", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["b", "a"]));
    // What is kept twice was held twice.
    applied(trial.change(owner, 3, "a", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["c", "b", "a"]));
    applied(trial.change(owner, 4, "d", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["a", "c", "b", "a"]));
}

/// HIST-3: as many are kept as the write asks for, and as many are read as the reader asks for.
pub async fn no_more_earlier_passwords_than_asked_for<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let owner = trial.with_password("0").await;
    for n in 1..=6 {
        let along = keeping(owner, 3);
        applied(trial.change(owner, n, &n.to_string(), along).await);
    }
    assert_eq!(trial.earlier(owner).await, hashes(["5", "4", "3"]));
    for (limit, expected) in [(0, hashes([])), (2, hashes(["5", "4"]))] {
        let read = trial.store.earlier_passwords(owner.0, owner.1, limit).await;
        assert_eq!(read.unwrap(), expected);
    }
    applied(trial.change(owner, 7, "7", keeping(owner, 1)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["6"]));
    applied(trial.change(owner, 8, "8", keeping(owner, u32::MAX)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["7", "6"]));
    applied(trial.change(owner, 9, "9", keeping(owner, 0)).await);
    assert_eq!(trial.earlier(owner).await, []);
}

/// A write that does not say so keeps nothing, such as one that brings a hash up to date.
pub async fn a_write_that_is_not_told_to_keeps_no_password<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let owner = trial.with_password("a").await;
    applied(trial.change(owner, 1, "b", keeping(owner, 5)).await);
    applied(trial.change(owner, 2, "b again", Along::default()).await);
    assert_eq!(trial.earlier(owner).await, hashes(["a"]));
    applied(trial.change(owner, 3, "c", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["b again", "a"]));
}

// CC-01
/// HIST-1: a write that is refused keeps no password, and lets none go.
pub async fn a_refused_write_keeps_no_password<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let owner = trial.with_password("a").await;
    applied(trial.change(owner, 1, "b", keeping(owner, 5)).await);
    for keep in [0, 5] {
        let stale = trial.change(owner, 1, "x", keeping(owner, keep)).await;
        assert_eq!(refused(stale), Refusal::Stale);
        assert_eq!(trial.earlier(owner).await, hashes(["a"]));
    }
    let unknown = trial.new_token(TokenKind::PasswordReset, owner.0, Some(owner.1));
    let along = keeping(owner, 0).with_spend(spend(&unknown, after(1)));
    let proved = trial.prove(owner, "x", along).await;
    assert_eq!(refused(proved), Refusal::Token(TokenRejection::Unknown));
    assert_eq!(trial.earlier(owner).await, hashes(["a"]));
}

/// HIST-2, HIST-4: who has no password keeps none, and removing it leaves those of before.
pub async fn a_removed_password_leaves_the_earlier_ones<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let store = &trial.store;
    let owner = trial.with_password("a").await;
    applied(trial.change(owner, 1, "b", keeping(owner, 5)).await);
    let kind = FactorKind::Password;
    let removed = store.remove_factor(owner.0, owner.1, kind, keeping(owner, 5));
    applied(removed.await);
    assert_eq!(trial.earlier(owner).await, hashes(["b", "a"]));
    applied(trial.prove(owner, "c", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["b", "a"]));
    applied(trial.change(owner, 1, "d", keeping(owner, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["c", "b", "a"]));
}

/// Earlier passwords are their owner's, in their tenant.
pub async fn earlier_passwords_are_nobody_elses<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let owner = trial.with_password("a").await;
    let other = trial.with_password("z").await;
    applied(trial.change(owner, 1, "b", keeping(owner, 5)).await);
    applied(trial.change(other, 1, "y", keeping(other, 5)).await);
    assert_eq!(trial.earlier(owner).await, hashes(["a"]));
    assert_eq!(trial.earlier(other).await, hashes(["z"]));
    for stranger in [(other.0, owner.1), (owner.0, trial.nobody())] {
        assert_eq!(trial.earlier(stranger).await, []);
        // Nobody's password is nobody's to keep.
        applied(trial.store.record(keeping(stranger, 5)).await);
        assert_eq!(trial.earlier(stranger).await, []);
    }
    assert_eq!(trial.earlier(owner).await, hashes(["a"]));
}

// CC-01
/// HIST-1, HIST-2: of many who change one password at once one does, and one password is kept for it.
pub async fn of_many_changes_at_once_one_password_is_kept<S>(trial: Trial<S>)
where
    S: SecurityStore + PasswordHistory,
{
    let owner = trial.with_password("first").await;
    let mut expected = Vec::new();
    let mut now = "first".to_owned();
    for round in 0..rounds() / 4 {
        let version = u32::try_from(round).unwrap() + 1;
        let saved = trial
            .race(16, |index, store| async move {
                let config = password(&format!("{round}.{index}"));
                store
                    .compare_and_save_factor(
                        owner.0,
                        owner.1,
                        FactorVersion(version),
                        &config,
                        after(2),
                        keeping(owner, 5),
                    )
                    .await
            })
            .await;
        let winner = saved
            .iter()
            .position(|write| write.as_ref().is_ok_and(|write| write.refusal().is_none()));
        assert_eq!(winners(saved, Refusal::Stale), 1);
        expected.insert(0, hash(&now));
        expected.truncate(5);
        assert_eq!(trial.earlier(owner).await, expected);
        now = format!("{round}.{}", winner.unwrap());
    }
}
