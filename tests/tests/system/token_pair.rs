//! Access and refresh tokens, for clients without a cookie jar.

use portcullis_tests::{Pair, World};

use crate::{Traveller, check};

pub(crate) fn issued_renewed_and_ended(world: &World, ada: &mut Traveller) {
    let service = &world.service;
    let first = Pair::issue(service, &ada.person);
    assert_eq!(check(&first.bearer(service)), 200);
    let second = Pair::read(&first.renew(service).expect(200));
    assert_ne!(second.refresh, first.refresh);
    assert_eq!(check(&second.bearer(service)), 200);
    let out = second.bearer(service).send("POST", "/auth/logout", None);
    let _out = out.expect(204);
    assert_eq!(check(&second.bearer(service)), 401);
    let _over = second.renew(service).expect(400);
    assert_eq!(check(&ada.browser), 200);
}
