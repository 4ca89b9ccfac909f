//! What ends a token before it is used: a newer one, a moved epoch, its revocation.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::Epoch;
use portcullis_core::id::{TenantId, UserId, VerificationTokenId};
use portcullis_core::store::SecurityStore;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, TokenRejection, VerificationToken};

use super::expect::{applied, refused};
use super::sample::{START, after, just_before, kinds, spend};
use super::trial::{Trial, rounds};

const KIND: TokenKind = TokenKind::EmailVerification;
const OTHER_KIND: TokenKind = TokenKind::PasswordReset;

impl<S: SecurityStore> Trial<S> {
    async fn superseded_at(&self, token: &VerificationToken) -> Option<Timestamp> {
        self.store
            .peek(token.id)
            .await
            .unwrap()
            .unwrap()
            .superseded_at
    }

    async fn live_token(
        &self,
        owner: (TenantId, UserId),
        kind: TokenKind,
        now: Timestamp,
    ) -> Option<VerificationTokenId> {
        let live = self.store.live_token(owner.0, owner.1, kind, now).await;
        live.unwrap().map(|token| token.id)
    }
}

/// A new token supersedes the live ones of its kind and owner, and no others.
pub async fn a_new_token_supersedes_the_older<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let other = trial.person(tenant).await;
    let elsewhere = trial.somebody().await;
    let older = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    let strangers = [
        trial.new_token(OTHER_KIND, tenant, Some(user)),
        trial.new_token(KIND, tenant, Some(other)),
        trial.new_token(KIND, elsewhere.0, Some(elsewhere.1)),
    ];
    let mut untouched = Vec::new();
    for token in strangers {
        untouched.push(trial.issue(token).await);
    }
    let mut newer = trial.new_token(KIND, tenant, Some(user));
    newer.created_at = after(9);
    // Whom it belongs to decides, not where it was sent.
    newer.email = "new@example.com".to_owned();
    let newer = trial.issue(newer).await;

    assert_eq!(trial.superseded_at(&older).await, Some(after(9)));
    let why = refused(trial.spend(spend(&older, after(9))).await);
    assert_eq!(why, Refusal::Token(TokenRejection::Superseded));
    untouched.push(newer);
    for token in &untouched {
        assert_eq!(trial.superseded_at(token).await, None);
        applied(trial.spend(spend(token, after(9))).await);
    }
}

// OT-05
/// Kinds are told apart, those of an application by their whole name: no token supersedes one of another kind, and none
/// works for it.
pub async fn kinds_are_told_apart<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for owner in [Some(user), None] {
        let mut tokens = Vec::new();
        for kind in kinds() {
            tokens.push(trial.issue(trial.new_token(kind, tenant, owner)).await);
        }
        for token in &tokens {
            if let Some(user) = owner {
                let live = trial.live_token((tenant, user), token.kind, START).await;
                assert_eq!(live, Some(token.id), "{:?}", token.kind);
            }
            for other in kinds().into_iter().filter(|kind| *kind != token.kind) {
                let mut spend = spend(token, START);
                spend.kind = other;
                let why = refused(trial.spend(spend).await);
                let expected = Refusal::Token(TokenRejection::OtherKind);
                assert_eq!(why, expected, "{:?} as {other:?}", token.kind);
            }
        }
        for token in &tokens {
            assert_eq!(trial.superseded_at(token).await, None, "{:?}", token.kind);
            applied(trial.spend(spend(token, START)).await);
        }
    }
}

/// Without an owner it is the address that decides.
pub async fn a_token_without_owner_supersedes_by_address<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, elsewhere) = (trial.tenant().await, trial.tenant().await);
    let older = trial.issue(trial.new_token(KIND, tenant, None)).await;
    let mut other_address = trial.new_token(KIND, tenant, None);
    other_address.email = "other@example.com".to_owned();
    let others = [
        other_address,
        trial.new_token(KIND, elsewhere, None),
        trial.new_token(OTHER_KIND, tenant, None),
    ];
    let mut live = Vec::new();
    for token in others {
        live.push(trial.issue(token).await);
    }
    live.push(trial.issue(trial.new_token(KIND, tenant, None)).await);
    let why = refused(trial.spend(spend(&older, START)).await);
    assert_eq!(why, Refusal::Token(TokenRejection::Superseded));
    for token in &live {
        applied(trial.spend(spend(token, START)).await);
    }
}

/// A token for somebody takes the place of those that went to the same address while it was nobody's, and of no others.
pub async fn a_token_for_somebody_supersedes_nobodys_at_their_address<S: SecurityStore>(
    trial: Trial<S>,
) {
    let (tenant, user) = trial.somebody().await;
    let older = trial.issue(trial.new_token(KIND, tenant, None)).await;
    let mut other_address = trial.new_token(KIND, tenant, None);
    other_address.email = "other@example.com".to_owned();
    let mut live = Vec::new();
    for token in [
        other_address,
        trial.new_token(OTHER_KIND, tenant, None),
        trial.new_token(KIND, trial.tenant().await, None),
        trial.new_token(KIND, tenant, Some(user)),
    ] {
        live.push(trial.issue(token).await);
    }
    let why = refused(trial.spend(spend(&older, START)).await);
    assert_eq!(why, Refusal::Token(TokenRejection::Superseded));
    // The other way round nobody's says nothing about somebody's.
    live.push(trial.issue(trial.new_token(KIND, tenant, None)).await);
    for token in &live {
        applied(trial.spend(spend(token, START)).await);
    }
}

/// What was used or is past its end already is not superseded as well.
pub async fn only_live_tokens_are_superseded<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let used = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    applied(trial.spend(spend(&used, START)).await);
    let old = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    let mut newer = trial.new_token(KIND, tenant, Some(user));
    newer.created_at = old.expires_at;
    newer.expires_at = after(10_000);
    trial.issue(newer).await;
    for (token, reason) in [
        (&used, TokenRejection::Consumed),
        (&old, TokenRejection::Expired),
    ] {
        assert_eq!(trial.superseded_at(token).await, None);
        let why = refused(trial.spend(spend(token, after(3600))).await);
        assert_eq!(why, Refusal::Token(reason));
    }
}

// CC-01
/// Of many tokens issued to one person at once, one is live.
pub async fn one_of_many_new_tokens_is_live<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let user = trial.person(tenant).await;
        let new = |_| trial.new_token(KIND, tenant, Some(user));
        let tokens: Vec<VerificationToken> = (0..32).map(new).collect();
        let issued = trial
            .race(tokens.len(), |index, store| {
                let token = tokens.get(index).cloned().unwrap();
                async move { store.record(Along::default().with_issue(token)).await }
            })
            .await;
        for write in issued {
            applied(write);
        }
        let mut live = 0;
        for token in &tokens {
            live += u32::from(trial.superseded_at(token).await.is_none());
        }
        assert_eq!(live, 1);
    }
}

/// A moved epoch supersedes every token made before, expired or not; one made with the new epoch lives.
pub async fn a_moved_epoch_supersedes_what_was_made_before<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    for along in [false, true] {
        let user = trial.person(tenant).await;
        let used = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
        applied(trial.spend(spend(&used, START)).await);
        let old = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
        let mut new = trial.new_token(OTHER_KIND, tenant, Some(user));
        new.epoch = Some(Epoch(1));
        if along {
            let along = Along::default().with_epoch_of(tenant, user);
            applied(store.record(along.with_issue(new.clone())).await);
        } else {
            applied(store.bump_epoch(tenant, user, Along::default()).await);
            trial.issue(new.clone()).await;
        }
        for now in [START, after(3600)] {
            let why = refused(trial.spend(spend(&old, now)).await);
            assert_eq!(why, Refusal::Token(TokenRejection::Superseded));
        }
        let why = refused(trial.spend(spend(&used, START)).await);
        assert_eq!(why, Refusal::Token(TokenRejection::Consumed));
        let owner = (tenant, user);
        assert_eq!(trial.live_token(owner, KIND, START).await, None);
        assert_eq!(
            trial.live_token(owner, OTHER_KIND, START).await,
            Some(new.id)
        );
        applied(trial.spend(spend(&new, START)).await);
    }
}

/// A token whose owner is not there, or not in its tenant, is not made, and so does not work.
pub async fn a_token_of_nobody_does_not_work<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for (tenant, user) in [(tenant, trial.nobody()), (trial.tenant().await, user)] {
        let mut token = trial.new_token(KIND, tenant, Some(user));
        for epoch in [token.epoch, None] {
            token.id = VerificationTokenId::from_bytes(trial.id());
            token.epoch = epoch;
            let along = Along::default().with_issue(token.clone());
            let made = trial.store.record(along).await;
            assert_eq!(refused(made), Refusal::NotFound);
            assert_eq!(trial.live_token((tenant, user), KIND, START).await, None);
            let why = refused(trial.spend(spend(&token, START)).await);
            assert_eq!(why, Refusal::Token(TokenRejection::Unknown));
        }
    }
}

/// The live token is the one that could be spent.
pub async fn the_live_token_is_the_one_that_works<S: SecurityStore>(trial: Trial<S>) {
    let owner = trial.somebody().await;
    let (tenant, user) = owner;
    assert_eq!(trial.live_token(owner, KIND, START).await, None);
    trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    trial.issue(trial.new_token(KIND, tenant, None)).await;
    let newer = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    let end = newer.expires_at;
    let last = just_before(end);
    assert_eq!(trial.live_token(owner, KIND, last).await, Some(newer.id));
    assert_eq!(trial.live_token(owner, KIND, end).await, None);
    assert_eq!(trial.live_token(owner, OTHER_KIND, START).await, None);
    let stranger = (trial.tenant().await, user);
    assert_eq!(trial.live_token(stranger, KIND, START).await, None);
    let nobody = (tenant, trial.nobody());
    assert_eq!(trial.live_token(nobody, KIND, START).await, None);
    applied(trial.spend(spend(&newer, START)).await);
    assert_eq!(trial.live_token(owner, KIND, START).await, None);
}

/// Revoking supersedes a person's live tokens, of every kind, and counts them.
pub async fn revoking_supersedes_a_persons_tokens<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let other = trial.person(tenant).await;
    let mut theirs = Vec::new();
    for kind in kinds() {
        theirs.push(trial.issue(trial.new_token(kind, tenant, Some(user))).await);
    }
    let used = theirs.pop().unwrap();
    applied(trial.spend(spend(&used, START)).await);
    let not_theirs = [
        trial
            .issue(trial.new_token(KIND, tenant, Some(other)))
            .await,
        trial.issue(trial.new_token(KIND, tenant, None)).await,
    ];
    let revoke = |tenant, now| store.revoke_tokens(tenant, user, now);
    assert_eq!(revoke(trial.tenant().await, after(1)).await.unwrap(), 0);
    assert_eq!(revoke(tenant, after(3600)).await.unwrap(), 0);
    let live = theirs.len() as u64;
    assert_eq!(revoke(tenant, after(1)).await.unwrap(), live);
    assert_eq!(revoke(tenant, after(1)).await.unwrap(), 0);
    for token in &theirs {
        assert_eq!(trial.superseded_at(token).await, Some(after(1)));
        let why = refused(trial.spend(spend(token, after(1))).await);
        assert_eq!(why, Refusal::Token(TokenRejection::Superseded));
    }
    for token in &not_theirs {
        applied(trial.spend(spend(token, after(1))).await);
    }
}
