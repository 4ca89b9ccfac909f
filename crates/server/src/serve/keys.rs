//! Taking changed keys up at once, for whoever does not want to wait for the next look.

use std::io;

use portcullis_backends::Portcullis;

/// Looks at the key files on each SIGHUP. Without it they are looked at every few seconds.
#[cfg(unix)]
pub(super) fn take_up_when_told(portcullis: &Portcullis) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut told = signal(SignalKind::hangup())?;
    let portcullis = portcullis.clone();
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            match portcullis.refresh_keys().await {
                Ok(true) => {}
                Ok(false) => tracing::info!("the key files have not changed"),
                Err(error) => {
                    let error = crate::failure::chain(&error);
                    tracing::error!(error, "changed keys are not in use; those before stay");
                }
            }
        }
    });
    Ok(())
}

/// There is no such signal.
#[cfg(not(unix))]
pub(super) fn take_up_when_told(_portcullis: &Portcullis) -> io::Result<()> {
    Ok(())
}
