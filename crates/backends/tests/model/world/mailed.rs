//! Codes, and tokens of an application's own kinds, by way of the flows.

use std::time::Duration;

use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::verification::KindName;
use portcullis_backends::flow::{
    EmailCode, EmailCodeOutcome, IssueToken, IssueTokenOutcome, RedeemTokenOutcome, SendEmailCode,
};
use serde_json::json;

use super::World;
use super::perform::email;
use crate::act::{Answer, Kind, Spelling};

impl World {
    pub(super) async fn ask_for_code(&mut self, with: Spelling) -> Answer {
        let input = SendEmailCode {
            email: email(with),
            ticket: None,
        };
        let context = self.context();
        let sent = self.portcullis.send_email_code(input, &context).await;
        self.tickets.push((sent.unwrap().ticket, None));
        Answer::Ticket {
            ticket: self.tickets.len() - 1,
        }
    }

    /// A ticket with the code that came with another, or with a guess.
    pub(crate) fn entered(&self, ticket: usize, code: Option<usize>) -> EmailCode {
        let came = |ticket: usize| self.tickets[ticket].1.as_ref().map(|(code, _)| code);
        let right = came(ticket).map(SecretText::expose);
        let guess = ["0000 0000", "1111 1111"].into_iter();
        let mut guess = guess.filter(|guess| Some(*guess) != right);
        let code = match code.and_then(came) {
            Some(code) => code.clone(),
            None => SecretText::new(guess.next().unwrap()),
        };
        EmailCode {
            ticket: self.tickets[ticket].0.clone(),
            code,
            replaces: None,
        }
    }

    pub(super) async fn enter_code(&mut self, ticket: usize, code: Option<usize>) -> Answer {
        let (input, context) = (self.entered(ticket, code), self.context());
        let entered = self.portcullis.sign_in_with_email_code(input, &context);
        match entered.await.unwrap() {
            EmailCodeOutcome::SignedIn { signed_in, .. } => self.keep(&signed_in),
            EmailCodeOutcome::Refused => Answer::Refused,
            EmailCodeOutcome::Locked { .. } => Answer::Locked,
        }
    }

    pub(super) async fn issue_custom(
        &mut self,
        kind: Kind,
        to: Spelling,
        person: Option<usize>,
        secs: u64,
    ) -> Answer {
        let input = IssueToken {
            kind: name(kind),
            email: email(to),
            user: person.map(|person| self.people[person]),
            payload: json!({ "number": self.custom.len() }),
            ttl: Duration::from_secs(secs),
        };
        let context = self.context();
        match self.portcullis.issue_token(input, &context).await.unwrap() {
            IssueTokenOutcome::Issued(issued) => {
                self.custom.push(issued.token);
                Answer::Custom {
                    custom: self.custom.len() - 1,
                }
            }
            IssueTokenOutcome::Refused(_) => Answer::Refused,
        }
    }

    pub(super) async fn redeem_custom(&mut self, custom: usize, kind: Kind) -> Answer {
        let (token, context) = (self.custom[custom].clone(), self.context());
        let redeemed = self.portcullis.redeem_token(name(kind), &token, &context);
        match redeemed.await.unwrap() {
            RedeemTokenOutcome::Redeemed(says) => {
                assert_eq!(says.payload, json!({ "number": custom }));
                Answer::Done
            }
            RedeemTokenOutcome::Rejected => Answer::Refused,
        }
    }
}

pub(crate) fn name(kind: Kind) -> KindName {
    KindName::new(kind.as_str()).unwrap()
}
