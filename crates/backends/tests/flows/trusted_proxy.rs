//! The word of a trusted proxy, and the order of backends.

use std::any::{Any, TypeId};
use std::net::IpAddr;

use portcullis_backends::backend::TrustedProxy;
use portcullis_backends::core::backend::{Credential, Presented, RequestView};
use portcullis_backends::core::principal::Via;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::{Authentication, BuildError};

use crate::harness::{ADA, Harness};

/// A request from a peer, with values of one header.
struct Proxied<'a>(&'a str, &'a [&'a str]);

impl RequestView for Proxied<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        if name.eq_ignore_ascii_case("x-remote-user") {
            self.1.iter().map(|v| v.as_bytes()).collect()
        } else {
            vec![]
        }
    }

    fn client_ip(&self) -> Option<IpAddr> {
        Some("203.0.113.1".parse().unwrap())
    }

    fn peer_ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    fn extension(&self, _of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}

fn proxy() -> TrustedProxy {
    TrustedProxy {
        header: "X-Remote-User".to_owned(),
        peers: vec!["10.0.0.0/8".parse().unwrap()],
    }
}

async fn from(h: &Harness, peer: &str, values: &[&str]) -> Authentication {
    let request = Proxied(peer, values);
    h.portcullis
        .authenticate(
            &Presented {
                credential: None,
                request: &request,
            },
            &h.context(),
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn a_proxy_is_believed_from_its_own_address_only() {
    let h = Harness::with(|b| b.trusted_proxy_users(proxy())).await;
    h.person(ADA).await;
    let Authentication::Authenticated(principal) = from(&h, "10.1.2.3", &["Ada@Example.com"]).await
    else {
        panic!("not believed");
    };
    assert_eq!(
        (principal.via, principal.is_ambient()),
        (Via::TrustedProxy, true)
    );
    assert_eq!(
        from(&h, "192.0.2.1", &[ADA]).await,
        Authentication::Anonymous
    );
    assert_eq!(from(&h, "10.1.2.3", &[]).await, Authentication::Anonymous);
}

#[tokio::test]
async fn what_a_proxy_says_must_be_one_active_person() {
    let h = Harness::with(|b| b.trusted_proxy_users(proxy())).await;
    let user = h.person(ADA).await;
    for values in [&["nobody@example.com"][..], &[ADA, ADA], &[""], &["a b"]] {
        assert_eq!(
            from(&h, "10.1.2.3", values).await,
            Authentication::Rejected,
            "{values:?}"
        );
    }
    h.set_state(user, EntityState::Suspended).await;
    assert_eq!(from(&h, "10.1.2.3", &[ADA]).await, Authentication::Rejected);
}

#[tokio::test]
async fn a_proxy_that_is_everybody_is_refused() {
    let everybody = TrustedProxy {
        peers: vec!["::/0".parse().unwrap()],
        ..proxy()
    };
    let built = portcullis_backends::Portcullis::builder(portcullis_stores_kv::MemoryStore::new())
        .ephemeral_keys()
        .public_url("http://127.0.0.1:1")
        .mailer(portcullis_testing::CapturedMailbox::new())
        .trusted_proxy_users(everybody)
        .build();
    assert!(matches!(built.await, Err(BuildError::TrustsEverybody(_))));
}

#[tokio::test]
async fn a_tenant_orders_its_backends_and_leaves_some_out() {
    let h = Harness::new().await;
    let (store, tenant) = (h.store.clone(), h.portcullis.default_tenant());
    h.person(ADA).await;
    let cookie = h.sign_in(ADA).await.cookie;
    let build = |names: &'static [&'static str]| {
        portcullis_backends::Portcullis::builder(store.clone())
            .keys(crate::harness::keys(1))
            .public_url("https://auth.example.com")
            .mailer(portcullis_testing::CapturedMailbox::new())
            .clock(h.clock.clone())
            .without_workers()
            .backend_order(tenant, names.iter().copied())
            .build()
    };
    let asked = async |names: &'static [&'static str]| {
        let portcullis = build(names).await.unwrap();
        let credential = Some(Credential::Cookie(cookie.expose()));
        let presented = Presented {
            credential,
            request: &portcullis_testing::NoRequest,
        };
        portcullis
            .authenticate(&presented, &h.context())
            .await
            .unwrap()
    };
    assert!(matches!(
        asked(&["api_token", "session"]).await,
        Authentication::Authenticated(_)
    ));
    assert_eq!(asked(&["api_token"]).await, Authentication::Anonymous);
    assert!(
        matches!(build(&["password"]).await, Err(BuildError::UnknownBackend(name)) if name == "password")
    );
}
