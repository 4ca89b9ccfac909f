//! Every write of the security family that takes companions.

use portcullis_core::along::Refusal;
use portcullis_core::state::EntityState;

/// A method with an `Along`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    OpenTenant,
    OpenAccount,
    SignUpAgain,
    ChangeVerified,
    SetState,
    VerifyIdentifier,
    BumpEpoch,
    SetTenantSecurity,
    Record,
    SettleAttempt,
    ResetAttempts,
    InsertFactor,
    SaveFactor,
    RemoveFactor,
    CreateApiToken,
    RevokeApiToken,
    RevokeAllApiTokens,
    OpenFamily,
    RotateFamily,
    EndFamily,
    EndFamilies,
    SetRoles,
}

impl Operation {
    pub(super) const ALL: [Self; 22] = [
        Self::OpenTenant,
        Self::OpenAccount,
        Self::SignUpAgain,
        Self::ChangeVerified,
        Self::SetState,
        Self::VerifyIdentifier,
        Self::BumpEpoch,
        Self::SetTenantSecurity,
        Self::Record,
        Self::SettleAttempt,
        Self::ResetAttempts,
        Self::InsertFactor,
        Self::SaveFactor,
        Self::RemoveFactor,
        Self::CreateApiToken,
        Self::RevokeApiToken,
        Self::RevokeAllApiTokens,
        Self::OpenFamily,
        Self::RotateFamily,
        Self::EndFamily,
        Self::EndFamilies,
        Self::SetRoles,
    ];

    /// The number that comes back from the first one that is applied, zero where none does.
    pub(super) const fn answer(self) -> u64 {
        match self {
            // The first epoch after the first, the first version, the one token or family there is.
            Self::BumpEpoch | Self::InsertFactor | Self::RevokeAllApiTokens | Self::EndFamilies => {
                1
            }
            Self::SaveFactor | Self::RotateFamily => 2,
            _ => 0,
        }
    }

    /// How the effect is refused that [`Aim::Wrong`](super::scene::Aim::Wrong) tries; `None` where it never is.
    pub(super) const fn refusal(self) -> Option<Refusal> {
        let from = EntityState::Active;
        match self {
            Self::OpenTenant | Self::OpenAccount => Some(Refusal::Exists),
            Self::SetState | Self::SetTenantSecurity | Self::SignUpAgain => {
                Some(Refusal::Transition { from })
            }
            Self::SaveFactor | Self::RotateFamily | Self::SetRoles => Some(Refusal::Stale),
            Self::CreateApiToken => Some(Refusal::LimitReached { limit: 1 }),
            Self::VerifyIdentifier
            | Self::ChangeVerified
            | Self::BumpEpoch
            | Self::SettleAttempt
            | Self::InsertFactor
            | Self::RemoveFactor
            | Self::RevokeApiToken
            | Self::OpenFamily
            | Self::EndFamily => Some(Refusal::NotFound),
            Self::Record | Self::ResetAttempts | Self::RevokeAllApiTokens | Self::EndFamilies => {
                None
            }
        }
    }
}
