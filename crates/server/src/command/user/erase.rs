//! `user erase`.

use portcullis_backends::flow::EraseOutcome;
use portcullis_core::id::UserId;
use serde::Serialize;

use super::super::operator::{Operator, failed, nobody};
use crate::failure::{Exit, Failure};

/// What became of somebody.
#[derive(Debug, Serialize)]
struct Erased {
    id: UserId,
    /// Always true: the answer to `--json` is there where nothing is left of them.
    erased: bool,
    /// Whether it had been done before.
    before: bool,
}

/// By id also whom the directory no longer has: what a crash left is completed.
pub(super) async fn run(who: &str, yes: bool, operator: &Operator) -> Result<(), Failure> {
    let user = match who.parse::<UserId>() {
        Ok(id) => id,
        Err(_) => operator.find(who).await?.user.id,
    };
    if !yes {
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "this would end everything that {who} can sign in with and erase what is kept about them, for good: \
                 profile, addresses, password, tokens, sessions, waiting mail, and what their events in the audit log \
                 tell of them; `--yes` does it"
            ),
        ));
    }
    let erased = operator.portcullis.admin_erase(operator.tenant, user).await;
    let before = match erased.map_err(failed)? {
        EraseOutcome::Erased => false,
        EraseOutcome::ErasedBefore => true,
        EraseOutcome::NotFound => return Err(nobody(who)),
        EraseOutcome::Refused(refusal) => {
            return Err(Failure::new(Exit::Refused, refusal.to_string()));
        }
    };
    let view = Erased {
        id: user,
        erased: true,
        before,
    };
    operator.format.print(&view, |view| match view.before {
        false => format!("{} is erased", view.id),
        true => format!("{} was erased before", view.id),
    })
}
