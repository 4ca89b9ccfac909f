//! Trying codes and tokens of an application's own, and looking for what is kept about the erased.

use portcullis_backends::core::event::EventQueryFilter;
use portcullis_backends::core::net::{ClientInfo, DeviceMark};
use portcullis_backends::flow::{EmailCodeOutcome, RedeemTokenOutcome};

use super::{Difference, same};
use crate::act::Kind;
use crate::law::Law;
use crate::world::World;
use crate::world::mailed::name;

impl World {
    /// What does not work is tried for real: with a mark of its own, so that nothing is counted against anybody. The
    /// ticket loses a try.
    pub(super) async fn takes_the_same_codes(&self, law: &Law) -> Result<(), Difference> {
        for ticket in 0..law.tickets.len() {
            if !law.code_works(ticket) && self.is_the_turn_of(ticket) {
                let what = || format!("whether the code of ticket {ticket} signs in");
                self.tried.borrow_mut().push(ticket);
                same(what, self.code_signs_in(law, ticket).await, false)?;
            }
        }
        Ok(())
    }

    async fn code_signs_in(&self, law: &Law, ticket: usize) -> bool {
        let mut context = self.context();
        let mark = self
            .witness
            .mark_device(&context, law.tickets[ticket].to.as_str());
        context.client.device = mark.unwrap().unwrap_or_else(|| DeviceMark::new(""));
        let input = self.entered(ticket, Some(ticket));
        let entered = self.witness.sign_in_with_email_code(input, &context);
        !matches!(entered.await.unwrap(), EmailCodeOutcome::Refused)
    }

    /// Looking uses nothing up; what is over is also used for real.
    pub(super) async fn takes_the_same_custom_tokens(&self, law: &Law) -> Result<(), Difference> {
        let context = self.context();
        for (number, token) in law.custom.iter().enumerate() {
            for kind in Kind::ALL {
                let works = token.kind == kind && law.custom_works(number);
                let what = || format!("whether custom token {number} is for a {}", kind.as_str());
                let text = &self.custom[number];
                let looked = self.witness.peek_token(name(kind), text, &context);
                same(what, looked.await.unwrap().is_some(), works)?;
                if !works && self.is_the_turn_of(number) {
                    let redeemed = self.witness.redeem_token(name(kind), text, &context);
                    let redeemed = redeemed.await.unwrap();
                    let taken = matches!(redeemed, RedeemTokenOutcome::Redeemed(_));
                    same(what, taken, false)?;
                }
            }
        }
        Ok(())
    }

    /// The directory does not have them, nothing is given out, and the log says nothing of them.
    pub(super) async fn nothing_is_kept_about(&self, person: usize) -> Result<(), Difference> {
        let (tenant, user) = (self.witness.default_tenant(), self.people[person]);
        let found = self
            .witness
            .admin_find_user(tenant, &user.to_string())
            .await;
        let what = || format!("whether person {person} is found");
        same(what, found.unwrap().is_some(), false)?;
        let export = self.witness.admin_export_account(tenant, user).await;
        let what = || format!("whether anything of person {person} is given out");
        same(what, export.unwrap().is_some(), false)?;
        let about = EventQueryFilter {
            user_id: Some(user),
            ..EventQueryFilter::default()
        };
        let events = self.witness.admin_audit(tenant, &about).await.unwrap();
        let bare = events
            .iter()
            .filter(|event| event.client == ClientInfo::default());
        let what = || format!("the events about person {person} that say nothing of them");
        same(what, bare.count(), events.len())
    }
}
