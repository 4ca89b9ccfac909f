//! The credential backends that come with portcullis. An adopter's own implement
//! [`AuthBackend`](portcullis_core::backend::AuthBackend) and are added with
//! [`Builder::backend`](crate::Builder::backend).

mod api_token;
mod password;
mod session;
mod trusted_proxy;

pub use api_token::ApiTokenBackend;
pub use password::PasswordBackend;
pub use session::SessionBackend;
pub(crate) use session::principal as session_principal;
pub use trusted_proxy::{TrustedProxy, TrustedProxyBackend};
