//! Keys that change under an instance whose store fails: the database knows a key before anything is made under it.

use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::keys::{KeyMarker, KeyRings, LiveKeys, Purpose};
use portcullis_backends::{FlowError, KeysError};
use portcullis_testing::{Faults, Run, for_every_fault};
use tempfile::TempDir;

use crate::every::honest;
use crate::store::HOWS;
use crate::world::World;

struct Scene {
    world: World,
    live: LiveKeys,
    _folder: TempDir,
}

impl AsRef<Faults> for Scene {
    fn as_ref(&self) -> &Faults {
        self.world.as_ref()
    }
}

/// An instance whose key file has just been rotated.
async fn rotated() -> Scene {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let now = portcullis_backends::core::time::Timestamp::from_secs(1);
    KeyRings::generate(&OsEntropy, now)
        .unwrap()
        .save_new(&path)
        .unwrap();
    let live = LiveKeys::watch(&path).unwrap();
    let keys = live.clone();
    let world = World::with(|store| store, |builder| builder.keys(keys)).await;
    KeyRings::change_file(&path, |rings| {
        rings.rotate(Purpose::TokenPepper, &OsEntropy, now)
    })
    .unwrap();
    Scene {
        world,
        live,
        _folder: folder,
    }
}

/// Every key in use is one that a later start will be asked for.
async fn the_database_knows_the_keys(scene: &Scene) {
    let stored = scene.world.store.healthy().key_marker().await.unwrap();
    let stored = KeyMarker::parse(&stored.unwrap()).unwrap();
    assert_eq!(scene.live.current().marker().accepts(&stored).err(), None);
}

// FT-30, FT-32
#[tokio::test]
async fn the_database_knows_a_key_before_it_is_used() {
    for_every_fault(
        HOWS,
        rotated,
        async |scene: &Scene| match scene.world.portcullis.refresh_keys().await {
            Err(KeysError::Database(error)) => Err(FlowError::Unavailable(Box::new(error))),
            other => Ok(other.unwrap()),
        },
        async |scene: &Scene, run: Run<Result<bool, FlowError>>| {
            let answer = honest(run, |changed| *changed);
            the_database_knows_the_keys(scene).await;
            // What was not done is done by the next look.
            let again = scene.world.portcullis.refresh_keys().await.unwrap();
            assert_eq!(again, answer.is_none());
            let newest = scene.live.current().ring(Purpose::TokenPepper).newest().0;
            assert_eq!(newest, 2);
            the_database_knows_the_keys(scene).await;
        },
    )
    .await;
}
