//! The backend decides for its own header and for nothing else.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::*;

#[tokio::test]
async fn a_header_of_ones_own_stands_beside_the_standard_ones() {
    let app = app(portcullis(Machines::new("build-1", "s3cret"))
        .await
        .unwrap());
    let status = async |headers: &[(&str, &str)]| {
        let mut request = Request::get("/whoami");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    let good = ("x-build-machine", "build-1:s3cret");
    assert_eq!(status(&[good]).await, StatusCode::OK);
    assert_eq!(
        status(&[good, ("cookie", "portcullis=dead")]).await,
        StatusCode::OK
    );
    assert_eq!(status(&[]).await, StatusCode::UNAUTHORIZED);
    for bad in ["build-1:wrong", "build-2:s3cret", "build-1", "", ":"] {
        assert_eq!(
            status(&[("x-build-machine", bad)]).await,
            StatusCode::UNAUTHORIZED,
            "{bad}"
        );
    }
    assert_eq!(status(&[good, good]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(&[("authorization", "Bearer foreign")]).await,
        StatusCode::UNAUTHORIZED
    );
}
