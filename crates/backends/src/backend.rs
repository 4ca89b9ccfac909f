//! The credential backends that come with portcullis. An adopter's own implement
//! [`AuthBackend`](portcullis_core::backend::AuthBackend) and are added with
//! [`Builder::backend`](crate::Builder::backend).

mod api_token;
mod guarded;
#[cfg(feature = "jwt")]
pub(crate) mod jwt;
mod password;
mod session;
mod trusted_proxy;

pub use api_token::ApiTokenBackend;
pub(crate) use guarded::Guarded;
#[cfg(feature = "jwt")]
pub use jwt::JwtBackend;
pub use password::PasswordBackend;
pub use session::SessionBackend;
pub(crate) use session::principal as session_principal;
pub use trusted_proxy::{TrustedProxy, TrustedProxyBackend};
