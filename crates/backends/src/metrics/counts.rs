//! The numbers, as they are counted.

use std::any::{Any, TypeId};
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_core::backend::{AuthBackend, BackendError, Verdict};
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_tokens::password::HashLoad;

use super::{Family, Histogram, Meter};

/// A set of label values, each with a number of its own.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $text:literal),+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $name { $($variant),+ }

        impl $name {
            const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

labels!(
    /// What a backend says.
    Answer { Authenticated => "authenticated", Rejected => "rejected", NotMine => "not_mine", Error => "error" }
);
labels!(
    /// How somebody signs in.
    Way { Password => "password", Token => "token", MagicLink => "magic_link", EmailCode => "email_code" }
);
labels!(
    /// How signing in ended.
    Ended { SignedIn => "signed_in", Refused => "refused", Locked => "locked" }
);
labels!(
    /// What became of a mail.
    Posted { Sent => "sent", Failed => "failed", Dead => "dead" }
);
labels!(
    /// A kind of background work.
    Pass { Keys => "keys", Due => "due", Purge => "purge" }
);
labels!(
    /// How a pass of background work ended.
    Done { Done => "done", Failed => "failed" }
);
labels!(
    /// Why a store failed.
    Cause {
        Conflict => "conflict", Stale => "stale", Unavailable => "unavailable", Indeterminate => "indeterminate",
        Corrupt => "corrupt", Other => "other"
    }
);

impl From<StoreErrorKind> for Cause {
    fn from(kind: StoreErrorKind) -> Self {
        match kind {
            StoreErrorKind::Conflict => Self::Conflict,
            StoreErrorKind::Stale => Self::Stale,
            StoreErrorKind::Unavailable => Self::Unavailable,
            StoreErrorKind::Indeterminate => Self::Indeterminate,
            StoreErrorKind::Corrupt => Self::Corrupt,
            _ => Self::Other,
        }
    }
}

/// A number for each of `N` label values. Nothing is ordered by them, so they need no order themselves.
struct Row<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Row<N> {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; N])
    }
}

impl<const N: usize> Row<N> {
    fn add(&self, at: usize) {
        if let Some(number) = self.0.get(at) {
            number.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|number| number.load(Ordering::Relaxed))
    }
}

/// What the backends of an instance said, by name. Those of one name share their numbers.
pub(crate) struct Verdicts(Vec<(&'static str, Row<{ Answer::ALL.len() }>)>);

impl Verdicts {
    pub(crate) fn of(chain: &[Arc<dyn AuthBackend>]) -> Self {
        let mut names: Vec<_> = chain.iter().map(|backend| backend.name()).collect();
        names.sort_unstable();
        names.dedup();
        let rows = names.into_iter().map(|name| (name, Row::default()));
        Self(rows.collect())
    }

    fn add(&self, backend: &'static str, answer: Answer) {
        // A handful of short names: nothing is faster than looking through them.
        if let Some((_, row)) = self.0.iter().find(|(name, _)| *name == backend) {
            row.add(answer as usize);
        }
    }
}

/// Everything that an instance counts.
pub(crate) struct Metrics {
    verdicts: Verdicts,
    sign_ins: [Row<{ Ended::ALL.len() }>; Way::ALL.len()],
    mails: Row<{ Posted::ALL.len() }>,
    passes: [Row<{ Done::ALL.len() }>; Pass::ALL.len()],
    store_errors: Row<{ Cause::ALL.len() }>,
    meters: Mutex<Vec<(TypeId, Arc<dyn Meter>)>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub(crate) fn new(verdicts: Verdicts) -> Self {
        Self {
            verdicts,
            sign_ins: Default::default(),
            mails: Row::default(),
            passes: Default::default(),
            store_errors: Row::default(),
            meters: Mutex::default(),
        }
    }

    pub(crate) fn authenticated(
        &self,
        backend: &'static str,
        answer: &Result<Verdict, BackendError>,
    ) {
        let said = match answer {
            Ok(Verdict::Authenticated(_)) => Answer::Authenticated,
            Ok(Verdict::Rejected(_)) => Answer::Rejected,
            Ok(Verdict::NotMine) => Answer::NotMine,
            Err(error) => {
                self.failed(error);
                Answer::Error
            }
        };
        self.verdicts.add(backend, said);
    }

    pub(crate) fn signed_in(&self, way: Way, ended: Ended) {
        if let Some(row) = self.sign_ins.get(way as usize) {
            row.add(ended as usize);
        }
    }

    pub(crate) fn posted(&self, posted: Posted) {
        self.mails.add(posted as usize);
    }

    pub(crate) fn passed<T, E: Error + 'static>(&self, pass: Pass, result: &Result<T, E>) {
        let done = match result {
            Ok(_) => Done::Done,
            Err(error) => {
                self.failed(error);
                Done::Failed
            }
        };
        if let Some(row) = self.passes.get(pass as usize) {
            row.add(done as usize);
        }
    }

    /// Looks for a store's error among the causes.
    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) {
        let mut causes = std::iter::successors(Some(error), |error| (*error).source());
        if let Some(store) = causes.find_map(|cause| cause.downcast_ref::<StoreError>()) {
            self.store_errors.add(Cause::from(store.kind()) as usize);
        }
    }

    pub(crate) fn meter<M: Meter + Default>(&self) -> Arc<M> {
        let mut meters = self.lock();
        let id = TypeId::of::<M>();
        let known = meters.iter().find(|(known, _)| *known == id);
        let known = known.map(|(_, meter)| Arc::clone(meter) as Arc<dyn Any + Send + Sync>);
        match known.map(Arc::downcast::<M>) {
            Some(Ok(meter)) => meter,
            _ => {
                let meter = Arc::new(M::default());
                meters.push((id, Arc::clone(&meter) as Arc<dyn Meter>));
                meter
            }
        }
    }

    pub(crate) fn meters(&self) -> Vec<Arc<dyn Meter>> {
        let meters = self.lock();
        meters.iter().map(|(_, meter)| Arc::clone(meter)).collect()
    }

    /// Asked for by those who are put together and those who read, never by a request.
    fn lock(&self) -> MutexGuard<'_, Vec<(TypeId, Arc<dyn Meter>)>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn families(&self) -> Vec<Family> {
        let mut authentications = Family::counter(
            "portcullis_authentications_total",
            "What each backend said of the credentials that it claimed.",
        );
        for (name, row) in &self.verdicts.0 {
            for (answer, number) in Answer::ALL.into_iter().zip(row.read()) {
                let labels = [("backend", *name), ("verdict", answer.as_str())];
                authentications = authentications.with(&labels, number);
            }
        }
        let mut sign_ins = Family::counter(
            "portcullis_sign_ins_total",
            "Sign-ins that were decided, by what was signed in with and how they ended.",
        );
        for (way, row) in Way::ALL.into_iter().zip(&self.sign_ins) {
            for (ended, number) in Ended::ALL.into_iter().zip(row.read()) {
                let labels = [("way", way.as_str()), ("outcome", ended.as_str())];
                sign_ins = sign_ins.with(&labels, number);
            }
        }
        let mut mails = Family::counter(
            "portcullis_mails_total",
            "Deliveries of mail: done, failed and due again, or given up.",
        );
        for (posted, number) in Posted::ALL.into_iter().zip(self.mails.read()) {
            mails = mails.with(&[("outcome", posted.as_str())], number);
        }
        let mut passes = Family::counter(
            "portcullis_background_passes_total",
            "Passes of background work: taking up keys, delivering what is due, removing what has ended.",
        );
        for (pass, row) in Pass::ALL.into_iter().zip(&self.passes) {
            for (done, number) in Done::ALL.into_iter().zip(row.read()) {
                let labels = [("task", pass.as_str()), ("outcome", done.as_str())];
                passes = passes.with(&labels, number);
            }
        }
        let mut store_errors = Family::counter(
            "portcullis_store_errors_total",
            "Requests and passes of background work that failed because a store did.",
        );
        for (cause, number) in Cause::ALL.into_iter().zip(self.store_errors.read()) {
            store_errors = store_errors.with(&[("kind", cause.as_str())], number);
        }
        vec![authentications, sign_ins, mails, passes, store_errors]
    }
}

pub(super) fn of_hashes(load: &HashLoad) -> Vec<Family> {
    vec![
        Family::histogram(
            "portcullis_password_hash_duration_seconds",
            "How long password hashes took, without the time that they waited.",
            Histogram {
                buckets: load.took.clone(),
                count: load.computed,
                sum: load.total,
            },
        ),
        Family::counter(
            "portcullis_password_hashes_refused_total",
            "Password hashes that there was no room or no time for.",
        )
        .with(&[], load.refused),
        Family::gauge(
            "portcullis_password_hashes_waiting",
            "Password hashes that wait to be begun.",
        )
        .with(&[], load.waiting),
    ]
}
