//! Wrappers that change a few methods of a store and pass the others on.

use crate::methods::every_method;
use crate::methods::named::*;

macro_rules! around {
    ($($trait:ident { $(
        fn $method:ident($($arg:ident: $ty:ty),* $(; $along:ident)?) -> $answer:ty;
    )+ })+) => {
        /// What a wrapper does in place of the store inside; whatever it leaves out is passed on.
        ///
        /// A method here is the one of the same name in the store's traits, whose documentation says what it does. It is
        /// there where the store inside has it.
        #[async_trait]
        pub trait Around: Send + Sync + 'static {
            /// The store inside.
            type Store: Send + Sync + 'static;

            /// The store inside.
            fn store(&self) -> &Self::Store;

            /// The companions that go on with a write, of all those that travel with a write that is passed on.
            async fn companions(&self, along: Along) -> Along {
                along
            }

            $($(
                #[doc = concat!("See [`", stringify!($trait), "::", stringify!($method), "`].")]
                async fn $method(&self, $($arg: $ty,)* $($along: Along)?) -> $answer
                where
                    Self::Store: $trait,
                {
                    $(let $along = self.companions($along).await;)?
                    self.store().$method($($arg,)* $($along)?).await
                }
            )+)+
        }

        $(
            #[async_trait]
            impl<A: Around> $trait for Wrapped<A>
            where
                A::Store: $trait,
            {
                $(async fn $method(&self, $($arg: $ty,)* $($along: Along)?) -> $answer {
                    self.0.$method($($arg,)* $($along)?).await
                })+
            }
        )+
    };
}

every_method!(around);

/// A store with a wrapper around it: a store like any other, with the traits of the one inside.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped<A>(A);

impl<A: Around> Wrapped<A> {
    /// A wrapper at work.
    pub const fn new(around: A) -> Self {
        Self(around)
    }

    /// The wrapper.
    pub const fn wrapper(&self) -> &A {
        &self.0
    }
}
