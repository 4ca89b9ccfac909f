//! Tokens of an application's own kinds.

use super::{Custom, Law, Moment};
use crate::act::{Answer, Kind, Spelling};

impl Law {
    /// One for somebody ends those of the same kind that are theirs, or that went to the address while it was nobody's
    /// to say.
    pub(super) fn issue_custom(
        &mut self,
        kind: Kind,
        to: Spelling,
        person: Option<usize>,
        secs: Moment,
    ) -> Answer {
        if person.is_some_and(|person| !self.may_prove(person)) {
            return Answer::Refused;
        }
        for older in self.custom.iter_mut().filter(|older| older.kind == kind) {
            older.is_replaced |= match older.person {
                Some(_) => older.person == person,
                None => older.to.address() == to.address(),
            };
        }
        self.custom.push(Custom {
            kind,
            person,
            to,
            era: person.map_or(0, |person| self.people[person].era),
            ends: self.now + secs,
            is_used: false,
            is_replaced: false,
        });
        let custom = self.custom.len() - 1;
        Answer::Custom { custom }
    }

    /// Whether a token would be taken for what it is for. One for nobody does not know of anybody's change.
    pub(crate) fn custom_works(&self, custom: usize) -> bool {
        let token = &self.custom[custom];
        let stands = token
            .person
            .is_none_or(|person| self.people[person].era == token.era && self.may_prove(person));
        stands && !token.is_used && !token.is_replaced && self.now < token.ends
    }

    pub(super) fn redeem_custom(&mut self, custom: usize, kind: Kind) -> Answer {
        if self.custom[custom].kind != kind || !self.custom_works(custom) {
            return Answer::Refused;
        }
        self.custom[custom].is_used = true;
        Answer::Done
    }
}
