//! Accounts: signing up, passwords, the operator, and the count of failures.

use super::{COOLDOWN, DAY, Failures, Law, Life, MINUTE, Person, Purpose, Secret};
use crate::act::{Address, Answer, Spelling, Word};

impl Law {
    /// A sign-up makes an account that may do nothing, or tells whoever has one. While nothing is proved, the latest
    /// one says where the mail goes.
    pub(super) fn sign_up(&mut self, with: Spelling, password: Word) -> Answer {
        let browser = self.browsers;
        self.browsers += 1;
        let person = match self.holder(with.address()) {
            None => self.join(with, Life::Pending),
            Some(person) if self.people[person].life == Life::Pending => person,
            Some(_) => return Answer::Accepted,
        };
        self.people[person].email = with;
        let prepared = Some((password, browser));
        self.send(Purpose::Verify { prepared }, Some(person), with, DAY);
        Answer::Accepted
    }

    pub(super) fn join(&mut self, email: Spelling, life: Life) -> usize {
        self.people.push(Person {
            email,
            proved: Vec::new(),
            life,
            era: 0,
            password: None,
            password_since: 0,
            earlier: None,
        });
        self.people.len() - 1
    }

    /// Whoever an operator brings is in use at once, unless somebody has the address, proved or not.
    pub(super) fn bring(&mut self, with: Spelling, password: Option<Word>) -> Answer {
        if self.holder(with.address()).is_some() {
            return Answer::Refused;
        }
        let person = self.join(with, Life::Active);
        if let Some(password) = password {
            self.set_password(person, password);
        }
        self.prove(person, with);
        Answer::Done
    }

    pub(super) fn try_password(
        &mut self,
        with: Address,
        is_right: impl Fn(&Self) -> bool,
    ) -> Tried {
        self.try_secret(Secret::Password, with, is_right)
    }

    /// The count of failures says whether a secret is looked at at all. It is counted as wrong until it was right.
    pub(super) fn try_secret(
        &mut self,
        secret: Secret,
        with: Address,
        is_right: impl Fn(&Self) -> bool,
    ) -> Tried {
        let now = self.now;
        let failures = &mut self.failures[secret as usize][with as usize];
        if now >= failures.forgotten {
            *failures = Failures::default();
        }
        if now < failures.wait_until {
            return Tried::Locked;
        }
        failures.count += 1;
        failures.forgotten = now + DAY + 15 * MINUTE;
        if let Some(over) = failures.count.checked_sub(5) {
            failures.wait_until = now + (1 << over.min(10)).min(15 * MINUTE);
        }
        if !is_right(self) {
            return Tried::Wrong;
        }
        self.forgive(secret, with);
        Tried::Right
    }

    /// Whose password it is, of those who may act.
    pub(crate) fn owner(&self, with: Spelling, password: Word) -> Option<usize> {
        let person = self.holder(with.address())?;
        let is_theirs = self.people[person].password == Some(password);
        (is_theirs && self.may_act(person)).then_some(person)
    }

    pub(super) fn guess(&mut self, with: Spelling, times: u32) -> Answer {
        let mut answer = Answer::Done;
        for _ in 0..times {
            answer = self.try_password(with.address(), |_| false).or_refused();
        }
        answer
    }

    pub(super) fn change_password(&mut self, session: usize, current: Word, new: Word) -> Answer {
        self.in_session(session, |law, person| {
            let email = law.people[person].email;
            let tried = law.try_password(email.address(), |law| {
                law.owner(email, current) == Some(person)
            });
            if tried != Tried::Right {
                return tried.or_refused();
            }
            if law.waits && law.now < law.people[person].password_since + COOLDOWN {
                return Answer::TooSoon;
            }
            if law.is_reused(person, new) {
                return Answer::Reused;
            }
            law.set_password(person, new);
            law.new_era(person);
            law.renew(session)
        })
    }

    pub(super) fn is_reused(&self, person: usize, new: Word) -> bool {
        let Person {
            password, earlier, ..
        } = &self.people[person];
        self.remembers && (*password == Some(new) || *earlier == Some(new))
    }

    /// The password of before is remembered, and no older one.
    pub(super) fn set_password(&mut self, person: usize, new: Word) {
        let now = self.now;
        let there = &mut self.people[person];
        there.password_since = now;
        if let Some(before) = there.password.replace(new) {
            there.earlier = Some(before);
        }
    }

    pub(super) fn step_up(&mut self, session: usize, password: Word) -> Answer {
        self.in_session(session, |law, person| {
            let email = law.people[person].email;
            let tried = law.try_password(email.address(), |law| {
                law.owner(email, password) == Some(person)
            });
            if tried != Tried::Right {
                return tried.or_refused();
            }
            law.sessions[session].proved_at = law.now;
            law.renew(session)
        })
    }

    pub(super) fn close_account(&mut self, session: usize) -> Answer {
        self.in_session(session, |law, person| {
            law.people[person].life = Life::Closed;
            law.new_era(person);
            Answer::Done
        })
    }

    /// Whether somebody is gone for good.
    fn is_gone(&self, person: usize) -> bool {
        self.people[person].life == Life::Closed || self.is_erased(person)
    }

    fn is_erased(&self, person: usize) -> bool {
        self.people[person].life == Life::Erased
    }

    /// Suspended again is suspended anew; nobody is suspended who is gone.
    pub(super) fn suspend(&mut self, person: usize, secs: Option<u64>) -> Answer {
        if self.is_gone(person) {
            return Answer::Refused;
        }
        let until = secs.map(|secs| self.now + secs);
        self.people[person].life = Life::Suspended { until };
        self.new_era(person);
        Answer::Done
    }

    /// Only a suspension ends so, and only of somebody who proved something.
    pub(super) fn activate(&mut self, person: usize) -> Answer {
        let suspended = matches!(self.people[person].life, Life::Suspended { .. });
        if !suspended || self.may_act(person) || self.people[person].proved.is_empty() {
            return Answer::Refused;
        }
        self.people[person].life = Life::Active;
        Answer::Done
    }

    pub(super) fn terminate(&mut self, person: usize) -> Answer {
        if self.is_gone(person) {
            return Answer::Refused;
        }
        self.people[person].life = Life::Closed;
        self.new_era(person);
        Answer::Done
    }

    /// Failures of every sort.
    pub(super) fn unlock(&mut self, person: usize) -> Answer {
        if self.is_erased(person) {
            return Answer::NotFound;
        }
        self.forgive_all(self.people[person].email.address());
        Answer::Done
    }

    pub(super) fn forgive_all(&mut self, address: Address) {
        self.forgive(Secret::Password, address);
        self.forgive(Secret::Mailed, address);
    }

    /// Whatever state somebody is in.
    pub(super) fn sign_out_person(&mut self, person: usize, api_tokens: bool) -> Answer {
        self.new_era(person);
        if api_tokens {
            self.revoke_every_api_token(person);
        }
        Answer::Done
    }

    /// Nothing of theirs counts, and nothing that waited for them at their address; somebody else may have it.
    pub(super) fn erase(&mut self, person: usize) -> Answer {
        if self.is_erased(person) {
            return Answer::Refused;
        }
        let there = &mut self.people[person];
        there.life = Life::Erased;
        (there.password, there.earlier) = (None, None);
        let email = there.email.address();
        let proved = std::mem::take(&mut there.proved);
        for address in proved.into_iter().chain([email]) {
            self.forgive_all(address);
        }
        for link in &mut self.links {
            let waited = link.person.is_none() && link.to.address() == email;
            link.is_replaced |= waited;
        }
        for token in &mut self.custom {
            let waited = token.person.is_none() && token.to.address() == email;
            token.is_replaced |= waited;
        }
        self.revoke_every_api_token(person);
        self.new_era(person);
        Answer::Done
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    Right,
    Wrong,
    Locked,
}

impl Tried {
    pub(super) const fn or_refused(self) -> Answer {
        match self {
            Self::Locked => Answer::Locked,
            Self::Right | Self::Wrong => Answer::Refused,
        }
    }
}
