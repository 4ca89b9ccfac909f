//! The laws notice what they are for: on a store whose writes are torn in two, every flow breaks one.

use async_trait::async_trait;
use portcullis_backends::FlowError;
use portcullis_backends::core::along::Along;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::IdentityAuthnLog;
use portcullis_backends::flow::{SignedIn, StateChange};
use portcullis_testing::mutants::is_caught;
use portcullis_testing::{Around, FaultStore, Wrapped};

use crate::every::every_fault_in;
use crate::store::Store;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World};

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
    World::with(|store| Wrapped::new(Torn(store)), |builder| builder).await
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
