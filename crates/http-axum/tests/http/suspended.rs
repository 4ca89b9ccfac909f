//! An account that is suspended or closed: whatever was made before is refused at its next use.

use axum::http::{HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_backends::core::state::EntityState;
use portcullis_http_axum::{RoutePolicy, Verb};

use crate::app::{ADA, App, PASSWORD};
use crate::audit::left_since;
use crate::samples::Sample;

/// What it comes to for a request that was ready before.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It asks nothing of anybody's account.
    Unchanged,
    /// It is answered as for anybody, and does nothing for this one.
    SameAnswer,
    /// It is refused.
    Refused(u16),
}

fn end(sample: Sample) -> End {
    let route = sample.route();
    match (route.policy, sample) {
        (_, Sample::LogoutOfNobody) => End::Unchanged,
        // The cookie of a session that is over is nobody's, and the browser forgets it.
        (_, Sample::Logout) => End::SameAnswer,
        (RoutePolicy::Public, _) if route.verb == Verb::Get => End::Unchanged,
        // That the address is free or taken is told to nobody.
        (RoutePolicy::Public, _) if route.status == 202 => End::SameAnswer,
        (RoutePolicy::Public, _) => match route.path {
            "/sign-in" | "/token" => End::Refused(401),
            _ => End::Refused(400),
        },
        _ => End::Refused(401),
    }
}

// TH-10, SE-05
#[tokio::test]
async fn every_kind_of_credential_link_and_code_is_refused_while_its_owner_is_suspended_or_gone() {
    for to in [EntityState::Suspended, EntityState::Terminated] {
        for sample in Sample::done() {
            let app = sample.app().await;
            let mut asked = sample.prepare(&app).await;
            let is_there = app
                .portcullis
                .admin_find_user(app.portcullis.default_tenant(), ADA);
            if is_there.await.unwrap().is_none() {
                continue;
            }
            app.portcullis.run_due().await.unwrap();
            let mails = app.mailbox.all().len();
            app.set_state(ADA, to).await;
            app.advance(1);
            let before = app.events().await;
            let answer = asked.send().await;
            let what = format!("{to:?}, {sample:?}: {answer:?}");
            let end = end(sample);
            let status = match end {
                End::Unchanged | End::SameAnswer => sample.status(),
                End::Refused(status) => status,
            };
            assert_eq!(answer.status, status, "{what}");
            if let End::Refused(_) = end {
                assert!(answer.set_cookies().is_empty(), "{what}");
                assert!(!answer.text().contains("pcl_"), "{what}");
            }
            // Nothing is done, and that it was tried is noted.
            let left = left_since(&before, &app.events().await);
            assert!(
                left.iter().all(|(_, reason)| reason.is_some()),
                "{left:?} {what}"
            );
            assert_eq!(left.is_empty(), end == End::Unchanged, "{left:?} {what}");
            app.portcullis.run_due().await.unwrap();
            let sent = app.mailbox.all().split_off(mails);
            let opens = sent
                .iter()
                .any(|mail| mail.token().is_some() || mail.code().is_some());
            assert!(!opens, "{sent:?} {what}");
        }
    }
}

// TH-10
#[tokio::test]
async fn a_password_with_every_request_is_refused_while_its_owner_is_suspended() {
    let app = App::with(|builder| builder.enable_basic(), |router, _| router).await;
    app.client().register(ADA).await;
    let mut program = app.client();
    let basic = format!("Basic {}", STANDARD.encode(format!("{ADA}:{PASSWORD}")));
    let basic = HeaderValue::try_from(basic).unwrap();
    program.headers.insert(header::AUTHORIZATION, basic);
    program.check().await.expect(StatusCode::OK);
    app.set_state(ADA, EntityState::Suspended).await;
    let refused = program.check().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(refused.code(), "credential_rejected");
    app.set_state(ADA, EntityState::Active).await;
    program.check().await.expect(StatusCode::OK);
}
