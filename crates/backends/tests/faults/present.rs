//! Presenting a credential.

use std::any::{Any, TypeId};
use std::net::IpAddr;

use portcullis_backends::core::backend::{Credential, Presented, RequestView};
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::{Authentication, FlowError};

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

/// A request with nothing in it but the credential.
struct NoRequest;

impl RequestView for NoRequest {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn header_values(&self, _name: &str) -> Vec<&[u8]> {
        Vec::new()
    }

    fn client_ip(&self) -> Option<IpAddr> {
        None
    }

    fn peer_ip(&self) -> Option<IpAddr> {
        None
    }

    fn extension(&self, _of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}
