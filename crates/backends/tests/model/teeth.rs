//! The stories notice what they are for: a store that breaks one law goes otherwise than it must, soon and in few steps.

use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::core::along::{Along, Write};
use portcullis_backends::core::error::StoreError;
use portcullis_backends::core::id::{RefreshFamilyId, SessionId, TenantId, UserId};
use portcullis_backends::core::store::{
    AuditQuery, IdentityAuthnLog as _, IdentityStore, RateLimitStore, ResolveSession, SessionStore,
    TicketStore, WriteResult,
};
use portcullis_backends::core::time::Timestamp;
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::mutants::{
    ChangeWithoutToken, EpochNotMoved, MailLost, SupersedeForgotten,
};
use portcullis_testing::{Around, Wrapped};

use crate::property::first_difference;
use crate::tell::tell;

/// What the shortest story says that was found on such a store.
#[track_caller]
fn found<S>(broken: impl Fn(MemoryStore) -> S) -> String
where
    S: IdentityStore + SessionStore + ResolveSession,
    S: TicketStore + RateLimitStore + AuditQuery,
{
    let story = first_difference(200, async |story| {
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
    assert!(story.contains("whether link"), "{story}");
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
    assert!(story.contains("whether link"), "{story}");
}

#[test]
fn a_link_that_changes_an_address_twice_is_noticed() {
    let story = found(ChangeWithoutToken::around);
    assert!(story.contains("link"), "{story}");
}

#[test]
fn a_mail_that_is_lost_is_noticed() {
    let story = found(MailLost::around);
    assert!(story.contains("how much there is"), "{story}");
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
