//! Single-use tokens: used up once, and refused for the first reason there is.

use portcullis_core::along::{Along, Refusal, Spend};
use portcullis_core::id::VerificationTokenId;
use portcullis_core::store::{SecurityStore, WriteResult};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, TokenRejection, VerificationToken};

use super::expect::{applied, assert_same_token, refused, winners};
use super::sample::{EXTREMES, START, after, custom, just_before, kinds, spend};
use super::trial::{Trial, rounds};

const KIND: TokenKind = TokenKind::EmailVerification;

impl<S: SecurityStore> Trial<S> {
    /// Stores a token.
    pub(super) async fn issue(&self, token: VerificationToken) -> VerificationToken {
        let along = Along::default().with_issue(token.clone());
        applied(self.store.record(along).await);
        token
    }

    /// Spends a token alone.
    pub(super) async fn spend(&self, spend: Spend) -> WriteResult<()> {
        self.store.record(Along::default().with_spend(spend)).await
    }

    async fn stored(&self, token: &VerificationToken) -> VerificationToken {
        self.store.peek(token.id).await.unwrap().unwrap()
    }
}

/// A token reads back as it was issued, and looking at it changes nothing.
pub async fn looking_at_a_token_changes_nothing<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for kind in kinds() {
        let owned = trial.new_token(kind, tenant, Some(user));
        let mut ownerless = trial.new_token(kind, tenant, None);
        ownerless.payload = None;
        for token in [owned, ownerless] {
            let token = trial.issue(token).await;
            for _ in 0..2 {
                assert_same_token(&trial.stored(&token).await, &token);
            }
            applied(trial.spend(spend(&token, after(1))).await);
        }
    }
    let unknown = VerificationTokenId::from_bytes(trial.id());
    assert!(trial.store.peek(unknown).await.unwrap().is_none());
}

/// A token is used up by the write that spends it, and then never again.
pub async fn a_token_is_spent_once<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for user in [Some(user), None] {
        let token = trial.issue(trial.new_token(KIND, tenant, user)).await;
        applied(trial.spend(spend(&token, after(7))).await);
        assert_eq!(trial.stored(&token).await.consumed_at, Some(after(7)));
        let again = refused(trial.spend(spend(&token, after(8))).await);
        assert_eq!(again, Refusal::Token(TokenRejection::Consumed));
        assert_eq!(trial.stored(&token).await.consumed_at, Some(after(7)));
    }
}

// OT-03, CC-01
/// Of 64 who spend one token at once, one does.
pub async fn one_of_many_spends_a_token<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for round in 0..rounds() {
        // By turns one of ours and one of an application's own, with an owner and without.
        let kind = if round % 2 == 0 { KIND } else { custom("seat") };
        let owner = (round % 4 < 2).then_some(user);
        let token = trial.issue(trial.new_token(kind, tenant, owner)).await;
        let spend = spend(&token, after(1));
        let spent = trial
            .race(64, |_, store| async move {
                store.record(Along::default().with_spend(spend)).await
            })
            .await;
        let consumed = Refusal::Token(TokenRejection::Consumed);
        assert_eq!(winners(spent, consumed), 1);
    }
}

// OT-04
/// A token works until the moment before its end and not at it.
pub async fn a_token_works_before_its_end_and_not_at_it<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for user in [Some(user), None] {
        let token = trial.issue(trial.new_token(KIND, tenant, user)).await;
        for late in [token.expires_at, after(1_000_000), Timestamp::MAX] {
            let why = refused(trial.spend(spend(&token, late)).await);
            assert_eq!(why, Refusal::Token(TokenRejection::Expired));
        }
        let last = just_before(token.expires_at);
        applied(trial.spend(spend(&token, last)).await);
    }
}

/// A token that does not work for several reasons is refused for the first of them: unknown, other kind, consumed,
/// superseded, expired.
pub async fn the_first_reason_against_a_token_is_given<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let elsewhere = trial.tenant().await;
    let late = after(1_000_000);
    let consumed = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    applied(trial.spend(spend(&consumed, START)).await);
    let superseded = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    let live = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    for (token, last) in [
        (&consumed, TokenRejection::Consumed),
        (&superseded, TokenRejection::Superseded),
        (&live, TokenRejection::Expired),
    ] {
        let late = spend(token, late);
        let other_kind = Spend {
            kind: TokenKind::PasswordReset,
            ..late
        };
        let other_tenant = Spend {
            tenant: elsewhere,
            ..other_kind
        };
        let cases = [
            (other_tenant, TokenRejection::Unknown),
            (other_kind, TokenRejection::OtherKind),
            (late, last),
        ];
        for (spend, why) in cases {
            let refusal = refused(trial.spend(spend).await);
            assert_eq!(refusal, Refusal::Token(why));
        }
    }
    let unknown = Spend {
        id: VerificationTokenId::from_bytes(trial.id()),
        ..spend(&live, START)
    };
    let why = refused(trial.spend(unknown).await);
    assert_eq!(why, Refusal::Token(TokenRejection::Unknown));
    applied(trial.spend(spend(&live, START)).await);
}

/// An unsuccessful try uses nothing up.
pub async fn a_refused_token_is_not_used_up<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let token = trial.issue(trial.new_token(KIND, tenant, Some(user))).await;
    let right = spend(&token, START);
    let wrong = [
        Spend {
            kind: TokenKind::MagicLink,
            ..right
        },
        Spend {
            tenant: trial.tenant().await,
            ..right
        },
        Spend {
            now: after(3600),
            ..right
        },
    ];
    for spend in wrong {
        refused(trial.spend(spend).await);
        assert_same_token(&trial.stored(&token).await, &token);
    }
    applied(trial.spend(right).await);
}

/// Tokens past their end are removed and counted, used or not; others are kept.
pub async fn purging_removes_tokens_past_their_end<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    let mut old = Vec::new();
    for _ in 0..3 {
        let user = trial.person(tenant).await;
        old.push(trial.issue(trial.new_token(KIND, tenant, Some(user))).await);
    }
    let used = old.first().unwrap();
    applied(trial.spend(spend(used, START)).await);
    let mut kept = trial.new_token(KIND, tenant, None);
    kept.expires_at = after(3601);
    let kept = trial.issue(kept).await;
    let end = after(3600);
    assert_eq!(store.purge_tokens(just_before(end)).await.unwrap(), 0);
    assert_eq!(store.purge_tokens(end).await.unwrap(), 3);
    assert_eq!(store.purge_tokens(end).await.unwrap(), 0);
    for token in &old {
        assert!(store.peek(token.id).await.unwrap().is_none());
        let why = refused(trial.spend(spend(token, START)).await);
        assert_eq!(why, Refusal::Token(TokenRejection::Unknown));
    }
    applied(trial.spend(spend(&kept, end)).await);
}

// CC-04
/// No time makes a token panic or fail.
pub async fn tokens_bear_every_time<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    for expires_at in EXTREMES {
        for now in EXTREMES {
            let mut token = trial.new_token(KIND, tenant, Some(user));
            (token.created_at, token.expires_at) = (now, expires_at);
            let token = trial.issue(token).await;
            let live = store.live_token(tenant, user, KIND, now).await.unwrap();
            assert_eq!(live.is_some(), now < expires_at);
            let spent = trial.spend(spend(&token, now)).await.unwrap();
            assert_eq!(spent.refusal().is_none(), now < expires_at);
        }
    }
    for now in EXTREMES {
        store.revoke_tokens(tenant, user, now).await.unwrap();
        store.purge_tokens(now).await.unwrap();
    }
}
