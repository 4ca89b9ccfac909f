//! What holds whatever failed: no half state, no effect without its event, nothing accepted that is over.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_backends::core::entity::{Account, Epoch};
use portcullis_backends::core::event::{AuthEvent, AuthEventStatus, AuthEventType};
use portcullis_backends::core::factor::FactorKind;
use portcullis_backends::core::id::{ApiTokenId, UserId};
use portcullis_backends::core::role::Roles;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{
    AccountStore, ApiTokenStore, FactorStore, SessionStore, VerificationStore,
};
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::core::verification::TokenKind;
use portcullis_backends::flow::{UserRecord, VerifyEmailOutcome};
use portcullis_backends::tokens::opaque::TokenClass;

use crate::world::{Dead, PASSWORD, World};

/// Successes in the audit log.
struct Log(Vec<AuthEvent>);

impl Log {
    fn count(&self, about: UserId, kind: AuthEventType) -> usize {
        self.about(about, kind).count()
    }

    fn about(&self, user: UserId, kind: AuthEventType) -> impl Iterator<Item = &AuthEvent> {
        let wanted = move |event: &&AuthEvent| event.subject == Some(user) && event.kind == kind;
        self.0.iter().filter(wanted)
    }

    /// How often everything of everybody was ended after somebody was there.
    fn ends_of_everything(&self, user: UserId) -> usize {
        let theirs = self.0.iter().filter(|event| event.subject == Some(user));
        let there = theirs.map(|event| event.at).min();
        there.map_or(0, |there| self.ends_since(there).count())
    }

    /// What was ended of everybody at once. The first of both events comes with the effect, the second says how it went.
    fn ends_since(&self, moment: Timestamp) -> impl Iterator<Item = &AuthEvent> {
        let kind = AuthEventType::EverythingEnded;
        let all = self.0.iter().filter(move |event| event.kind == kind);
        all.filter(move |event| event.detail["done"].is_null() && moment <= event.at)
    }
}

/// Addresses proved without a password, by a link that signs in.
fn proofs_by_link(log: &Log, user: UserId) -> usize {
    let proofs = log.about(user, AuthEventType::EmailVerified);
    proofs.filter(|event| by_link(event)).count()
}

fn by_link(event: &AuthEvent) -> bool {
    event.detail["via"] == TokenKind::MagicLink.as_str()
}

/// How often a link that signs in activated an account that was there: each time everything made before is over.
fn activations_by_link(log: &Log, user: UserId) -> usize {
    let made = log.about(user, AuthEventType::SignUp);
    proofs_by_link(log, user) - made.filter(|event| by_link(event)).count()
}

/// How often the account was set to a state that takes rights away.
fn demotions(log: &Log, user: UserId) -> usize {
    let changes = log.about(user, AuthEventType::AccountStateChanged);
    let demotes = |event: &&AuthEvent| event.detail["to"] != EntityState::Active.as_str();
    changes.filter(demotes).count()
}

/// The roles that the log gives somebody. It comes newest first.
fn roles_of(log: &Log, user: UserId) -> Roles {
    let changes: Vec<_> = log.about(user, AuthEventType::RolesChanged).collect();
    let mut names = BTreeSet::new();
    for change in changes.into_iter().rev() {
        match &change.detail {
            detail if detail["granted"].is_string() => {
                names.insert(detail["granted"].as_str().unwrap());
            }
            detail => assert!(names.remove(detail["revoked"].as_str().unwrap())),
        }
    }
    Roles::new(names.iter().map(|name| name.parse().unwrap())).unwrap()
}

impl World {
    /// Every law there is, over everything in the store. The store must be healthy.
    pub(crate) async fn laws_hold(&self) {
        self.deliver().await;
        let mut events = self.events().await;
        events.retain(|event| event.status == AuthEventStatus::Success);
        let log = Log(events);
        let people = self.portcullis.admin_users(self.tenant(), None, 1000).await;
        let people = people.unwrap();
        for UserRecord { user, account } in &people {
            let Some(account) = account.as_ref() else {
                assert!(self.split, "a person without an account");
                let told = log.0.iter().any(|event| event.subject == Some(user.id));
                assert!(!told, "an event of somebody without an account");
                continue;
            };
            let address = user.email().expect("a person without an address");
            self.state_is_whole(account, &address.raw, &log).await;
            self.credentials_are_explained(user.id, &log).await;
        }
        for event in &log.0 {
            let Some(subject) = event.subject else {
                continue;
            };
            if !people.iter().any(|person| person.user.id == subject) {
                let is_gone = self.is_gone(subject, &log).await;
                assert!(is_gone, "an event without its effect: {event:?}");
            }
        }
        self.nothing_dead_is_accepted().await;
    }

    /// Whether somebody whom the directory does not have was there and left.
    async fn is_gone(&self, user: UserId, log: &Log) -> bool {
        let account = self.store.healthy().account(self.tenant(), user).await;
        match account.unwrap().map(|account| account.status.state) {
            None => log.count(user, AuthEventType::SignUpDiscarded) == 1,
            Some(EntityState::Archived) => log.count(user, AuthEventType::AccountErased) == 1,
            // The directory lets go first.
            Some(EntityState::Terminated) => self.split,
            Some(_) => false,
        }
    }

    async fn state_is_whole(&self, account: &Account, address: &str, log: &Log) {
        let (user, store) = (account.user, self.store.healthy());
        let proofs = log.count(user, AuthEventType::EmailVerified);
        let opened = log.count(user, AuthEventType::AccountOpened);
        let resets = log.count(user, AuthEventType::PasswordReset);
        let renewed = resets + log.count(user, AuthEventType::PasswordChanged);
        let moved = log.count(user, AuthEventType::EmailChanged);
        let out = log.about(user, AuthEventType::SessionsRevoked);
        let out = out
            .filter(|event| event.detail["everything"] == true)
            .count();
        let state = account.status.state;
        let loaded = store.load_factor(account.tenant, user, FactorKind::Password);
        let factor = loaded.await.unwrap().expect("no such account").factor;
        let discards = log.count(user, AuthEventType::SignUpDiscarded);
        let mut changes = log.about(user, AuthEventType::AccountStateChanged);
        match (changes.next(), state) {
            (Some(latest), state) => assert_eq!(latest.detail["to"], state.as_str()),
            (None, EntityState::Candidate | EntityState::Pending) => {
                self.a_link_is_on_its_way(account, address).await;
            }
            (None, EntityState::Active) => {
                assert!(proofs + opened + resets > 0, "active by itself");
            }
            (None, EntityState::Terminated) => assert!(self.split && discards == 1),
            (None, state) => panic!("{state:?} by itself"),
        }
        if state == EntityState::Active {
            assert!(
                !account.verified.is_empty(),
                "active, and nothing is proved"
            );
            let by_link = proofs_by_link(log, user) > 0;
            assert!(factor.is_some() || by_link, "active, and no way to sign in");
        }
        assert!(proofs <= 1, "one link worked twice");
        // These are written with their event: neither is there without the other.
        let rehashed = log.count(user, AuthEventType::PasswordRehashed);
        let version = factor.map_or(0, |factor| factor.version.0 as usize);
        assert_eq!(
            version,
            proofs - proofs_by_link(log, user) + opened + rehashed + renewed,
            "a password unexplained"
        );
        assert_eq!(
            account.epoch.0 as usize,
            demotions(log, user)
                + activations_by_link(log, user)
                + renewed
                + moved
                + out
                + discards
                + log.ends_of_everything(user) * Epoch::LEAP as usize,
            "an epoch unexplained"
        );
        let sign_ins = log.count(user, AuthEventType::SignIn);
        assert_eq!(
            account.last_sign_in.is_some(),
            sign_ins > 0,
            "a sign-in unexplained"
        );
        assert_eq!(account.roles, roles_of(log, user), "a role unexplained");
        let sign_ups = log.count(user, AuthEventType::SignUp);
        assert!(sign_ups + opened > 0, "a person from nowhere");
    }

    /// Whoever is pending has a live link, and the mail that brings it has been delivered.
    async fn a_link_is_on_its_way(&self, account: &Account, address: &str) {
        let kind = TokenKind::EmailVerification;
        let (store, now) = (self.store.healthy(), self.portcullis.now());
        if now.since(account.status.detail.since) > Duration::from_secs(24 * 3600) {
            return;
        }
        let live = store.live_token(account.tenant, account.user, kind, now);
        let live = live.await.unwrap().expect("pending, and no link works");
        let tokens = self.portcullis.tokens();
        let mailed = self.mailbox.to(address).iter().any(|mail| {
            let text = mail.token().unwrap_or_default();
            let parsed = tokens.parse(TokenClass::Verification, text);
            parsed.is_ok_and(|link| tokens.verify(&link, &live.digest))
        });
        assert!(mailed, "pending, and the mail got lost");
    }

    async fn credentials_are_explained(&self, user: UserId, log: &Log) {
        let (store, tenant, now) = (self.store.healthy(), self.tenant(), self.portcullis.now());
        let sessions = store.list_sessions(tenant, user, now).await.unwrap();
        let sign_ins = log.count(user, AuthEventType::SignIn);
        assert!(sessions.len() <= sign_ins, "a session unexplained");

        let created: Vec<(ApiTokenId, Timestamp)> = log
            .about(user, AuthEventType::ApiTokenCreated)
            .map(|event| (event.detail["api_token"].as_str().unwrap(), event.at))
            .map(|(id, at)| (id.parse().unwrap(), at))
            .collect();
        for token in store.list_api_tokens(tenant, user, now).await.unwrap() {
            let mut explained = created.iter();
            let explained = explained.any(|(id, _)| *id == token.id);
            assert!(explained, "an API token unexplained");
        }
        let revoked = |id: ApiTokenId, made: Timestamp| {
            let mut one = log.about(user, AuthEventType::ApiTokenRevoked);
            one.any(|event| event.detail["api_token"] == id.to_string())
                || log.count(user, AuthEventType::ApiTokensRevoked) > 0
                || (log.ends_since(made)).any(|event| event.detail["api_tokens"] == true)
        };
        for (id, made) in created {
            let resolved = store.resolve_api_token(id).await.unwrap();
            let token = resolved.expect("an event without its API token").token;
            assert_eq!(
                token.revoked_at.is_some(),
                revoked(id, made),
                "a revocation unexplained"
            );
        }
    }

    async fn nothing_dead_is_accepted(&self) {
        let Dead {
            cookie,
            api_token,
            link,
        } = self.dead();
        assert!(
            !self.accepts_cookie(cookie).await,
            "an ended session came back"
        );
        assert!(
            !self.accepts_token(api_token).await,
            "a revoked token came back"
        );
        let again = self.try_verify(link, None, Some(PASSWORD)).await.unwrap();
        assert_eq!(again, VerifyEmailOutcome::Rejected, "a used link came back");
    }
}
