//! What there may be so many of, asked for by more at once.

use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{EmailCode, EmailCodeOutcome};

use crate::world::{MANY, PASSWORD, SESSIONS_MAX, World, at_once, rounds};

/// How many codes may be tried on one ticket.
const TRIES: usize = 5;

async fn is_refused(world: World, ticket: SecretText, code: String) -> bool {
    let input = EmailCode {
        ticket,
        code: SecretText::new(code),
        replaces: None,
    };
    let context = world.context();
    let entered = world.portcullis.sign_in_with_email_code(input, &context);
    matches!(entered.await.unwrap(), EmailCodeOutcome::Refused)
}

/// Another code than this.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

pub(crate) async fn guesses(world: &World) {
    for round in 0..rounds() {
        let email = format!("ada{round}@example.com");
        let user = world.person(&email).await;
        let (ticket, code) = world.code(&email).await;
        let ends = at_once(|_| is_refused(world.clone(), ticket.clone(), wrong(&code))).await;
        assert!(ends.iter().all(|(_, refused)| *refused));
        let (kind, failure) = (AuthEventType::SignIn, AuthEventStatus::Failure);
        let refused = world.events(Some(user), kind, failure).await;
        let compared = refused
            .iter()
            .filter(|e| e.reason == Some(Reason::WrongCode));
        assert_eq!(compared.count(), TRIES);
        assert!(is_refused(world.clone(), ticket, code).await, "too late");
        assert_eq!(world.times(user, kind).await, 0);
    }
}

pub(crate) async fn sessions(world: &World) {
    for round in 0..rounds() {
        let email = format!("eve{round}@example.com");
        let user = world.person(&email).await;
        let ends = at_once(|_| {
            let (world, email) = (world.clone(), email.clone());
            async move { world.sign_in(&email, PASSWORD).await.unwrap() }
        });
        let ends = ends.await;
        let mut live = 0;
        for (_, signed_in) in &ends {
            live += usize::from(world.is_signed_in(&signed_in.cookie).await);
        }
        assert_eq!(live, SESSIONS_MAX, "whose cookies count");
        let (_, anyone) = ends.first().unwrap();
        let listed = world.sessions(&anyone.principal).await;
        assert_eq!(listed, SESSIONS_MAX, "as their owner sees them");
        assert_eq!(world.times(user, AuthEventType::SignIn).await, MANY);
    }
}
