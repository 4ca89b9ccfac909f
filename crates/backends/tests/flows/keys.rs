//! Keys that change under a running instance.

use std::fs;
use std::path::PathBuf;

use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::flow::VerifyEmailOutcome;
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::keys::{KeyRings, Live, LiveKeys, Purpose};
use portcullis_backends::{Authentication, BuildError, KeysError, Portcullis};
use portcullis_testing::CapturedMailbox;
use tempfile::TempDir;

use portcullis_testing::NoRequest;

use crate::harness::{ADA, Harness, PASSWORD, keys};

/// An instance whose keys follow a file.
struct Place {
    _folder: TempDir,
    path: PathBuf,
    h: Harness,
}

impl Place {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keys.json");
        keys(1).save_new(&path).unwrap();
        let live: LiveKeys = Live::watch(&path).unwrap();
        let h = Harness::with(|builder| builder.keys(live)).await;
        Self {
            _folder: folder,
            path,
            h,
        }
    }

    fn change(&self, edit: impl FnOnce(&KeyRings) -> KeyRings) {
        KeyRings::change_file(&self.path, |rings| Ok(edit(rings))).unwrap();
    }

    fn rotate_all(&self) {
        for purpose in Purpose::ALL {
            self.change(|rings| {
                rings
                    .rotate(purpose, &OsEntropy, self.h.portcullis.now())
                    .unwrap()
            });
        }
    }

    fn retire(&self, purpose: Purpose, version: u32) {
        self.change(|rings| {
            rings
                .retire(purpose, version, self.h.portcullis.now())
                .unwrap()
        });
    }

    /// A second process on the same store.
    async fn beside(&self, keys: impl Into<LiveKeys>) -> Result<Portcullis, BuildError> {
        Portcullis::builder(self.h.store.clone())
            .keys(keys)
            .public_url("https://auth.example.com")
            .mailer(CapturedMailbox::new())
            .hasher(self.h.hasher.clone())
            .clock(self.h.clock.clone())
            .without_workers()
            .build()
            .await
    }

    async fn accepts(&self, portcullis: &Portcullis, cookie: &SecretText) -> bool {
        let presented = portcullis_backends::core::backend::Presented {
            credential: Some(Credential::Cookie(cookie.expose())),
            request: &NoRequest,
        };
        let answer = portcullis
            .authenticate(&presented, &self.h.context())
            .await
            .unwrap();
        matches!(answer, Authentication::Authenticated(_))
    }

    /// The version that a cookie was made under.
    async fn version_of(&self, signed_in: &portcullis_backends::flow::SignedIn) -> u32 {
        use portcullis_backends::core::store::SessionStore as _;
        let id = signed_in.principal.session().unwrap();
        let session = self.h.store.session(id).await.unwrap().unwrap();
        session.digest.key_version
    }
}

// FT-30, CR-04, JW-10
#[tokio::test]
async fn only_what_was_made_under_a_retired_key_fails() {
    let place = Place::new().await;
    let h = &place.h;
    h.person(ADA).await;
    let old = h.sign_in(ADA).await;
    let browser = h.sign_up("bob@example.com", PASSWORD).await;
    let link = h.mailed_token("bob@example.com").await;

    assert!(!h.portcullis.refresh_keys().await.unwrap());
    place.rotate_all();
    assert!(h.portcullis.refresh_keys().await.unwrap());
    assert!(!h.portcullis.refresh_keys().await.unwrap());

    let new = h.sign_in(ADA).await;
    assert_eq!(
        (place.version_of(&old).await, place.version_of(&new).await),
        (1, 2)
    );
    for cookie in [&old.cookie, &new.cookie] {
        assert!(place.accepts(&h.portcullis, cookie).await);
    }
    // A link from before, with the password that waits sealed under the old key.
    let verified = h.verify(&link, Some(&browser)).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
    h.sign_in("bob@example.com").await;

    place.retire(Purpose::TokenPepper, 1);
    assert!(h.portcullis.refresh_keys().await.unwrap());
    assert!(!place.accepts(&h.portcullis, &old.cookie).await);
    assert!(place.accepts(&h.portcullis, &new.cookie).await);
}

// FT-30
#[tokio::test]
async fn a_link_whose_sealing_key_is_retired_asks_for_a_new_password() {
    let place = Place::new().await;
    let h = &place.h;
    let browser = h.sign_up(ADA, PASSWORD).await;
    let link = h.mailed_token(ADA).await;
    place.rotate_all();
    place.retire(Purpose::Sealing, 1);
    assert!(h.portcullis.refresh_keys().await.unwrap());
    let refused = h.verify(&link, Some(&browser)).await;
    assert!(matches!(refused, VerifyEmailOutcome::PasswordRequired));
    let verified = h.verify_with_password(&link, PASSWORD).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
}

// FT-30
#[tokio::test]
async fn a_process_that_has_not_seen_the_new_keys_refuses_nothing_made_under_them() {
    let place = Place::new().await;
    let h = &place.h;
    h.person(ADA).await;
    let behind = place
        .beside(LiveKeys::watch(&place.path).unwrap())
        .await
        .unwrap();
    place.rotate_all();
    assert!(h.portcullis.refresh_keys().await.unwrap());
    let new = h.sign_in(ADA).await;
    assert_eq!(place.version_of(&new).await, 2);
    assert!(place.accepts(&behind, &new.cookie).await);
    // It has taken the file up by itself, and its next look finds the database told.
    assert!(behind.refresh_keys().await.unwrap());
    assert!(!behind.refresh_keys().await.unwrap());
}

// FT-30
#[tokio::test]
async fn an_instance_without_a_needed_key_is_not_ready() {
    let place = Place::new().await;
    let fixed = place.beside(keys(1)).await.unwrap();
    let watching = place
        .beside(LiveKeys::watch(&place.path).unwrap())
        .await
        .unwrap();
    for instance in [&fixed, &watching] {
        instance.is_ready().await.unwrap();
    }
    place.rotate_all();
    assert!(place.h.portcullis.refresh_keys().await.unwrap());
    watching.is_ready().await.unwrap();
    let error = fixed.is_ready().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("version 2 of the token_pepper ring"),
        "{source}"
    );
    // Nor does it start so.
    let refused = place.beside(keys(1)).await.unwrap_err();
    assert!(matches!(refused, BuildError::OtherKeys(_)), "{refused}");
}

// FT-30
#[tokio::test]
async fn a_file_of_other_keys_is_not_taken_up() {
    let place = Place::new().await;
    let h = &place.h;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let before = h.store.key_marker().await.unwrap();
    fs::remove_file(&place.path).unwrap();
    let error = h.portcullis.refresh_keys().await.unwrap_err();
    assert!(matches!(error, KeysError::File(_)));
    keys(2).save_new(&place.path).unwrap();
    let error = h.portcullis.refresh_keys().await.unwrap_err();
    assert!(matches!(error, KeysError::File(_)));
    assert_eq!(h.store.key_marker().await.unwrap(), before);
    assert!(place.accepts(&h.portcullis, &here.cookie).await);
    h.portcullis.is_ready().await.unwrap();
}
