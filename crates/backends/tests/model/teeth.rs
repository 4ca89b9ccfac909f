//! The stories notice what they are for: a store that breaks one law goes otherwise than it must, soon and in few steps.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::core::along::{Along, Spend, Write};
use portcullis_backends::core::error::StoreError;
use portcullis_backends::core::id::{
    RefreshFamilyId, SessionId, TenantId, UserId, VerificationTokenId,
};
use portcullis_backends::core::store::{
    AccountStore as _, AuditQuery, IdentityAuthnLog as _, IdentityStore, PasswordHistory,
    RateLimitStore, ResolveSession, SessionStore, TicketStore, VerificationStore as _, WriteResult,
};
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::core::verification::{TokenKind, VerificationToken};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::mutants::{
    ChangeWithoutToken, EpochNotMoved, ErasesTheSurface, MailLost, NotRemembered,
    SupersedeForgotten,
};
use portcullis_testing::{Around, Wrapped};

use crate::property::first_difference;
use crate::tell::tell;

/// What the shortest story says that was found on such a store.
#[track_caller]
fn found<S>(broken: impl Fn(MemoryStore) -> S) -> String
where
    S: IdentityStore + SessionStore + ResolveSession,
    S: TicketStore + RateLimitStore + AuditQuery + PasswordHistory,
{
    let story = first_difference(1000, 300, async |story| {
        tell(broken(MemoryStore::new()), story).await
    });
    story.unwrap_or_else(|| panic!("nobody noticed"))
}

#[test]
fn an_epoch_that_does_not_move_is_noticed() {
    let story = found(EpochNotMoved::around);
    assert!(story.contains("the era of person 0"), "{story}");
}

#[test]
fn a_link_that_outlives_a_newer_one_is_noticed() {
    let story = found(SupersedeForgotten::around);
    let noticed = [
        "whether link",
        "whether the code of ticket",
        "whether custom token",
    ];
    assert!(noticed.iter().any(|what| story.contains(what)), "{story}");
}

/// Keeps every link for a second more than it was to live.
struct ASecondMore(MemoryStore);

#[async_trait]
impl Around for ASecondMore {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    async fn companions(&self, mut along: Along) -> Along {
        if let Some(link) = &mut along.issue {
            link.expires_at = link.expires_at.plus(Duration::from_secs(1));
        }
        along
    }
}

#[test]
fn a_link_that_outlives_its_time_by_a_second_is_noticed() {
    let story = found(|store| Wrapped::new(ASecondMore(store)));
    let noticed = ["whether link", "whether custom token"];
    assert!(noticed.iter().any(|what| story.contains(what)), "{story}");
}

#[test]
fn a_link_that_changes_an_address_twice_is_noticed() {
    let story = found(ChangeWithoutToken::around);
    assert!(story.contains("link"), "{story}");
}

#[test]
fn a_password_that_is_not_remembered_is_noticed() {
    let story = found(NotRemembered::around);
    assert!(story.contains("Reused"), "{story}");
}

#[test]
fn a_mail_that_is_lost_is_noticed() {
    let story = found(MailLost::around);
    assert!(story.contains("how much there is"), "{story}");
}

/// Spends no token on a reset, and takes its link along into the time after it: the epoch that moves would end it too.
struct ResetSpendsNothing {
    store: MemoryStore,
    unspent: Mutex<HashSet<VerificationTokenId>>,
}

#[async_trait]
impl Around for ResetSpendsNothing {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        let is_reset = |spend: &mut Spend| spend.kind == TokenKind::PasswordReset;
        if let Some(spend) = along.spend.take_if(is_reset) {
            self.unspent.lock().unwrap().insert(spend.id);
        }
        along
    }

    async fn peek(&self, id: VerificationTokenId) -> Result<Option<VerificationToken>, StoreError> {
        let Some(mut token) = self.store.peek(id).await? else {
            return Ok(None);
        };
        let is_unspent = self.unspent.lock().unwrap().contains(&id);
        if let (true, Some(user)) = (is_unspent, token.user) {
            let account = self.store.account(token.tenant, user).await?;
            token.epoch = account.map(|account| account.epoch);
        }
        Ok(Some(token))
    }
}

#[test]
fn a_reset_that_does_not_spend_its_token_is_noticed() {
    let story = found(|store| {
        let unspent = Mutex::default();
        Wrapped::new(ResetSpendsNothing { store, unspent })
    });
    assert!(story.contains(" resets: it is true"), "{story}");
}

/// Does not look what became of the tokens of one kind, and uses none of them up.
struct SpendsNone(MemoryStore, fn(TokenKind) -> bool);

#[async_trait]
impl Around for SpendsNone {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    async fn companions(&self, mut along: Along) -> Along {
        along.spend = along.spend.filter(|spend| !self.1(spend.kind));
        along
    }
}

#[test]
fn a_code_that_outlives_the_change_that_ended_it_is_noticed() {
    let is_code = |kind| kind == TokenKind::EmailCode;
    let story = found(|store| Wrapped::new(SpendsNone(store, is_code)));
    let noticed = ["whether the code of ticket", "EnterCode"];
    assert!(noticed.iter().any(|what| story.contains(what)), "{story}");
}

#[test]
fn a_token_of_an_application_that_is_taken_twice_is_noticed() {
    let is_custom = |kind| matches!(kind, TokenKind::Custom(_));
    let story = found(|store| Wrapped::new(SpendsNone(store, is_custom)));
    assert!(story.contains("whether custom token"), "{story}");
}

#[test]
fn an_erasure_that_leaves_the_half_is_noticed() {
    let story = found(ErasesTheSurface::around);
    assert!(story.contains("Erase"), "{story}");
}

/// Says that a session is ended, and that a family is, and ends neither.
struct EndsNothing(MemoryStore);

#[async_trait]
impl Around for EndsNothing {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    async fn revoke_session(
        &self,
        _tenant: TenantId,
        _user: UserId,
        _id: SessionId,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn end_family(
        &self,
        _tenant: TenantId,
        _id: RefreshFamilyId,
        _now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        let Write::Applied(()) = self.0.record(along).await? else {
            panic!("an event was refused");
        };
        Ok(Write::Applied(()))
    }
}

#[test]
fn a_session_or_token_that_outlives_its_end_is_noticed() {
    let story = found(|store| Wrapped::new(EndsNothing(store)));
    let whom = [
        "who session",
        "who access token",
        "refresh token",
        "Refresh",
    ];
    assert!(whom.iter().any(|whom| story.contains(whom)), "{story}");
}
