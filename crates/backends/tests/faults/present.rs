//! Presenting a credential.

use portcullis_backends::core::backend::{Credential, Presented};
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::{Authentication, FlowError};
use portcullis_testing::NoRequest;

use crate::world::World;

impl World {
    pub(crate) async fn present(
        &self,
        credential: Credential<'_>,
    ) -> Result<Authentication, FlowError> {
        let presented = Presented {
            credential: Some(credential),
            request: &NoRequest,
        };
        let context = self.context();
        self.portcullis.authenticate(&presented, &context).await
    }

    /// Whether a session cookie is good.
    pub(crate) async fn accepts_cookie(&self, cookie: &SecretText) -> bool {
        let answer = self.present(Credential::Cookie(cookie.expose())).await;
        is_somebody(&answer.unwrap())
    }

    /// Whether an API token is good.
    pub(crate) async fn accepts_token(&self, token: &SecretText) -> bool {
        let answer = self.present(Credential::Bearer(token.expose())).await;
        is_somebody(&answer.unwrap())
    }
}

pub(crate) fn is_somebody(answer: &Authentication) -> bool {
    matches!(answer, Authentication::Authenticated(_))
}
