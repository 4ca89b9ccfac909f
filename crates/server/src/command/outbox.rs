//! `outbox list|retry`.

use portcullis_backends::flow::MailRetryOutcome;
use portcullis_core::id::MailId;
use portcullis_core::mail::{MailRetry, MailTemplate, OutboxFilter, WaitingMail};
use serde::Serialize;
use serde_json::json;

use super::operator::{Operator, failed};
use crate::cli::Outbox;
use crate::failure::{Exit, Failure};

pub(super) async fn run(asked: Outbox, operator: &Operator) -> Result<(), Failure> {
    match asked {
        Outbox::List { dead, after, limit } => {
            let filter = match dead {
                true => OutboxFilter::Dead,
                false => OutboxFilter::All,
            };
            list(filter, after, limit, operator).await
        }
        Outbox::Retry { id: Some(id), .. } => retry(MailRetry::One(id), operator).await,
        Outbox::Retry { id: None, .. } => retry(MailRetry::Dead, operator).await,
    }
}

async fn list(
    filter: OutboxFilter,
    after: Option<MailId>,
    limit: u32,
    operator: &Operator,
) -> Result<(), Failure> {
    let Operator {
        portcullis, tenant, ..
    } = operator;
    let listed = portcullis.admin_outbox(*tenant, filter, after, limit).await;
    let views: Vec<View> = listed.map_err(failed)?.into_iter().map(View::new).collect();
    operator.format.print_all(&views, View::line)
}

async fn retry(retry: MailRetry, operator: &Operator) -> Result<(), Failure> {
    let Operator {
        portcullis, tenant, ..
    } = operator;
    let retried = portcullis.admin_retry_mail(*tenant, retry).await;
    match retried.map_err(failed)? {
        MailRetryOutcome::Due { mails } => {
            let answer = json!({ "due": mails });
            operator
                .format
                .print(&answer, |_| format!("{mails} due now"))
        }
        MailRetryOutcome::NotFound => Err(Failure::new(
            Exit::NotFound,
            "no such mail waits or is dead, or it is being delivered at this moment; `portcullis outbox list` shows \
             those there are",
        )),
    }
}

/// Times are RFC 3339 in UTC. No field is ever left out.
#[derive(Debug, Serialize)]
struct View {
    id: MailId,
    to: String,
    template: MailTemplate,
    created_at: String,
    attempts: u32,
    /// None where it is dead.
    due_at: Option<String>,
    dead: bool,
}

impl View {
    fn new(mail: WaitingMail) -> Self {
        Self {
            id: mail.id,
            to: mail.to,
            template: mail.template,
            created_at: mail.created_at.to_string(),
            attempts: mail.attempts,
            due_at: mail.due_at.map(|at| at.to_string()),
            dead: mail.due_at.is_none(),
        }
    }

    fn line(&self) -> String {
        let due = match &self.due_at {
            Some(at) => format!("due {at}"),
            None => "dead".to_owned(),
        };
        format!(
            "{}  {}  {}  queued {}  attempts {}  {due}",
            self.id,
            self.to,
            self.template.as_str(),
            self.created_at,
            self.attempts
        )
    }
}
