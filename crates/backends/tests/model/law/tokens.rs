//! API tokens, and pairs of access and refresh token.

use super::accounts::Tried;
use super::{Access, ApiToken, DAY, Family, Law, MINUTE, Moment, PAIRS_MAX};
use crate::act::{Answer, Spelling, Word};

const IDLE: Moment = 30 * DAY;
const ABSOLUTE: Moment = 90 * DAY;
const GRACE: Moment = 10;
/// A service that reads an access token may have a clock that is late.
const CLOCKS_APART: Moment = 5;

impl Law {
    /// Whether a program is let in. Neither a password nor an address has to do with it, but its owner's state has.
    pub(crate) fn is_accepted(&self, api_token: usize) -> bool {
        let token = &self.api_tokens[api_token];
        let in_time = token.end.is_none_or(|end| self.now < end);
        !token.is_revoked && in_time && self.may_act(token.person)
    }

    pub(crate) fn api_tokens_of(&self, person: usize) -> Vec<usize> {
        let theirs = |token: &usize| self.api_tokens[*token].person == person;
        let all = (0..self.api_tokens.len()).filter(theirs);
        all.filter(|token| self.is_accepted(*token)).collect()
    }

    pub(super) fn make_api_token(&mut self, session: usize, secs: Option<u64>) -> Answer {
        self.in_session(session, |law, person| {
            law.api_tokens.push(ApiToken {
                person,
                end: secs.map(|secs| law.now + secs),
                is_revoked: false,
            });
            let api_token = law.api_tokens.len() - 1;
            Answer::ApiToken { api_token }
        })
    }

    pub(super) fn revoke_api_token(&mut self, session: usize, api_token: usize) -> Answer {
        self.in_session(session, |law, person| {
            let token = &mut law.api_tokens[api_token];
            if token.person != person || token.is_revoked {
                return Answer::Refused;
            }
            token.is_revoked = true;
            Answer::Done
        })
    }

    pub(super) fn revoke_api_tokens(&mut self, session: usize) -> Answer {
        self.in_session(session, |law, person| {
            let live = law.api_tokens_of(person);
            law.revoke_every_api_token(person);
            Answer::Ended { count: live.len() }
        })
    }

    pub(super) fn revoke_every_api_token(&mut self, person: usize) {
        for token in &mut self.api_tokens {
            token.is_revoked |= token.person == person;
        }
    }

    /// Whether anything of a family still counts.
    pub(crate) fn goes_on(&self, family: usize) -> bool {
        let family = &self.families[family];
        let same_era = self.people[family.person].era == family.era;
        !family.is_ended && self.now < family.end && same_era && self.may_act(family.person)
    }

    pub(crate) fn is_access(&self, access: usize) -> bool {
        let access = &self.access[access];
        self.now < access.end + CLOCKS_APART && self.goes_on(access.family)
    }

    fn pair(&mut self, family: usize) -> Answer {
        let there = &self.families[family];
        let end = (self.now + 15 * MINUTE).min(there.end);
        let refresh = there.current;
        self.access.push(Access { family, end });
        let access = self.access.len() - 1;
        Answer::Pair { refresh, access }
    }

    pub(super) fn issue_tokens(&mut self, with: Spelling, password: Word) -> Answer {
        let tried = self.try_password(with.address(), |law| law.owner(with, password).is_some());
        let (Tried::Right, Some(person)) = (tried, self.owner(with, password)) else {
            return tried.or_refused();
        };
        let theirs = |family: &usize| self.families[*family].person == person;
        let mut live: Vec<usize> = (0..self.families.len()).filter(theirs).collect();
        live.retain(|family| self.goes_on(*family));
        live.sort_by_key(|family| self.families[*family].idle_end);
        let surplus = (live.len() + 1).saturating_sub(PAIRS_MAX);
        for family in live.into_iter().take(surplus) {
            self.families[family].is_ended = true;
        }
        let family = self.families.len();
        self.refresh.push(family);
        self.families.push(Family {
            person,
            era: self.people[person].era,
            current: self.refresh.len() - 1,
            before: None,
            idle_end: self.now + IDLE,
            end: self.now + ABSOLUTE,
            is_ended: false,
        });
        self.pair(family)
    }

    /// Each refresh token is good once. The one before gets the same answer for as long as an answer may be lost;
    /// after that, and further back, it was stolen from somebody, and nothing of the family counts any more.
    pub(super) fn refresh(&mut self, refresh: usize) -> Answer {
        let family = self.refresh[refresh];
        let now = self.now;
        let Family {
            current,
            before,
            idle_end,
            ..
        } = self.families[family];
        let spent = before
            .filter(|(token, _)| *token == refresh)
            .map(|(_, at)| at);
        if current != refresh && spent.is_none() {
            self.families[family].is_ended = true;
            return Answer::Refused;
        }
        if !self.goes_on(family) {
            return Answer::Refused;
        }
        if let Some(at) = spent {
            if now < at + GRACE {
                return self.pair(family);
            }
            self.families[family].is_ended = true;
            return Answer::Refused;
        }
        if now >= idle_end {
            return Answer::Refused;
        }
        self.refresh.push(family);
        let next = self.refresh.len() - 1;
        let there = &mut self.families[family];
        there.before = Some((refresh, now));
        there.current = next;
        there.idle_end = (now + IDLE).min(there.end);
        self.pair(family)
    }

    pub(super) fn sign_out_tokens(&mut self, access: usize) -> Answer {
        if !self.is_access(access) {
            return Answer::Refused;
        }
        let family = self.access[access].family;
        self.families[family].is_ended = true;
        Answer::Done
    }
}
