//! Codes that sign in, each with the ticket of the browser that asked.

use super::accounts::Tried;
use super::{Law, MINUTE, Moment, Secret, Ticket};
use crate::act::{Answer, Spelling};

const LIFE: Moment = 10 * MINUTE;
/// One address is sent one code in this time.
const APART: Moment = 30;
const TRIES: u32 = 5;

impl Law {
    /// Everybody is given a ticket; a code goes to whoever has proved the address, and then the older code is over.
    pub(super) fn ask_for_code(&mut self, with: Spelling) -> Answer {
        let next = &mut self.next_code[with.address() as usize];
        let waited = *next <= self.now;
        if waited {
            *next = self.now + APART;
        }
        let person = self.holder(with.address());
        let proved = |person: &usize| self.people[*person].proved.contains(&with.address());
        let may = person
            .filter(proved)
            .is_some_and(|person| self.may_act(person));
        let is_mailed = waited && may;
        if is_mailed {
            for older in &mut self.tickets {
                older.is_replaced |= older.person == person;
            }
        }
        self.tickets.push(Ticket {
            to: person.map_or(with, |person| self.people[person].email),
            person,
            era: person.map_or(0, |person| self.people[person].era),
            ends: self.now + LIFE,
            is_mailed,
            is_used: false,
            is_replaced: false,
            tries: TRIES,
        });
        let ticket = self.tickets.len() - 1;
        Answer::Ticket { ticket }
    }

    /// Whether anything may be tried with a ticket.
    fn is_there(&self, ticket: usize) -> bool {
        let ticket = &self.tickets[ticket];
        !ticket.is_used && self.now < ticket.ends && ticket.tries > 0
    }

    /// Whether the code that came with a ticket signs in: as long as nothing has changed with whoever it was sent to.
    pub(crate) fn code_works(&self, ticket: usize) -> bool {
        let there = self.is_there(ticket);
        let Ticket {
            to,
            person,
            era,
            is_mailed,
            is_replaced,
            ..
        } = self.tickets[ticket];
        let Some(person) = person else { return false };
        let owner = &self.people[person];
        let is_theirs = self.holder(to.address()) == Some(person) && owner.email == to;
        there
            && is_mailed
            && !is_replaced
            && is_theirs
            && owner.era == era
            && owner.proved.contains(&to.address())
            && self.may_act(person)
    }

    pub(super) fn guess_code(&mut self, ticket: usize, times: u32) -> Answer {
        let mut answer = Answer::Done;
        for _ in 0..times {
            answer = self.enter_code(ticket, None);
        }
        answer
    }

    /// A try that is counted on the ticket alone.
    pub(crate) fn try_in_vain(&mut self, ticket: usize) {
        if self.is_there(ticket) {
            self.tickets[ticket].tries -= 1;
        }
    }

    /// Each try is counted, for the address and on the ticket; without a ticket that is there nothing is.
    pub(super) fn enter_code(&mut self, ticket: usize, code: Option<usize>) -> Answer {
        if !self.is_there(ticket) {
            return Answer::Refused;
        }
        let to = self.tickets[ticket].to;
        let is_right = |law: &Self| code == Some(ticket) && law.code_works(ticket);
        let tried = self.try_secret(Secret::Mailed, to.address(), is_right);
        if tried == Tried::Locked {
            return Answer::Locked;
        }
        self.tickets[ticket].tries -= 1;
        let (Tried::Right, Some(person)) = (tried, self.tickets[ticket].person) else {
            return Answer::Refused;
        };
        self.tickets[ticket].is_used = true;
        self.open_session(person)
    }
}
