//! Sessions: when they end.

use super::{DAY, Law, MINUTE, Moment, SESSIONS_MAX, Session};
use crate::act::{Answer, Spelling, Word};

use super::accounts::Tried;

const IDLE: Moment = 14 * DAY;
const ABSOLUTE: Moment = 90 * DAY;

impl Law {
    /// Whether a cookie signs its owner in.
    pub(crate) fn is_signed_in(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        let in_time = self.now < session.idle_end && self.now < session.end;
        let same_era = self.people[session.person].era == session.era;
        !session.is_ended && in_time && same_era && self.may_act(session.person)
    }

    /// The sessions that somebody has, oldest first.
    pub(crate) fn sessions_of(&self, person: usize) -> Vec<usize> {
        let theirs = |session: &usize| self.sessions[*session].person == person;
        let all = (0..self.sessions.len()).filter(theirs);
        all.filter(|session| self.is_signed_in(*session)).collect()
    }

    /// Opens one; beyond the cap, those go that were not used for the longest time.
    pub(super) fn open_session(&mut self, person: usize) -> Answer {
        let mut live = self.sessions_of(person);
        live.sort_by_key(|session| self.sessions[*session].seen);
        let surplus = (live.len() + 1).saturating_sub(SESSIONS_MAX);
        for session in live.into_iter().take(surplus) {
            self.sessions[session].is_ended = true;
        }
        let now = self.now;
        self.sessions.push(Session {
            person,
            era: self.people[person].era,
            proved_at: now,
            seen: now,
            idle_end: now + IDLE,
            end: now + ABSOLUTE,
            is_ended: false,
        });
        let session = self.sessions.len() - 1;
        Answer::Session { session }
    }

    /// A request with a cookie: nothing without its being good, and its idle time begins anew, once a minute.
    pub(super) fn in_session(
        &mut self,
        session: usize,
        then: impl FnOnce(&mut Self, usize) -> Answer,
    ) -> Answer {
        if !self.is_signed_in(session) {
            return Answer::Refused;
        }
        let (now, there) = (self.now, &mut self.sessions[session]);
        if now - there.seen >= MINUTE {
            there.seen = now;
            there.idle_end = (now + IDLE).min(there.end);
        }
        let person = there.person;
        then(self, person)
    }

    /// The same session goes on under another id, into the present era; it lives no longer for it.
    pub(super) fn renew(&mut self, session: usize) -> Answer {
        let old = &mut self.sessions[session];
        old.is_ended = true;
        let mut new = old.clone();
        new.is_ended = false;
        new.era = self.people[new.person].era;
        new.seen = self.now;
        new.idle_end = (self.now + IDLE).min(new.end);
        self.sessions.push(new);
        let session = self.sessions.len() - 1;
        Answer::Session { session }
    }

    pub(super) fn sign_in(
        &mut self,
        with: Spelling,
        password: Word,
        replaces: Option<usize>,
    ) -> Answer {
        let tried = self.try_password(with.address(), |law| law.owner(with, password).is_some());
        let (Tried::Right, Some(person)) = (tried, self.owner(with, password)) else {
            return tried.or_refused();
        };
        let answer = self.open_session(person);
        if let Some(replaced) = replaces {
            self.sessions[replaced].is_ended = true;
        }
        answer
    }

    pub(super) fn sign_out(&mut self, session: usize) -> Answer {
        self.in_session(session, |law, _| {
            law.sessions[session].is_ended = true;
            Answer::Done
        })
    }

    /// API tokens stay.
    pub(super) fn sign_out_everywhere(&mut self, session: usize) -> Answer {
        self.in_session(session, |law, person| {
            law.new_era(person);
            Answer::Done
        })
    }

    /// One's own, and nobody else's.
    pub(super) fn end_session(&mut self, session: usize, other: usize) -> Answer {
        self.in_session(session, |law, person| {
            if !law.sessions_of(person).contains(&other) {
                return Answer::Refused;
            }
            law.sessions[other].is_ended = true;
            Answer::Done
        })
    }

    pub(super) fn end_other_sessions(&mut self, session: usize) -> Answer {
        self.in_session(session, |law, person| {
            let mut others = law.sessions_of(person);
            others.retain(|other| *other != session);
            for other in &others {
                law.sessions[*other].is_ended = true;
            }
            Answer::Ended {
                count: others.len(),
            }
        })
    }
}
