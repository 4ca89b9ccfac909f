//! An instance beside a running service, for commands that look after people.

use portcullis_backends::flow::UserRecord;
use portcullis_backends::{FlowError, Portcullis};
use portcullis_core::id::TenantId;

use crate::assemble;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::output::Format;

/// The instance, the tenant that commands are about, and how to answer.
pub(super) struct Operator {
    pub(super) portcullis: Portcullis,
    pub(super) tenant: TenantId,
    pub(super) format: Format,
}

impl Operator {
    /// Opens the database that is there.
    pub(super) async fn open(config: &Config, format: Format) -> Result<Self, Failure> {
        let portcullis = assemble::for_commands(config).await?;
        let tenant = portcullis.default_tenant();
        Ok(Self {
            portcullis,
            tenant,
            format,
        })
    }

    /// The person of that id or identifier.
    pub(super) async fn find(&self, who: &str) -> Result<UserRecord, Failure> {
        let found = self.portcullis.admin_find_user(self.tenant, who).await;
        found.map_err(failed)?.ok_or_else(|| nobody(who))
    }
}

pub(super) fn nobody(who: &str) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("there is nobody called `{who}`; `portcullis user list` shows who there is"),
    )
}

/// A flow could not decide.
pub(super) fn failed(error: FlowError) -> Failure {
    match error {
        FlowError::Busy { retry_after } => Failure::new(
            Exit::Unavailable,
            format!("busy; try again in {} s", retry_after.as_secs().max(1)),
        ),
        FlowError::Unavailable(_) => {
            Failure::caused(Exit::Unavailable, "nothing was decided", &error)
        }
        _ => Failure::caused(Exit::Failure, "nothing was decided", &error),
    }
}
