//! People of another system.

use std::sync::Arc;

use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::flow::{ImportOutcome, ImportState, ImportUser};
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::password::{
    Argon2Params, Argon2Pool, ForeignHash, HashPoolConfig,
};
use serde_json::json;

use crate::every::every_fault_in;
use crate::world::{ADA, PASSWORD, World, keys};

/// [`PASSWORD`] of another system, with bcrypt's cost 5.
const OLD_HASH: &str = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

async fn world() -> World {
    let config = HashPoolConfig {
        params: Argon2Params {
            memory_kib: 7168,
            iterations: 5,
            parallelism: 1,
        },
        threads: 1,
        max_wait: std::time::Duration::from_secs(3600),
        ..HashPoolConfig::default()
    };
    let pool = Arc::new(Argon2Pool::start(config, keys(), Arc::new(OsEntropy)).unwrap());
    World::with(|store| store, |builder| builder.adopting_hasher(pool)).await
}

fn ada() -> ImportUser {
    ImportUser {
        identifiers: vec![
            Identifier::email(ADA).unwrap(),
            Identifier::username("ada").unwrap(),
        ],
        verified: true,
        password: Some(ForeignHash::parse(OLD_HASH).unwrap()),
        profile: json!({}),
        created_at: None,
        state: ImportState::Active,
    }
}

// FT-32, CC-03
#[tokio::test]
async fn somebody_is_imported_whole_or_not_at_all() {
    every_fault_in(
        world,
        async |_: &World| (),
        async |w: &World, (): &()| w.portcullis.import_user(w.tenant(), ada()).await,
        |outcome: &ImportOutcome| matches!(outcome, ImportOutcome::Imported { .. }),
        async |w: &World, (): &(), answer: Option<ImportOutcome>| {
            let there = w.portcullis.admin_find_user(w.tenant(), ADA).await;
            let there = there.unwrap().map(|record| record.user.id);
            assert!(
                there.is_some() || answer.is_none(),
                "acknowledged, and not there"
            );
            let again = w.portcullis.import_user(w.tenant(), ada()).await.unwrap();
            match there {
                Some(user) => assert_eq!(again, ImportOutcome::Exists { user }),
                None => assert!(matches!(again, ImportOutcome::Imported { .. })),
            }
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn a_trial_of_an_import_says_what_would_be_in_the_way_and_imports_nobody() {
    let check = async |w: &World| w.portcullis.check_import(w.tenant(), &ada()).await;
    every_fault_in(
        world,
        async |_: &World| (),
        async |w: &World, (): &()| check(w).await,
        |in_the_way: &Option<ImportOutcome>| in_the_way.is_none(),
        async |w: &World, (): &(), _| {
            let there = w.portcullis.admin_find_user(w.tenant(), ADA).await;
            assert_eq!(there.unwrap(), None);
            let imported = w.portcullis.import_user(w.tenant(), ada()).await.unwrap();
            let ImportOutcome::Imported { user } = imported else {
                panic!("{imported:?}");
            };
            let exists = ImportOutcome::Exists { user };
            assert_eq!(check(w).await.unwrap(), Some(exists));
        },
    )
    .await;
    every_fault_in(
        world,
        async |w: &World| w.portcullis.import_user(w.tenant(), ada()).await.unwrap(),
        async |w: &World, _: &ImportOutcome| check(w).await,
        |in_the_way| matches!(in_the_way, Some(ImportOutcome::Exists { .. })),
        async |_: &World, _: &ImportOutcome, _| (),
    )
    .await;
}

// FT-32, CC-03, PW-12
#[tokio::test]
async fn a_failed_upgrade_leaves_a_hash_that_works() {
    every_fault_in(
        world,
        async |w: &World| {
            let imported = w.portcullis.import_user(w.tenant(), ada()).await;
            assert!(matches!(imported, Ok(ImportOutcome::Imported { .. })));
        },
        async |w: &World, (): &()| w.try_sign_in(ADA, PASSWORD, None).await,
        |outcome| {
            matches!(
                outcome,
                portcullis_backends::flow::SignInOutcome::SignedIn(_)
            )
        },
        async |w: &World, (): &(), _| {
            w.advance(3600);
            w.sign_in(ADA).await;
            w.sign_in("ada").await;
        },
    )
    .await;
}
