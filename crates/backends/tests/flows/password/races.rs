//! What happens at once.

use std::sync::Arc;

use portcullis_backends::core::secret::Password;
use portcullis_backends::flow::{ResetPassword, ResetPasswordOutcome, SignIn, SignInOutcome};
use tokio::task::JoinSet;

use super::NEW;
use crate::harness::{ADA, Harness, PASSWORD};

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_reset_with_one_link_one_succeeds() {
    let h = Harness::new().await;
    h.person(ADA).await;
    for round in 0..5 {
        let link = h.reset_link(ADA).await;
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let (portcullis, context) = (h.portcullis.clone(), h.context());
            let reset = ResetPassword {
                token: link.clone(),
                password: Password::new(format!("password of task {round} {n}")).unwrap(),
            };
            tasks.spawn(async move {
                let outcome = portcullis.reset_password(reset, &context).await.unwrap();
                matches!(outcome, ResetPasswordOutcome::Reset { .. }).then_some(n)
            });
        }
        let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        let winner = winners.first().unwrap();
        assert!(
            h.signs_in(ADA, &format!("password of task {round} {winner}"))
                .await
        );
    }
}

// SE-06, CC-06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_races_a_reset_leaves_no_session_of_the_old_password() {
    let h = Arc::new(Harness::new().await);
    h.person(ADA).await;
    let mut current = PASSWORD.to_owned();
    for round in 0..20 {
        let link = h.reset_link(ADA).await;
        let next = format!("{NEW} {round}");
        let mut sign_ins = JoinSet::new();
        for _ in 0..4 {
            let (portcullis, context) = (h.portcullis.clone(), h.context());
            let input = SignIn {
                identifier: ADA.to_owned(),
                password: Password::new(current.clone()).unwrap(),
                replaces: None,
            };
            sign_ins.spawn(async move { portcullis.sign_in(input, &context).await.unwrap() });
        }
        let resetting = {
            let (h, next) = (Arc::clone(&h), next.clone());
            tokio::spawn(async move { h.reset(&link, &next).await })
        };
        let outcomes = sign_ins.join_all().await;
        assert!(matches!(
            resetting.await.unwrap(),
            ResetPasswordOutcome::Reset { .. }
        ));
        for outcome in outcomes {
            if let SignInOutcome::SignedIn(signed_in) = outcome {
                assert!(!h.counts(&signed_in).await, "round {round}");
            }
        }
        assert!(h.signs_in(ADA, &next).await);
        current = next;
    }
}
