//! Links: when they work, and what they do then.

use super::{DAY, Law, Life, Link, MINUTE, Person, Purpose, Secret};
use crate::act::{Answer, Spelling, Word};

impl Law {
    /// Sends a link; what was sent before for the same is over.
    pub(super) fn send(
        &mut self,
        purpose: Purpose,
        person: Option<usize>,
        to: Spelling,
        secs: u64,
    ) {
        for older in &mut self.links {
            let same_address = older.person.is_none() && older.to.address() == to.address();
            let same_owner = person.is_some() && older.person == person;
            if (same_owner || same_address) && older.purpose.is_like(purpose) {
                older.is_replaced = true;
            }
        }
        self.links.push(Link {
            purpose,
            person,
            to,
            era: person.map_or(0, |person| self.people[person].era),
            ends: self.now + secs,
            is_used: false,
            is_replaced: false,
        });
    }

    /// Whether nothing has ended a link: its use, a newer one, its time, or a change to the account of its owner, who
    /// may have signed up after it was sent.
    fn is_fresh(&self, link: &Link) -> bool {
        let owner = link.person.or_else(|| self.holder(link.to.address()));
        let overtaken = owner.is_some_and(|owner| self.people[owner].era != link.era);
        !link.is_used && !link.is_replaced && !overtaken && self.now < link.ends
    }

    /// Whether a link would do what it is for, with whatever it needs besides.
    pub(crate) fn works(&self, link: usize) -> bool {
        let link = &self.links[link];
        if !self.is_fresh(link) {
            return false;
        }
        let holder = self.holder(link.to.address());
        match link.purpose {
            // It is for one mailbox; another spelling may be another's.
            Purpose::Verify { .. } | Purpose::Reset => link.person.is_some_and(|person| {
                self.people[person].email == link.to && self.may_prove(person)
            }),
            Purpose::SignIn => match holder {
                Some(person) => {
                    let is_theirs = link.person.is_none_or(|owner| owner == person);
                    is_theirs
                        && self.people[person].email == link.to
                        && self.can_get_magic_link(link.to)
                }
                None => link.person.is_none() && self.links_make_accounts,
            },
            // Somebody else may have got the address meanwhile.
            Purpose::Move => {
                link.person.is_some_and(|person| self.may_act(person))
                    && holder.is_none_or(|holder| Some(holder) == link.person)
            }
        }
    }

    fn use_up(&mut self, link: usize) -> Spelling {
        self.links[link].is_used = true;
        self.links[link].to
    }

    pub(super) fn prove(&mut self, person: usize, to: Spelling) {
        let Person { proved, life, .. } = &mut self.people[person];
        if !proved.contains(&to.address()) {
            proved.push(to.address());
        }
        if *life == Life::Pending {
            *life = Life::Active;
        }
    }

    /// The link goes on with the password of the latest sign-up while that sign-up's own link would have worked.
    pub(super) fn ask_for_verification(&mut self, with: Spelling) -> Answer {
        let Some(person) = self.holder(with.address()) else {
            return Answer::Accepted;
        };
        if self.people[person].life != Life::Pending {
            return Answer::Accepted;
        }
        let latest = self.links.iter().filter(|link| link.person == Some(person));
        let prepared =
            latest
                .filter(|link| self.is_fresh(link))
                .find_map(|link| match link.purpose {
                    Purpose::Verify { prepared } => prepared,
                    _ => None,
                });
        let to = self.people[person].email;
        self.send(Purpose::Verify { prepared }, Some(person), to, DAY);
        Answer::Accepted
    }

    pub(super) fn verify(
        &mut self,
        link: usize,
        browser: Option<usize>,
        password: Option<Word>,
    ) -> Answer {
        let Purpose::Verify { prepared } = self.links[link].purpose else {
            return Answer::Refused;
        };
        let (true, Some(person)) = (self.works(link), self.links[link].person) else {
            return Answer::Refused;
        };
        let prepared = prepared.filter(|(_, from)| browser == Some(*from));
        let Some(password) = password.or(prepared.map(|(password, _)| password)) else {
            return Answer::PasswordRequired;
        };
        let to = self.use_up(link);
        self.set_password(person, password);
        self.prove(person, to);
        Answer::Verified { person }
    }

    /// Whether somebody with this address may be sent a link to sign in with.
    fn can_get_magic_link(&self, with: Spelling) -> bool {
        match self.holder(with.address()) {
            None => self.links_make_accounts,
            Some(person) if self.people[person].life == Life::Pending => self.links_make_accounts,
            Some(person) => {
                self.may_act(person) && self.people[person].proved.contains(&with.address())
            }
        }
    }

    pub(super) fn ask_for_magic_link(&mut self, with: Spelling) -> Answer {
        if self.can_get_magic_link(with) {
            let person = self.holder(with.address());
            let to = person.map_or(with, |person| self.people[person].email);
            self.send(Purpose::SignIn, person, to, 15 * MINUTE);
        }
        Answer::Accepted
    }

    /// Whoever opens it proves the address. Where that makes an account active, nothing that was prepared before counts.
    pub(super) fn open_magic_link(&mut self, link: usize) -> Answer {
        if self.links[link].purpose != Purpose::SignIn || !self.works(link) {
            return Answer::Refused;
        }
        let to = self.use_up(link);
        let person = match self.holder(to.address()) {
            Some(person) => person,
            None => self.join(to, Life::Active),
        };
        if self.people[person].life == Life::Pending {
            self.new_era(person);
        }
        self.prove(person, to);
        self.forgive(Secret::Mailed, to.address());
        self.open_session(person)
    }

    pub(super) fn forget_password(&mut self, with: Spelling) -> Answer {
        if let Some(person) = self.holder(with.address())
            && self.may_prove(person)
        {
            let to = self.people[person].email;
            self.send(Purpose::Reset, Some(person), to, 30 * MINUTE);
        }
        Answer::Accepted
    }

    /// A reset proves the address as well, forgives the failures of before, and signs nobody in. A password
    /// that is refused uses nothing up.
    pub(super) fn reset_password(&mut self, link: usize, password: Word) -> Answer {
        let is_reset = self.links[link].purpose == Purpose::Reset;
        let (true, Some(person)) = (is_reset && self.works(link), self.links[link].person) else {
            return Answer::Refused;
        };
        if self.is_reused(person, password) {
            return Answer::Reused;
        }
        let to = self.use_up(link);
        self.set_password(person, password);
        self.prove(person, to);
        self.new_era(person);
        self.forgive_all(to.address());
        Answer::Verified { person }
    }

    pub(super) fn ask_for_address(&mut self, session: usize, new: Spelling) -> Answer {
        self.in_session(session, |law, person| {
            if law.people[person].email == new {
                return Answer::Done;
            }
            if law
                .holder(new.address())
                .is_none_or(|holder| holder == person)
            {
                law.send(Purpose::Move, Some(person), new, DAY);
            }
            Answer::Accepted
        })
    }

    /// The link alone is of no use, and neither is the session.
    pub(super) fn confirm_address(&mut self, session: usize, link: usize) -> Answer {
        self.in_session(session, |law, person| {
            let Link {
                purpose,
                person: owner,
                ..
            } = law.links[link];
            if purpose != Purpose::Move || owner != Some(person) || !law.works(link) {
                return Answer::Refused;
            }
            let to = law.use_up(link);
            let Person { proved, email, .. } = &mut law.people[person];
            proved.retain(|address| *address != email.address() && *address != to.address());
            proved.push(to.address());
            *email = to;
            law.new_era(person);
            law.renew(session)
        })
    }
}
