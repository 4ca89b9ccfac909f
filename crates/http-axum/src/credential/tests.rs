use super::*;

const COOKIE: &str = "__Host-portcullis";
const ACCESS: &str = "__Host-portcullis-access";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn code(pairs: &[(&'static str, &str)], uri: &'static str) -> Result<(), Code> {
    read(&headers(pairs), &Uri::from_static(uri), [COOKIE, ACCESS])
        .map(|_| ())
        .map_err(|problem| problem.code())
}

#[test]
fn a_credential_is_read_from_one_place() {
    type Case<'a> = (&'a [(&'static str, &'a str)], Option<Credential<'a>>, bool);
    let cases: &[Case<'_>] = &[
        (&[], None, false),
        (
            &[("authorization", "Bearer abc")],
            Some(Credential::Bearer("abc")),
            true,
        ),
        (
            &[("authorization", "bEARER   abc ")],
            Some(Credential::Bearer("abc")),
            true,
        ),
        (
            &[("authorization", "Basic dTpw")],
            Some(Credential::Basic("dTpw")),
            true,
        ),
        (&[("authorization", "Bearerabc")], None, true),
        (
            &[("x-api-key", "abc")],
            Some(Credential::ApiKey("abc")),
            true,
        ),
        (
            &[("cookie", "a=b; __Host-portcullis=abc")],
            Some(Credential::Cookie("abc")),
            false,
        ),
        // An explicit header means the cookie is not consulted, not even a doubled one.
        (
            &[
                ("authorization", "Bearer abc"),
                ("cookie", "__Host-portcullis=x; __Host-portcullis=y"),
            ],
            Some(Credential::Bearer("abc")),
            true,
        ),
    ];
    for (pairs, credential, is_explicit) in cases {
        let headers = headers(pairs);
        let read = read(&headers, &Uri::from_static("/"), [COOKIE, ACCESS]).unwrap();
        assert_eq!(read.credential, *credential, "{pairs:?}");
        assert_eq!(read.is_explicit, *is_explicit, "{pairs:?}");
    }
}

// HT-03
#[test]
fn what_is_ambiguous_is_refused_and_never_picked() {
    let conflicting = Err(Code::ConflictingCredentials);
    let two = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
    assert_eq!(code(&two, "/"), conflicting);
    assert_eq!(
        code(&[("authorization", "Bearer a"), ("x-api-key", "a")], "/"),
        conflicting
    );
    assert_eq!(
        code(&[("authorization", "Basic a"), ("x-api-key", "a")], "/"),
        conflicting
    );
    assert_eq!(
        code(&[("x-api-key", "a"), ("x-api-key", "a")], "/"),
        conflicting
    );
    let doubled = [
        ("cookie", "__Host-portcullis=a"),
        ("cookie", "__Host-portcullis=a"),
    ];
    assert_eq!(code(&doubled, "/"), Err(Code::CredentialRejected));
}

// HT-15
#[test]
fn a_credential_in_the_url_is_refused() {
    for uri in [
        "/?access_token=x",
        "/?a=b&api_key=x",
        "/?access_token",
        "/?access%5Ftoken=x",
        "/?%61pi_key=x",
    ] {
        assert_eq!(code(&[], uri), Err(Code::CredentialRejected), "{uri}");
        let with_cookie = [("cookie", "__Host-portcullis=a")];
        assert_eq!(
            code(&with_cookie, uri),
            Err(Code::CredentialRejected),
            "{uri}"
        );
    }
    for uri in [
        "/",
        "/?",
        "/?token=x",
        "/?my_access_token=x",
        "/access_token=x",
    ] {
        assert_eq!(code(&[], uri), Ok(()), "{uri}");
    }
}

// HT-10
#[test]
fn a_header_is_bounded_before_it_is_parsed() {
    let long = format!("Bearer {}", "a".repeat(HEADER_MAX_BYTES));
    assert_eq!(
        code(&[("authorization", &long)], "/"),
        Err(Code::HeaderTooLarge)
    );
    let long = "a".repeat(HEADER_MAX_BYTES + 1);
    assert_eq!(
        code(&[("x-api-key", &long)], "/"),
        Err(Code::HeaderTooLarge)
    );
    assert_eq!(code(&[("cookie", &long)], "/"), Err(Code::HeaderTooLarge));
}

#[test]
fn what_is_no_token_is_rejected_without_asking_anybody() {
    for value in ["Bearer", "Bearer ", "Bearer a b", "Bearer \u{e9}"] {
        let bytes: Vec<u8> = value.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_bytes(&bytes).unwrap(),
        );
        let problem = read(&headers, &Uri::from_static("/"), [COOKIE, ACCESS]).unwrap_err();
        assert_eq!(problem.code(), Code::CredentialRejected, "{value}");
    }
    assert_eq!(
        code(&[("x-api-key", "")], "/"),
        Err(Code::CredentialRejected)
    );
}
