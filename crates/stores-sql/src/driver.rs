//! What an engine must do for the one implementation of every store trait.

use portcullis_core::along::{Refusal, Write};
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::store::WriteResult;

use crate::columns::Columns;
use crate::script::{Done, Failure, Script};
use crate::value::Value;

/// Makes a value of one row.
pub(crate) type Decode<T> = fn(&mut Columns<'_>) -> Result<T, StoreError>;
/// Adds one row to the values made of the rows before it.
pub(crate) type Fold<T> = fn(&mut Vec<T>, &mut Columns<'_>) -> Result<(), StoreError>;

/// An engine. Reads are single statements; writes are scripts.
pub(crate) trait Driver: Clone + Send + Sync + 'static {
    /// The first row of a point read.
    fn one<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> + Send;

    /// A point read of a few rows.
    fn few<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        fold: Fold<T>,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;

    /// A read whose length depends on how much there is.
    fn many<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        fold: Fold<T>,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;

    /// Runs a script to its end, whether its caller waits for it or not.
    fn run(&self, script: Script) -> impl Future<Output = Result<Done, Failure>> + Send;

    /// Runs a script whose guards refuse the write.
    fn write(&self, script: Script) -> impl Future<Output = WriteResult<Done>> + Send {
        async {
            match self.run(script).await {
                Ok(done) => Ok(Write::Applied(done)),
                Err(Failure::Refused { step, refusal }) => {
                    tracing::debug!(step, "write refused");
                    Ok(Write::Refused(refusal))
                }
                Err(Failure::Store(error)) => Err(error),
            }
        }
    }

    /// Runs a script whose guards say that there is nothing to change: `None` then.
    fn change(
        &self,
        script: Script,
    ) -> impl Future<Output = Result<Option<Done>, StoreError>> + Send {
        async {
            match self.run(script).await {
                Ok(done) => Ok(Some(done)),
                Err(Failure::Refused { .. }) => Ok(None),
                Err(Failure::Store(error)) => Err(error),
            }
        }
    }

    /// Runs a script that nothing refuses.
    fn done(&self, script: Script) -> impl Future<Output = Result<Done, StoreError>> + Send {
        async {
            match self.run(script).await {
                Ok(done) => Ok(done),
                Err(Failure::Refused { refusal, .. }) => Err(unexpected(refusal)),
                Err(Failure::Store(error)) => Err(error),
            }
        }
    }
}

fn unexpected(refusal: Refusal) -> StoreError {
    StoreError::new(StoreErrorKind::Conflict).with_source(refusal)
}

/// A fold of rows that each make one value.
macro_rules! each {
    ($decode:path) => {
        |values, columns| {
            values.push($decode(columns)?);
            Ok(())
        }
    };
}
pub(crate) use each;
