//! Trying everything that was ever made, and comparing with what the law says of it.
//!
//! What works is tried in a way that uses nothing up; what does not is tried for real, since being refused changes
//! nothing. What is dear to try takes turns: what should be over and is not shows a few steps later as well.

#[path = "probe/mailed.rs"]
mod mailed;

use std::fmt::Debug;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_backends::Authentication;
use portcullis_backends::core::backend::{Credential, Presented, RequestContext};
use portcullis_backends::core::net::DeviceMark;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, MagicLink, MagicLinkOutcome, RefreshOutcome,
    RefreshRequest, ResetLinkOutcome, ResetPassword, ResetPasswordOutcome, VerifyEmail,
    VerifyEmailOutcome,
};

use crate::act::{Spelling, Word};
use crate::law::{Law, Life, Purpose, Ticket};
use crate::world::World;
use crate::world::perform::word;
use portcullis_testing::NoRequest;

/// What is otherwise than the law says.
pub(crate) type Difference = String;

/// Compares what is with what must be.
fn same<T: PartialEq + Debug>(
    what: impl FnOnce() -> String,
    is: T,
    must_be: T,
) -> Result<(), Difference> {
    if is == must_be {
        return Ok(());
    }
    Err(format!("{}: it is {is:?}, and must be {must_be:?}", what()))
}

impl World {
    /// Tries everything.
    pub(crate) async fn agrees_with(&self, law: &Law) -> Result<(), Difference> {
        self.has_the_same(law)?;
        self.knows_the_same_people(law).await?;
        self.takes_the_same_passwords(law).await?;
        self.takes_the_same_sessions(law).await?;
        self.takes_the_same_tokens(law).await?;
        self.takes_the_same_links(law).await?;
        self.takes_the_same_codes(law).await?;
        self.takes_the_same_custom_tokens(law).await
    }

    fn has_the_same(&self, law: &Law) -> Result<(), Difference> {
        let must_be = [
            ("people", law.people.len()),
            ("sign-up cookies", law.browsers),
            ("links", law.links.len()),
            ("tickets", law.tickets.len()),
            ("custom tokens", law.custom.len()),
            ("sessions", law.sessions.len()),
            ("API tokens", law.api_tokens.len()),
            ("refresh tokens", law.refresh.len()),
            ("access tokens", law.access.len()),
        ];
        same(
            || "how much there is".to_owned(),
            self.counts(),
            must_be.into(),
        )?;
        for (link, to) in self.mailed_to.iter().enumerate() {
            same(
                || format!("where link {link} went"),
                to.as_str(),
                law.links[link].to.as_str(),
            )?;
        }
        for (ticket, (_, came)) in self.tickets.iter().enumerate() {
            let Ticket { is_mailed, to, .. } = law.tickets[ticket];
            same(
                || format!("where the code of ticket {ticket} went"),
                came.as_ref().map(|(_, to)| to.as_str()),
                is_mailed.then_some(to.as_str()),
            )?;
        }
        Ok(())
    }

    async fn knows_the_same_people(&self, law: &Law) -> Result<(), Difference> {
        let tenant = self.witness.default_tenant();
        for (number, person) in law.people.iter().enumerate() {
            if person.life == Life::Erased {
                self.nothing_is_kept_about(number).await?;
                continue;
            }
            let who = self.people[number].to_string();
            let found = self
                .witness
                .admin_find_user(tenant, &who)
                .await
                .unwrap()
                .unwrap();
            let account = found.account.unwrap();
            let until = account.status.detail.until.map(|until| self.moment(until));
            let life = match account.status.state {
                EntityState::Pending => Life::Pending,
                EntityState::Active => Life::Active,
                EntityState::Suspended => Life::Suspended { until },
                _ => Life::Closed,
            };
            same(|| format!("the life of person {number}"), life, person.life)?;
            same(
                || format!("the era of person {number}"),
                account.epoch.0,
                i64::from(person.era).try_into().unwrap(),
            )?;
            let email = found.user.email().unwrap().raw.as_str();
            same(
                || format!("the address of person {number}"),
                email,
                person.email.as_str(),
            )?;
            let mut proved: Vec<&str> = account
                .verified
                .iter()
                .map(|one| one.canonical.as_str())
                .collect();
            proved.sort_unstable();
            let mut must_be: Vec<&str> = person.proved.iter().map(|one| one.as_str()).collect();
            must_be.sort_unstable();
            same(|| format!("what person {number} proved"), proved, must_be)?;
        }
        Ok(())
    }

    /// Who comes with a credential, if anybody does.
    async fn who(&self, credential: Credential<'_>, context: &RequestContext) -> Option<Principal> {
        let presented = Presented {
            credential: Some(credential),
            request: &NoRequest,
        };
        match self
            .witness
            .authenticate(&presented, context)
            .await
            .unwrap()
        {
            Authentication::Authenticated(principal) => Some(principal),
            Authentication::Anonymous | Authentication::Rejected => None,
        }
    }

    fn number(&self, principal: Option<&Principal>) -> Option<usize> {
        self.number_of(principal?.user())
    }

    /// From a browser that its owner knows, each time another, so that nothing is counted against anybody.
    async fn takes_the_same_passwords(&self, law: &Law) -> Result<(), Difference> {
        for (at, with) in Spelling::ALL.into_iter().enumerate() {
            for password in Word::ALL.into_iter().filter(|_| self.is_the_turn_of(at)) {
                let mut context = self.context();
                let mark = self.witness.mark_device(&context, with.as_str());
                context.client.device = mark.unwrap().unwrap_or_else(|| DeviceMark::new(""));
                context.client.ip = Some(self.another_network());
                let basic = STANDARD.encode(format!("{}:{}", with.as_str(), password.as_str()));
                let who = self.who(Credential::Basic(&basic), &context).await;
                let must_be = law.owner(with, password);
                let what = || format!("whom {with} signs in with {password:?}");
                same(what, self.number(who.as_ref()), must_be)?;
            }
        }
        Ok(())
    }

    async fn takes_the_same_sessions(&self, law: &Law) -> Result<(), Difference> {
        let context = self.context();
        let mut shown: Vec<Option<Principal>> = vec![None; law.people.len()];
        for (number, session) in law.sessions.iter().enumerate() {
            let cookie = self.sessions[number].1.expose();
            let who = self.who(Credential::Cookie(cookie), &context).await;
            let must_be = law
                .is_signed_in(number)
                .then_some((session.person, session.proved_at));
            let is = who.as_ref().map(|who| {
                (
                    self.number(Some(who)).unwrap(),
                    self.moment(who.assurance.at),
                )
            });
            same(
                || format!("who session {number} is, and since when"),
                is,
                must_be,
            )?;
            if who.is_some() {
                shown[session.person] = who;
            }
        }
        for (person, principal) in shown.iter().enumerate() {
            let Some(principal) = principal else { continue };
            let listed = self.witness.list_sessions(principal).await.unwrap();
            let known = |id| self.sessions.iter().position(|(known, _)| *known == id);
            let mut listed: Vec<_> = listed.iter().map(|one| known(one.id).unwrap()).collect();
            listed.sort_unstable();
            same(
                || format!("the sessions that person {person} sees"),
                listed,
                law.sessions_of(person),
            )?;
            let listed = self.witness.list_api_tokens(principal).await.unwrap();
            let known = |id| self.api_tokens.iter().position(|(known, _)| *known == id);
            let mut listed: Vec<_> = listed.iter().map(|one| known(one.id).unwrap()).collect();
            listed.sort_unstable();
            same(
                || format!("the API tokens that person {person} sees"),
                listed,
                law.api_tokens_of(person),
            )?;
        }
        Ok(())
    }

    async fn takes_the_same_tokens(&self, law: &Law) -> Result<(), Difference> {
        let context = self.context();
        for (number, token) in law.api_tokens.iter().enumerate() {
            let text = self.api_tokens[number].1.expose();
            let who = self.who(Credential::Bearer(text), &context).await;
            let must_be = law.is_accepted(number).then_some(token.person);
            same(
                || format!("who API token {number} is"),
                self.number(who.as_ref()),
                must_be,
            )?;
        }
        for (number, access) in law.access.iter().enumerate() {
            let text = self.access[number].expose();
            let who = self.who(Credential::Bearer(text), &context).await;
            let person = law.families[access.family].person;
            let must_be = law.is_access(number).then_some(person);
            same(
                || format!("who access token {number} is"),
                self.number(who.as_ref()),
                must_be,
            )?;
        }
        for (number, family) in law.refresh.iter().enumerate() {
            if law.goes_on(*family) {
                continue;
            }
            let request = RefreshRequest {
                token: self.refresh[number].clone(),
                scopes: None,
            };
            let refreshed = self
                .witness
                .refresh_tokens(request, &context)
                .await
                .unwrap();
            let refused = matches!(refreshed, RefreshOutcome::Refused);
            same(
                || format!("whether refresh token {number} is refused"),
                refused,
                true,
            )?;
        }
        Ok(())
    }

    async fn takes_the_same_links(&self, law: &Law) -> Result<(), Difference> {
        for (number, link) in law.links.iter().enumerate() {
            let works = |is: bool| law.works(number) && is;
            let is_reset = link.purpose == Purpose::Reset;
            same(
                || format!("whether link {number} resets"),
                self.would_reset(number).await,
                works(is_reset),
            )?;
            let is_verify = matches!(link.purpose, Purpose::Verify { .. });
            same(
                || format!("whether link {number} verifies"),
                self.would_verify(number).await,
                works(is_verify),
            )?;
            if !works(link.purpose == Purpose::SignIn) {
                same(
                    || format!("whether link {number} signs in"),
                    self.signs_in(number).await,
                    false,
                )?;
            }
            for (person, session) in self.one_session_each(law).await {
                if works(link.purpose == Purpose::Move) && link.person == Some(person) {
                    continue;
                }
                let moves = self.moves(number, &session).await;
                same(
                    || format!("whether link {number} moves person {person}"),
                    moves,
                    false,
                )?;
            }
        }
        Ok(())
    }

    async fn one_session_each(&self, law: &Law) -> Vec<(usize, Principal)> {
        let mut sessions = Vec::new();
        for person in 0..law.people.len() {
            if let Some(session) = law.sessions_of(person).last() {
                let cookie = self.sessions[*session].1.expose();
                let who = self.who(Credential::Cookie(cookie), &self.context()).await;
                sessions.extend(who.map(|who| (person, who)));
            }
        }
        sessions
    }

    /// Asked without using it up, and if it says no, for real.
    async fn would_reset(&self, link: usize) -> bool {
        let (token, context) = (self.links[link].clone(), self.context());
        let checked = self
            .witness
            .check_reset_link(&token, &context)
            .await
            .unwrap();
        if matches!(checked, ResetLinkOutcome::Works { .. }) || !self.is_the_turn_of(link) {
            return matches!(checked, ResetLinkOutcome::Works { .. });
        }
        let input = ResetPassword {
            token,
            password: word(Word::Horse),
        };
        let reset = self.witness.reset_password(input, &context).await.unwrap();
        !matches!(reset, ResetPasswordOutcome::Rejected)
    }

    /// A good link asks for a password where there is none, and is not used up.
    async fn would_verify(&self, link: usize) -> bool {
        let context = self.context();
        let input = VerifyEmail {
            token: self.links[link].clone(),
            browser: None,
            password: None,
        };
        let verified = self.witness.verify_email(input, &context).await.unwrap();
        if verified != VerifyEmailOutcome::Rejected || !self.is_the_turn_of(link) {
            return verified != VerifyEmailOutcome::Rejected;
        }
        let input = VerifyEmail {
            token: self.links[link].clone(),
            browser: None,
            password: Some(word(Word::Horse)),
        };
        let verified = self.witness.verify_email(input, &context).await.unwrap();
        verified != VerifyEmailOutcome::Rejected
    }

    async fn signs_in(&self, link: usize) -> bool {
        let input = MagicLink {
            token: self.links[link].clone(),
            replaces: None,
        };
        let context = self.context();
        let opened = self.witness.sign_in_with_magic_link(input, &context);
        matches!(opened.await.unwrap(), MagicLinkOutcome::SignedIn(_))
    }

    async fn moves(&self, link: usize, who: &Principal) -> bool {
        let input = ConfirmEmailChange {
            token: self.links[link].clone(),
        };
        let context = self.context();
        let confirmed = self.witness.confirm_email_change(who, input, &context);
        !matches!(
            confirmed.await.unwrap(),
            ConfirmEmailChangeOutcome::Rejected
        )
    }
}
