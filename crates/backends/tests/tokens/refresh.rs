//! Refresh tokens.

use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::CloseAccountOutcome;
use portcullis_backends::tokens::opaque::TokenClass;

use super::{ADA, Harness, instance, issue, jwt_keys, refresh, refresh_with, scopes};

// RT-01
#[tokio::test]
async fn a_spent_token_that_comes_again_after_the_grace_ends_the_family() {
    let h = instance().await;
    let first = issue(&h, None).await;
    let second = refresh(&h, &first.refresh).await.unwrap();
    h.advance(10);
    assert!(refresh(&h, &first.refresh).await.is_none());
    assert!(
        refresh(&h, &second.refresh).await.is_none(),
        "the successor is dead too"
    );
    let events = h.events().await;
    let reuse: Vec<_> = events
        .iter()
        .filter(|e| e.kind == AuthEventType::RefreshReuse)
        .collect();
    assert_eq!(reuse.len(), 1);
    assert_eq!(reuse[0].reason, Some(Reason::Replayed));
}

// RT-03
#[tokio::test]
async fn a_lost_answer_retried_within_the_grace_gets_the_same_successor() {
    let h = instance().await;
    let first = issue(&h, None).await;
    let second = refresh(&h, &first.refresh).await.unwrap();
    h.advance(9);
    let again = refresh(&h, &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    let third = refresh(&h, &second.refresh).await.unwrap();
    assert_ne!(third.refresh.expose(), second.refresh.expose());
}

// RT-03
#[tokio::test]
async fn the_grace_is_for_the_immediate_parent_only() {
    let h = instance().await;
    let first = issue(&h, None).await;
    let second = refresh(&h, &first.refresh).await.unwrap();
    let third = refresh(&h, &second.refresh).await.unwrap();
    assert!(
        refresh(&h, &first.refresh).await.is_none(),
        "the grandparent"
    );
    assert!(
        refresh(&h, &third.refresh).await.is_none(),
        "ends the family"
    );
}

#[tokio::test]
async fn a_made_up_token_with_the_familys_id_ends_nothing() {
    let h = instance().await;
    let first = issue(&h, None).await;
    let tokens = h.portcullis.tokens();
    let id = tokens
        .parse(TokenClass::Refresh, first.refresh.expose())
        .unwrap()
        .id();
    let made_up = tokens.format().encode(TokenClass::Refresh, id, &[7; 32]);
    assert!(refresh(&h, &made_up).await.is_none());
    assert!(refresh(&h, &first.refresh).await.is_some());
}

// RT-02
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_refreshes_at_once_make_one_chain() {
    let rounds = if std::env::var_os("PORTCULLIS_LONG").is_some() {
        100
    } else {
        20
    };
    let h = instance().await;
    let mut current = issue(&h, None).await.refresh;
    for _ in 0..rounds {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (h, token) = (h.clone(), current.clone());
            tasks.spawn(async move {
                refresh(&h, &token)
                    .await
                    .map(|pair| pair.refresh.expose().to_owned())
            });
        }
        let mut successors: Vec<_> = tasks
            .join_all()
            .await
            .into_iter()
            .map(Option::unwrap)
            .collect();
        successors.sort();
        successors.dedup();
        assert_eq!(successors.len(), 1, "one successor for all");
        current = SecretText::new(successors.remove(0));
    }
}

// RT-05
#[tokio::test]
async fn a_family_ends_at_its_absolute_deadline_however_often_it_is_used() {
    let policy = PolicyOverrides {
        token_refresh_absolute_secs: Some(31 * 24 * 3600),
        ..PolicyOverrides::default()
    };
    let h = Harness::with(|b| b.access_tokens(jwt_keys()).policy(policy)).await;
    h.person(ADA).await;
    let mut current = issue(&h, None).await.refresh;
    for hour in 1..31 * 24 {
        h.advance(3600);
        let pair = refresh(&h, &current).await;
        current = pair
            .unwrap_or_else(|| panic!("dead after {hour} h"))
            .refresh;
    }
    h.advance(3600);
    assert!(refresh(&h, &current).await.is_none());
}

#[tokio::test]
async fn an_unused_refresh_token_is_over_at_its_idle_deadline() {
    let h = instance().await;
    for (secs, good) in [(30 * 24 * 3600 - 1, true), (30 * 24 * 3600, false)] {
        let pair = issue(&h, None).await;
        h.advance(secs);
        assert_eq!(refresh(&h, &pair.refresh).await.is_some(), good);
    }
}

// RT-06
#[tokio::test]
async fn a_refresh_never_widens_the_scopes() {
    let h = instance().await;
    let pair = issue(&h, scopes(&["read", "write"])).await;
    assert!(
        refresh_with(&h, &pair.refresh, scopes(&["read", "admin"]))
            .await
            .is_none()
    );
    let narrow = refresh_with(&h, &pair.refresh, scopes(&["read"]))
        .await
        .unwrap();
    assert!(narrow.principal.has_scope("read") && !narrow.principal.has_scope("write"));
    let wide = refresh(&h, &narrow.refresh).await.unwrap();
    assert!(
        wide.principal.has_scope("write"),
        "the family keeps what it had"
    );
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let h = instance().await;
    let pair = issue(&h, None).await;
    let session = h.sign_in(ADA).await.cookie;
    let unknown = h
        .portcullis
        .tokens()
        .format()
        .encode(TokenClass::Refresh, [3; 16], &[7; 32]);
    for text in [
        "",
        "x",
        pair.access.expose(),
        session.expose(),
        unknown.expose(),
    ] {
        assert!(refresh(&h, &SecretText::new(text)).await.is_none());
    }
}

// RT-05
#[tokio::test]
async fn the_families_of_a_person_are_capped() {
    let policy = PolicyOverrides {
        token_refresh_max_per_user: Some(2),
        ..PolicyOverrides::default()
    };
    let h = Harness::with(|b| b.access_tokens(jwt_keys()).policy(policy)).await;
    h.person(ADA).await;
    let mut pairs = Vec::new();
    for _ in 0..3 {
        h.advance(1);
        pairs.push(issue(&h, None).await.refresh);
    }
    let mut good = Vec::new();
    for token in &pairs {
        good.push(refresh(&h, token).await.is_some());
    }
    assert_eq!(good, [false, true, true]);
}

#[tokio::test]
async fn closing_an_account_ends_its_families_and_access_tokens() {
    let h = instance().await;
    let pair = issue(&h, None).await;
    let here = h.sign_in(ADA).await;
    let context = h.context();
    let closed = h.portcullis.close_account(&here.principal, &context).await;
    assert_eq!(closed.unwrap(), CloseAccountOutcome::Closed);
    assert!(refresh(&h, &pair.refresh).await.is_none());
    let bearer = Credential::Bearer(pair.access.expose());
    let answer = h.present(Some(bearer)).await.unwrap();
    assert!(matches!(answer, Authentication::Rejected));
}
