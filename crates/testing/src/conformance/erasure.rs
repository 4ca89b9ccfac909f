//! Somebody whose account is closed is erased, and nothing of them is left but that their id was used.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::api_token::ApiToken;
use portcullis_core::entity::{Erasure, IdentifierChange, VerifiedIdentifier};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{ClaimId, MailId, TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::mail::OutboxMail;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::refresh::RefreshFamily;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{
    AttemptKey, AttemptPurpose, Due, IdentityStore, Reservation, SecurityStore, Settlement,
};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, TokenRejection, VerificationToken};

use super::expect::{applied, refused, winners};
use super::sample::{START, after, email, password, spend};
use super::trial::{Trial, rounds};

/// When accounts are closed here, and when their owners are erased.
const CLOSED: u64 = 10;
const NOW: u64 = 20;

/// Somebody with one of everything.
struct Person {
    tenant: TenantId,
    user: UserId,
    address: Identifier,
    api_token: ApiToken,
    family: RefreshFamily,
    links: Vec<VerificationToken>,
    mails: Vec<MailId>,
    attempts: AttemptKey,
}

impl Person {
    async fn new<S: IdentityStore>(trial: &Trial<S>, tenant: TenantId, name: &str) -> Self {
        let store = &trial.store;
        let mut enrolment = trial.new_enrolment(tenant).await;
        let address = email(name);
        enrolment.user.identifiers = vec![address.clone()];
        enrolment.handle.clone_from(&address.raw);
        enrolment.verified = true;
        enrolment.factor = Some(password("theirs"));
        let user = trial.enrolled(&enrolment).await;
        let api_token = trial.new_api_token(tenant, user);
        let created = store.create_api_token(&api_token, 1, Along::default());
        applied(created.await);
        let family = trial.begin(trial.new_family(tenant, user)).await;
        let mut person = Self {
            tenant,
            user,
            address,
            api_token,
            family,
            links: Vec::new(),
            mails: Vec::new(),
            attempts: AttemptKey {
                tenant,
                identifier: trial.new_digest().bytes,
                purpose: AttemptPurpose::Password,
            },
        };
        // One to the address they have, one to another that they asked for, one from before they had an account.
        let change = email(&format!("{name}-new"));
        let owned = [(&person.address, Some(user)), (&change, Some(user))];
        for (to, owner) in owned.into_iter().chain([(&person.address, None)]) {
            let mut link = trial.new_token(TokenKind::MagicLink, tenant, owner);
            link.email.clone_from(&to.canonical);
            person.links.push(link.clone());
            let mut mail = person.mail(trial, to, START);
            mail.user = owner;
            person.mails.push(mail.id);
            applied(
                store
                    .record(Along::default().with_issue(link).with_mail(mail))
                    .await,
            );
        }
        assert_eq!(person.failures(trial, START).await, 1);
        let won = Settlement::Succeeded { user };
        let settled = store.settle_attempt(&person.attempts, won, START, Along::default());
        applied(settled.await);
        assert_eq!(person.failures(trial, START).await, 1);
        person
    }

    async fn closed<S: IdentityStore>(trial: &Trial<S>, tenant: TenantId, name: &str) -> Self {
        let person = Self::new(trial, tenant, name).await;
        person
            .become_(trial, EntityState::Terminated, after(CLOSED))
            .await;
        person
    }

    async fn become_<S: SecurityStore>(&self, trial: &Trial<S>, to: EntityState, at: Timestamp) {
        let status = Status::new(to, at);
        let set = trial
            .store
            .set_state(self.tenant, self.user, &status, Along::default());
        applied(set.await);
    }

    fn mail<S>(&self, trial: &Trial<S>, to: &Identifier, at: Timestamp) -> OutboxMail {
        let mut mail = trial.new_mail(self.tenant);
        mail.to.clone_from(&to.raw);
        mail.user = None;
        mail.created_at = at;
        mail
    }

    /// Counts one attempt more; how many there were, this one included.
    async fn failures<S: SecurityStore>(&self, trial: &Trial<S>, now: Timestamp) -> u32 {
        let policy = TenantPolicy::default().lockout;
        let reserved = trial.store.reserve_attempt(&self.attempts, &policy, now);
        match reserved.await.unwrap() {
            Reservation::Granted { failures } => failures,
            Reservation::Locked { .. } => panic!("locked"),
        }
    }

    fn erasure(&self) -> Erasure {
        Erasure {
            tenant: self.tenant,
            user: self.user,
            identifiers: vec![self.address.clone()],
            until: after(NOW),
            attempts: vec![self.attempts.identifier],
            now: after(NOW),
        }
    }

    /// Which of their mails wait.
    async fn waiting<S: SecurityStore>(&self, trial: &Trial<S>) -> usize {
        let now = after(NOW);
        let claim = ClaimId::from_bytes(trial.id());
        let mails = trial.store.claim_mail(claim, now, now, 1000).await.unwrap();
        let theirs = |id: &MailId| mails.iter().any(|claimed| claimed.mail.id == *id);
        self.mails.iter().filter(|id| theirs(id)).count()
    }

    /// Which of their links are known.
    async fn known_links<S: SecurityStore>(&self, trial: &Trial<S>) -> usize {
        let mut known = 0;
        for link in &self.links {
            known += usize::from(trial.store.peek(link.id).await.unwrap().is_some());
        }
        known
    }

    /// Everything is as it was.
    async fn is_whole<S: IdentityStore>(&self, trial: &Trial<S>, state: EntityState) {
        let (store, tenant, user) = (&trial.store, self.tenant, self.user);
        let found = store.find_user(tenant, &self.address).await.unwrap();
        assert_eq!(found.unwrap().id, user);
        let account = store.account(tenant, user).await.unwrap().unwrap();
        assert_eq!(account.status.state, state);
        assert_eq!(account.handle, self.address.raw);
        assert_eq!(account.last_sign_in, Some(START));
        let proved = VerifiedIdentifier {
            kind: self.address.kind,
            canonical: self.address.canonical.clone(),
            at: START,
        };
        assert_eq!(account.verified, [proved]);
        let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
        assert!(loaded.unwrap().unwrap().factor.is_some());
        let token = store.resolve_api_token(self.api_token.id).await.unwrap();
        assert!(token.is_some());
        assert!(
            store
                .resolve_family(self.family.id)
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(self.waiting(trial).await, self.mails.len());
        assert_eq!(self.known_links(trial).await, self.links.len());
    }
}

fn users(due: Vec<Due>) -> Vec<UserId> {
    due.into_iter().map(|due| due.user).collect()
}

async fn erase<S: IdentityStore>(trial: &Trial<S>, person: &Person) {
    let erasure = person.erasure();
    applied(trial.store.erase(&erasure, Along::default()).await);
}

// AZ-05
/// ERA-1: no person, no identifier, no factor, no token, no link, no mail and no count is left; the account is archived and
/// says nobody's name.
pub async fn an_erased_person_leaves_nothing_but_a_tombstone<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let person = Person::closed(&trial, tenant, "ada").await;
    let user = person.user;
    person.is_whole(&trial, EntityState::Terminated).await;
    erase(&trial, &person).await;
    assert_eq!(store.user(tenant, user).await.unwrap(), None);
    let found = store.find_user(tenant, &person.address).await.unwrap();
    assert_eq!(found, None);
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(
        account.status,
        Status::new(EntityState::Archived, after(NOW))
    );
    assert_eq!(account.handle, "");
    assert_eq!(account.last_sign_in, None);
    assert!(account.verified.is_empty());
    let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
    assert_eq!(loaded.unwrap().unwrap().factor, None);
    let token = store.resolve_api_token(person.api_token.id).await.unwrap();
    assert!(token.is_none(), "an API token is left");
    let family = store.resolve_family(person.family.id).await.unwrap();
    assert!(family.is_none(), "a refresh family is left");
    assert_eq!(person.known_links(&trial).await, 0, "a link is left");
    assert_eq!(person.waiting(&trial).await, 0, "a mail is left");
    let now = after(NOW);
    assert_eq!(person.failures(&trial, now).await, 1, "a count is left");
}

// AZ-05, SE-13
/// ERA-2: somebody else may have the address, and nobody the id, here or in another tenant.
pub async fn an_erased_address_is_free_and_the_id_is_not<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let person = Person::closed(&trial, tenant, "ada").await;
    erase(&trial, &person).await;
    let other = Person::new(&trial, tenant, "ada").await;
    assert_ne!(other.user, person.user);
    other.is_whole(&trial, EntityState::Active).await;
    for tenant in [tenant, trial.founded().await] {
        let mut enrolment = trial.new_enrolment(tenant).await;
        enrolment.user.id = person.user;
        let again = store.enrol(&enrolment, Along::default()).await;
        assert_eq!(refused(again), Refusal::Exists);
        let account = enrolment.account();
        let opened = store.open_account(&account, Along::default()).await;
        assert_eq!(refused(opened), Refusal::Exists);
    }
}

/// What is not closed is not erased, and nothing that was to happen along happens.
pub async fn only_a_closed_account_is_erased<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let person = Person::new(&trial, tenant, "ada").await;
    for state in [EntityState::Active, EntityState::Suspended] {
        if state != EntityState::Active {
            person.become_(&trial, state, after(1)).await;
        }
        let along = Along::default().with_epoch_of(tenant, person.user);
        let erased = store.erase(&person.erasure(), along).await;
        assert_eq!(refused(erased), Refusal::Transition { from: state });
        person.is_whole(&trial, state).await;
        let account = store.account(tenant, person.user).await.unwrap();
        assert_eq!(account.unwrap().epoch.0, 0);
    }
    person
        .become_(&trial, EntityState::Terminated, after(CLOSED))
        .await;
    let elsewhere = trial.founded().await;
    let free = trial.free_id(tenant).await;
    for (tenant, user, expected) in [
        (elsewhere, person.user, Refusal::NotFound),
        (tenant, free, Refusal::NotFound),
        (tenant, UserId::SYSTEM, Refusal::Reserved),
    ] {
        let erasure = Erasure {
            tenant,
            user,
            ..person.erasure()
        };
        let erased = store.erase(&erasure, Along::default()).await;
        assert_eq!(refused(erased), expected);
    }
    person.is_whole(&trial, EntityState::Terminated).await;
    erase(&trial, &person).await;
    let again = store.erase(&person.erasure(), Along::default()).await;
    let from = EntityState::Archived;
    assert_eq!(refused(again), Refusal::Transition { from });
}

/// Others keep everything: those with the same address in another tenant, those in the same tenant, and whoever has the
/// address after them.
pub async fn an_erasure_touches_nobody_else<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.founded().await, trial.founded().await);
    let person = Person::closed(&trial, tenant, "ada").await;
    let neighbour = Person::new(&trial, tenant, "eve").await;
    let namesake = Person::new(&trial, elsewhere, "ada").await;
    let later = person.mail(&trial, &person.address, after(CLOSED + 1));
    let mut link = trial.new_token(TokenKind::MagicLink, tenant, None);
    link.email.clone_from(&person.address.canonical);
    link.created_at = after(CLOSED + 1);
    let along = Along::default()
        .with_mail(later.clone())
        .with_issue(link.clone());
    applied(store.record(along).await);
    let erasure = Erasure {
        until: after(CLOSED),
        ..person.erasure()
    };
    applied(store.erase(&erasure, Along::default()).await);
    neighbour.is_whole(&trial, EntityState::Active).await;
    namesake.is_whole(&trial, EntityState::Active).await;
    assert!(store.peek(link.id).await.unwrap().is_some());
    let claim = ClaimId::from_bytes(trial.id());
    let now = after(NOW);
    let mails = store.claim_mail(claim, now, now, 1000).await.unwrap();
    assert!(mails.iter().any(|claimed| claimed.mail.id == later.id));
}

// AZ-05
/// Mail is erased with whom it is about, in whatever spelling it goes: an address that somebody had mail sent to is not
/// theirs, and whoever has it loses nothing.
pub async fn an_erasure_takes_the_mail_of_nobody_else<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let victim = Person::new(&trial, tenant, "victim").await;
    let person = Person::closed(&trial, tenant, "ada").await;
    let unclaimed = email("unclaimed");
    let mut shouted = email("ada");
    shouted.raw = "ADA@example.com".to_owned();
    let (mut theirs, mut others) = (Vec::new(), Vec::new());
    let all = [
        (&victim.address, Some(person.user), true),
        (&shouted, Some(person.user), true),
        (&unclaimed, Some(person.user), true),
        (&victim.address, Some(victim.user), false),
        (&victim.address, None, false),
        (&unclaimed, None, false),
        (&person.address, Some(victim.user), false),
    ];
    for (to, user, goes) in all {
        // Somebody asked for links to whatever they liked.
        let mut link = trial.new_token(TokenKind::EmailChange, tenant, Some(person.user));
        link.email.clone_from(&to.canonical);
        let mut mail = person.mail(&trial, to, START);
        mail.user = user;
        let list = if goes { &mut theirs } else { &mut others };
        list.push(mail.id);
        let along = Along::default().with_issue(link).with_mail(mail);
        applied(store.record(along).await);
    }
    erase(&trial, &person).await;
    let claim = ClaimId::from_bytes(trial.id());
    let now = after(NOW);
    let left = store.claim_mail(claim, now, now, 1000).await.unwrap();
    let waits = |id: &&MailId| left.iter().any(|claimed| claimed.mail.id == **id);
    assert_eq!(others.iter().filter(waits).count(), others.len());
    assert_eq!(theirs.iter().filter(waits).count(), 0);
    assert_eq!(person.waiting(&trial).await, 0);
}

/// ERA-2: a tombstone takes nothing new.
pub async fn a_tombstone_takes_nothing_new<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let person = Person::closed(&trial, tenant, "ada").await;
    erase(&trial, &person).await;
    let (user, now) = (person.user, after(NOW + 1));
    let none = Along::default;
    let token = trial.new_api_token(tenant, user);
    let created = store.create_api_token(&token, 10, none()).await;
    assert_eq!(refused(created), Refusal::NotFound);
    let family = trial.new_family(tenant, user);
    let opened = store.open_family(&family, 10, none()).await;
    assert_eq!(refused(opened), Refusal::NotFound);
    let factor = password("new");
    let inserted = store
        .insert_factor(tenant, user, &factor, now, none())
        .await;
    assert_eq!(refused(inserted), Refusal::NotFound);
    let won = Settlement::Succeeded { user };
    let settled = store
        .settle_attempt(&person.attempts, won, now, none())
        .await;
    assert_eq!(refused(settled), Refusal::NotFound);
    let change = IdentifierChange {
        tenant,
        user,
        from: person.address.clone(),
        to: email("new"),
        now,
    };
    let changed = store.change_verified(&change, none()).await;
    assert_eq!(refused(changed), Refusal::NotFound);
    for state in EntityState::ALL {
        let status = Status::new(state, now);
        let set = store.set_state(tenant, user, &status, none()).await;
        let from = EntityState::Archived;
        assert_eq!(refused(set), Refusal::Transition { from });
    }
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(
        account.status,
        Status::new(EntityState::Archived, after(NOW))
    );
    assert_eq!((account.last_sign_in, account.verified), (None, Vec::new()));
}

// CC-01
/// What travels with an erasure commits with it, and a dead token erases nobody.
pub async fn an_erasure_commits_with_what_travels_along<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let person = Person::closed(&trial, tenant, "ada").await;
    let witness = Person::new(&trial, tenant, "eve").await;
    let link = witness.links.first().unwrap();
    let mut wrong = spend(link, after(NOW));
    wrong.kind = TokenKind::Invite;
    let along = |spent| {
        Along::default()
            .with_spend(spent)
            .with_epoch_of(tenant, witness.user)
    };
    let erased = store.erase(&person.erasure(), along(wrong)).await;
    assert_eq!(refused(erased), Refusal::Token(TokenRejection::OtherKind));
    person.is_whole(&trial, EntityState::Terminated).await;
    let epoch = async || {
        let account = store.account(tenant, witness.user).await.unwrap();
        account.unwrap().epoch.0
    };
    assert_eq!(epoch().await, 0);
    // The newer link superseded the first.
    let link = witness.links.get(1).unwrap();
    let erased = store
        .erase(&person.erasure(), along(spend(link, after(NOW))))
        .await;
    applied(erased);
    assert_eq!(epoch().await, 1);
    let spent = store.peek(link.id).await.unwrap().unwrap();
    assert!(spent.consumed_at.is_some());
}

// CC-01
/// Of many who erase somebody at once, one does.
pub async fn of_many_who_erase_somebody_one_does<S: IdentityStore>(trial: Trial<S>) {
    let tenant = trial.founded().await;
    for round in 0..rounds() / 4 {
        let person = Person::closed(&trial, tenant, &format!("ada{round}")).await;
        let erased = trial
            .race(8, |_, store| {
                let erasure = person.erasure();
                let along = Along::default();
                async move { store.erase(&erasure, along).await }
            })
            .await;
        let from = EntityState::Archived;
        assert_eq!(winners(erased, Refusal::Transition { from }), 1);
    }
}

/// Closed accounts are listed longest first, of one tenant, up to a limit, and no longer once they are erased.
pub async fn closed_accounts_are_listed_longest_first<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.founded().await, trial.founded().await);
    Person::new(&trial, tenant, "active").await;
    Person::closed(&trial, elsewhere, "elsewhere").await;
    let mut closed = Vec::new();
    for secs in [30, 10, 20] {
        let person = Person::new(&trial, tenant, &format!("p{secs}")).await;
        person
            .become_(&trial, EntityState::Terminated, after(secs))
            .await;
        closed.push((secs, person));
    }
    closed.sort_by_key(|(secs, _)| *secs);
    let ids: Vec<UserId> = closed.iter().map(|(_, person)| person.user).collect();
    let page = async |secs, from, limit| {
        let listed = store.closed_accounts(tenant, after(secs), from, limit);
        listed.await.unwrap()
    };
    let listed = async |secs, limit| users(page(secs, None, limit).await);
    assert_eq!(listed(30, 10).await, ids);
    assert_eq!(listed(30, 2).await, ids[..2]);
    assert_eq!(listed(29, 10).await, ids[..2]);
    assert!(listed(9, 10).await.is_empty());
    // Page by page, whatever becomes of those before.
    let first = page(30, None, 1).await;
    let next = page(30, first.last().copied(), 1).await;
    assert_eq!(users(next.clone()), ids[1..2]);
    assert_eq!(users(page(30, next.last().copied(), 10).await), ids[2..]);
    erase(&trial, &closed[0].1).await;
    assert_eq!(listed(30, 10).await, ids[1..]);
    // Those of one moment by id.
    let mut alike = vec![ids[1], ids[2]];
    for _ in 0..3 {
        let person = Person::new(&trial, tenant, &format!("a{}", alike.len())).await;
        person
            .become_(&trial, EntityState::Terminated, after(40))
            .await;
        alike.push(person.user);
    }
    alike[2..].sort_unstable();
    let (mut seen, mut from) = (Vec::new(), None);
    while let Some(due) = page(40, from, 1).await.pop() {
        seen.push(due.user);
        from = Some(due);
    }
    assert_eq!(seen, alike);
}
