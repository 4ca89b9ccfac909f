//! The laws, and what is asked of each flow, notice what they are for: on a store whose writes are torn in two, every
//! flow breaks one.

use async_trait::async_trait;
use portcullis_backends::FlowError;
use portcullis_backends::core::along::{Along, Write};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{IdentityAuthnLog, WriteResult};
use portcullis_backends::flow::{SignedIn, StateChange};
use portcullis_testing::mutants::is_caught;
use portcullis_testing::{Around, FaultStore, Wrapped};

use crate::every::every_fault_in;
use crate::store::Store;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World};
use crate::{account, email_change, email_code, erase, magic_link};

/// Writes the companions first and the effect then, as a flow does that sequences two calls: the fault comes between.
struct Torn(FaultStore<Store>);

#[async_trait]
impl Around for Torn {
    type Store = FaultStore<Store>;

    fn store(&self) -> &FaultStore<Store> {
        &self.0
    }

    async fn companions(&self, along: Along) -> Along {
        let written = self.0.record(along.clone()).await;
        match written {
            Ok(_) => Along::default(),
            Err(_) => along,
        }
    }
}

async fn torn_world() -> World {
    torn_world_with(PolicyOverrides::default()).await
}

async fn torn_world_with(policy: PolicyOverrides) -> World {
    let tear = |store| Wrapped::new(Torn(store));
    World::with(tear, |builder| builder.policy(policy)).await
}

/// Queues each mail in a write of its own, after the one that it belongs to: the fault comes between.
struct MailApart(FaultStore<Store>);

#[async_trait]
impl Around for MailApart {
    type Store = FaultStore<Store>;

    fn store(&self) -> &FaultStore<Store> {
        &self.0
    }

    async fn record(&self, mut along: Along) -> WriteResult<()> {
        let mails = std::mem::take(&mut along.mail);
        let recorded = self.0.record(along).await?;
        for mail in mails {
            let queued = self.0.record(Along::default().with_mail(mail)).await?;
            assert_eq!(queued, Write::Applied(()));
        }
        Ok(recorded)
    }
}

async fn mail_apart() -> World {
    mail_apart_with(PolicyOverrides::default()).await
}

async fn mail_apart_with(policy: PolicyOverrides) -> World {
    let tear = |store| Wrapped::new(MailApart(store));
    World::with(tear, |builder| builder.policy(policy)).await
}

/// Whether the laws notice somewhere on the way; nothing is asked of the flow itself.
async fn is_noticed<D, T>(
    prepare: impl AsyncFn(&World) -> D,
    flow: impl AsyncFn(&World, &D) -> Result<T, FlowError>,
) -> bool {
    let anything = |_: &T| true;
    let check = async |_: &World, _: &D, _| ();
    is_caught(every_fault_in(torn_world, prepare, flow, anything, check)).await
}

#[tokio::test]
async fn a_torn_sign_up_is_noticed() {
    let nothing = async |_: &World| ();
    let sign_up = async |w: &World, (): &()| w.try_sign_up(ADA, PASSWORD).await;
    assert!(is_noticed(nothing, sign_up).await);
}

#[tokio::test]
async fn a_torn_proof_is_noticed() {
    let signed_up = async |w: &World| {
        let browser = w.sign_up(ADA, PASSWORD).await;
        (w.mailed_link(ADA).await, browser)
    };
    let verify = async |w: &World, (link, browser): &(SecretText, SecretText)| {
        w.try_verify(link, Some(browser), None).await
    };
    assert!(is_noticed(signed_up, verify).await);
}

#[tokio::test]
async fn a_torn_sign_in_is_noticed() {
    let person = async |w: &World| w.person(ADA).await;
    let sign_in = async |w: &World, _: &_| w.try_sign_in(ADA, PASSWORD, None).await;
    assert!(is_noticed(person, sign_in).await);
}

#[tokio::test]
async fn a_torn_upgrade_of_a_hash_is_noticed() {
    let outdated = async |w: &World| {
        w.person(ADA).await;
        w.sign_in(ADA).await;
        w.hasher.raise_cost();
    };
    let sign_in = async |w: &World, (): &()| w.try_sign_in(ADA, PASSWORD, None).await;
    assert!(is_noticed(outdated, sign_in).await);
}

#[tokio::test]
async fn a_torn_api_token_is_noticed() {
    let owner = async |w: &World| {
        w.person(ADA).await;
        w.sign_in(ADA).await.principal
    };
    let create = async |w: &World, owner: &_| w.try_api_token(owner).await;
    assert!(is_noticed(owner, create).await);
}

#[tokio::test]
async fn a_torn_suspension_is_noticed() {
    let person = async |w: &World| w.person(ADA).await;
    let suspend = async |w: &World, user: &_| {
        let change = StateChange {
            to: EntityState::Suspended,
            reason: None,
            until: None,
        };
        w.portcullis
            .admin_set_state(w.tenant(), *user, change)
            .await
    };
    assert!(is_noticed(person, suspend).await);
}

#[tokio::test]
async fn a_torn_change_of_a_password_is_noticed() {
    let signed_in = async |w: &World| {
        w.person(ADA).await;
        w.sign_in(ADA).await
    };
    let change =
        async |w: &World, who: &SignedIn| w.try_change(who, PASSWORD, OTHER_PASSWORD).await;
    assert!(is_noticed(signed_in, change).await);
}

#[tokio::test]
async fn a_torn_reset_is_noticed() {
    let asked = async |w: &World| {
        w.person(ADA).await;
        w.reset_link(ADA).await
    };
    let reset = async |w: &World, link: &SecretText| w.try_reset(link, OTHER_PASSWORD).await;
    assert!(is_noticed(asked, reset).await);
}

#[tokio::test]
async fn a_magic_link_whose_mail_is_torn_off_is_noticed() {
    assert!(is_caught(magic_link::the_latest_link_works(mail_apart)).await);
}

#[tokio::test]
async fn a_torn_sign_in_with_a_magic_link_is_noticed() {
    assert!(is_caught(magic_link::a_link_signs_in_once(torn_world)).await);
}

#[tokio::test]
async fn a_person_torn_from_their_magic_link_is_noticed() {
    let open_house = async || torn_world_with(magic_link::makes_accounts()).await;
    assert!(is_caught(magic_link::a_link_makes_a_person(open_house)).await);
}

#[tokio::test]
async fn a_code_whose_mail_is_torn_off_is_noticed() {
    let codes = async || mail_apart_with(email_code::sign_in()).await;
    assert!(is_caught(email_code::the_latest_code_works(codes)).await);
}

#[tokio::test]
async fn a_torn_sign_in_with_a_code_is_noticed() {
    let codes = async || torn_world_with(email_code::sign_in()).await;
    let entering = Box::pin(email_code::a_code_signs_in_once(codes));
    assert!(is_caught(entering).await);
}

#[tokio::test]
async fn a_change_of_address_whose_notice_is_torn_off_is_noticed() {
    assert!(is_caught(email_change::asking_sends_both_mails(mail_apart)).await);
}

#[tokio::test]
async fn a_torn_change_of_address_is_noticed() {
    assert!(is_caught(email_change::an_address_is_changed_once(torn_world)).await);
}

#[tokio::test]
async fn a_torn_closing_of_an_account_is_noticed() {
    assert!(is_caught(account::closing_takes_everything_away(torn_world)).await);
}

#[tokio::test]
async fn a_torn_erasure_is_noticed() {
    assert!(is_caught(erase::an_operator_erases(torn_world)).await);
}
