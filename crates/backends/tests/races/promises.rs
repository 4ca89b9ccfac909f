//! What holds on every store.

/// The tests, for each of these functions of `stores`, which makes a world and runs a race in it.
macro_rules! races_on {
    ($($store:ident)+) => {
        $(
            mod $store {
                use crate::{bounds, kinds, stores};

                // OT-03, CC-06
                #[test]
                fn of_many_who_use_one_token_of_any_kind_one_succeeds() {
                    stores::$store(async |world| kinds::one_of_many(world).await);
                }

                // OT-12
                #[test]
                fn of_many_wrong_codes_at_once_five_are_tried_and_the_right_one_comes_too_late() {
                    stores::$store(async |world| bounds::guesses(world).await);
                }

                // SE-09
                #[test]
                fn of_many_sign_ins_at_once_as_many_sessions_stay_as_there_may_be() {
                    stores::$store(async |world| bounds::sessions(world).await);
                }
            }
        )+
    };
}
