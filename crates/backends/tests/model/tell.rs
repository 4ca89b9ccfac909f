//! Telling a story on both sides, step by step.

use std::fmt::Write as _;

use portcullis_backends::core::store::{
    AuditQuery, IdentityStore, PasswordHistory, RateLimitStore, ResolveSession, SessionStore,
    TicketStore,
};

use crate::act::{Act, Answer, Word};
use crate::law::{Law, Purpose};
use crate::story::Story;
use crate::world::World;

/// Tells a story on a fresh store. After every step everything ever made is tried, and in the end used for real.
///
/// # Errors
/// What differed, behind all that led to it.
pub(crate) async fn tell<S>(store: S, story: &Story) -> Result<(), String>
where
    S: IdentityStore + SessionStore + ResolveSession,
    S: TicketStore + RateLimitStore + AuditQuery + PasswordHistory,
{
    let mut telling = Telling {
        law: Law::new(story),
        world: World::new(store, story).await,
        told: String::new(),
    };
    for step in &story.steps {
        if let Some(act) = step.resolve(&telling.law) {
            telling.act(act).await?;
            telling.try_everything().await?;
        }
    }
    telling.use_everything().await?;
    telling.try_everything().await
}

struct Telling {
    law: Law,
    world: World,
    told: String,
}

impl Telling {
    async fn act(&mut self, act: Act) -> Result<(), String> {
        let must_be = self.law.act(act);
        let is = self.world.act(act).await;
        self.note(act, is);
        if is == must_be {
            return Ok(());
        }
        Err(format!("{}  the answer must be {must_be:?}", self.told))
    }

    async fn try_everything(&mut self) -> Result<(), String> {
        let agreed = self.world.agrees_with(&self.law).await;
        for ticket in self.world.tried.take() {
            self.law.try_in_vain(ticket);
        }
        agreed.map_err(|difference| format!("{}  {difference}", self.told))
    }

    fn note(&mut self, act: Act, answer: Answer) {
        let at = self.law.now;
        // Writing to a String cannot fail.
        let _written = writeln!(self.told, "  {at:>8} s  {act:?} => {answer:?}");
    }

    /// What is alive is used, and must do what it is for; what follows from that is compared as well.
    async fn use_everything(&mut self) -> Result<(), String> {
        for refresh in (0..self.law.refresh.len()).rev() {
            self.act(Act::Refresh { refresh }).await?;
        }
        for ticket in 0..self.law.tickets.len() {
            let code = Some(ticket);
            self.act(Act::EnterCode { ticket, code }).await?;
        }
        for custom in 0..self.law.custom.len() {
            let kind = self.law.custom[custom].kind;
            self.act(Act::RedeemCustom { custom, kind }).await?;
        }
        for link in 0..self.law.links.len() {
            let act = match self.law.links[link].purpose {
                Purpose::Verify { .. } => Act::Verify {
                    link,
                    browser: None,
                    password: Some(Word::Staple),
                },
                Purpose::Reset => Act::ResetPassword {
                    link,
                    password: Word::Battery,
                },
                Purpose::SignIn => Act::OpenMagicLink { link },
                Purpose::Move => {
                    let owner = self.law.links[link].person.unwrap_or_default();
                    match self.law.sessions_of(owner).last() {
                        Some(session) => Act::ConfirmAddress {
                            session: *session,
                            link,
                        },
                        None => continue,
                    }
                }
            };
            self.act(act).await?;
        }
        Ok(())
    }
}
