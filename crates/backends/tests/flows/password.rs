//! Changing a password, and setting a new one with a link.

mod breach;
mod change;
mod cooldown;
mod history;
mod races;
mod reset;

use portcullis_backends::FlowError;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{
    ChangePassword, ChangePasswordOutcome, ForgotPassword, ResetLinkOutcome, ResetPassword,
    ResetPasswordOutcome, SignInOutcome, SignedIn,
};

use crate::harness::Harness;

const NEW: &str = "a battery of staple horses";

impl Harness {
    async fn try_change(
        &self,
        who: &SignedIn,
        current: &str,
        new: &str,
    ) -> Result<ChangePasswordOutcome, FlowError> {
        let change = ChangePassword {
            current: Password::new(current).unwrap(),
            new: Password::new(new).unwrap(),
        };
        let context = self.context();
        self.portcullis
            .change_password(&who.principal, change, &context)
            .await
    }

    async fn change(&self, who: &SignedIn, current: &str, new: &str) -> ChangePasswordOutcome {
        self.try_change(who, current, new).await.unwrap()
    }

    pub(crate) async fn forgot(&self, email: &str) {
        let email = Identifier::email(email).unwrap();
        let forgot = ForgotPassword { email };
        // Mails of one moment come in no order.
        self.advance(1);
        self.portcullis
            .forgot_password(forgot, &self.context())
            .await
            .unwrap();
    }

    /// The token of a new link.
    pub(crate) async fn reset_link(&self, email: &str) -> SecretText {
        self.forgot(email).await;
        self.mailed_token(email).await
    }

    pub(crate) async fn reset(&self, link: &SecretText, password: &str) -> ResetPasswordOutcome {
        let reset = ResetPassword {
            token: link.clone(),
            password: Password::new(password).unwrap(),
        };
        self.portcullis
            .reset_password(reset, &self.context())
            .await
            .unwrap()
    }

    pub(crate) async fn link_works(&self, link: &SecretText) -> bool {
        let context = self.context();
        let outcome = self.portcullis.check_reset_link(link, &context).await;
        matches!(outcome.unwrap(), ResetLinkOutcome::Works { .. })
    }

    async fn signs_in(&self, who: &str, password: &str) -> bool {
        let outcome = self.try_sign_in(who, password).await.unwrap();
        matches!(outcome, SignInOutcome::SignedIn(_))
    }

    async fn counts(&self, signed_in: &SignedIn) -> bool {
        use portcullis_backends::Authentication;
        use portcullis_backends::core::backend::Credential;
        let cookie = Credential::Cookie(signed_in.cookie.expose());
        let answer = self.present(Some(cookie)).await.unwrap();
        matches!(answer, Authentication::Authenticated(_))
    }
}

#[track_caller]
fn kept(outcome: ChangePasswordOutcome) -> SignedIn {
    match outcome {
        ChangePasswordOutcome::Changed { session } => *session.unwrap(),
        other => panic!("{other:?}"),
    }
}
