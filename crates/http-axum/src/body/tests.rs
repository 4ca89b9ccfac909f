use axum::http::HeaderValue;

use super::*;

fn typed(content_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(content_type).unwrap();
    headers.insert(header::CONTENT_TYPE, value);
    headers
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

async fn sign_in(content_type: &str, body: impl Into<Body>) -> Result<(String, String), Code> {
    match read::<SignIn>(&typed(content_type), body.into()).await {
        Ok(input) => {
            let password = input.password.into_text();
            Ok((input.identifier, password.expose().to_owned()))
        }
        Err(problem) => Err(problem.code()),
    }
}

#[tokio::test]
async fn json_and_form_say_the_same() {
    let expected = Ok(("ada@example.com".to_owned(), " p+ä & ".to_owned()));
    let json = r#"{"password":" p+ä & ","identifier":"ada@example.com"}"#;
    assert_eq!(sign_in(JSON, json).await, expected);
    assert_eq!(
        sign_in("Application/JSON; charset=utf-8", json).await,
        expected
    );
    let form = "identifier=ada%40example.com&password=+p%2b%C3%A4+%26+";
    assert_eq!(sign_in(FORM, form).await, expected);
}

// HT-11, HT-12
#[tokio::test]
async fn unknown_repeated_and_mistyped_fields_are_refused() {
    for body in [
        r#"{"identifier":"a","password":"b","role":"admin"}"#,
        r#"{"identifier":"a","identifier":"a","password":"b"}"#,
        r#"{"identifier":"a"}"#,
        r#"{"identifier":"a","password":null}"#,
        r#"{"identifier":"a","password":1}"#,
        r#"{"identifier":["a"],"password":"b"}"#,
        r#"{"identifier":{"tenant":"x"},"password":"b"}"#,
        r"[]",
        r#" ["a","b"]"#,
        r"null",
    ] {
        assert_eq!(sign_in(JSON, body).await, Err(Code::InvalidBody), "{body}");
    }
    for body in [
        "identifier=a&password=b&role=admin",
        "identifier=a&identifier=a&password=b",
        "identifier=a&password=b&password=c",
        "identifier=a",
        "",
        "identifier[x]=a&password=b",
    ] {
        assert_eq!(sign_in(FORM, body).await, Err(Code::InvalidBody), "{body}");
    }
}

#[tokio::test]
async fn what_is_not_well_formed_is_said_to_be_that() {
    for body in [
        "",
        "{",
        "{\"identifier\":\"a\"",
        "identifier=a",
        "{\"identifier\":\"a\",\"password\":\"b\"} {}",
        "\u{feff}{}",
    ] {
        assert_eq!(
            sign_in(JSON, body).await,
            Err(Code::MalformedRequest),
            "{body}"
        );
    }
    // JSON depth is bounded by the parser.
    let deep = "[".repeat(10_000);
    assert_eq!(sign_in(JSON, deep).await, Err(Code::InvalidBody));
    let deep = format!(
        "{{\"identifier\":\"a\",\"password\":\"b\",\"x\":{}",
        "[".repeat(10_000)
    );
    assert!(sign_in(JSON, deep).await.is_err());
    assert_eq!(
        sign_in(FORM, "identifier=%ff&password=b").await,
        Err(Code::MalformedRequest)
    );
}

// HT-10
#[tokio::test]
async fn a_body_is_bounded_by_its_bytes_not_by_what_it_says() {
    let padding = " ".repeat(BODY_MAX_BYTES);
    assert_eq!(
        sign_in(JSON, padding.clone() + " ").await,
        Err(Code::PayloadTooLarge)
    );
    assert_eq!(sign_in(JSON, padding).await, Err(Code::MalformedRequest));
}

#[tokio::test]
async fn other_types_and_encodings_are_not_read() {
    for content_type in [
        "text/plain",
        "application/jsonx",
        "application/json5",
        "",
        "multipart/form-data",
    ] {
        assert_eq!(
            sign_in(content_type, "{}").await,
            Err(Code::UnsupportedMediaType)
        );
    }
    let absent = read::<SignIn>(&HeaderMap::new(), Body::empty()).await;
    assert_eq!(absent.err().unwrap().code(), Code::UnsupportedMediaType);
    let mut compressed = typed(JSON);
    compressed.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert!(encoding(&compressed, BodyKind::Json).is_err());
    assert!(encoding(&typed(FORM), BodyKind::Json).is_err());
}

#[tokio::test]
async fn an_optional_field_that_nobody_filled_in_is_absent() {
    let input = read::<Verify>(&typed(FORM), Body::from("token=t&password="))
        .await
        .unwrap();
    assert!(input.password.is_none());
}

// CR-05
#[tokio::test]
async fn a_secret_field_prints_redacted_also_where_it_does_not_fit() {
    let input = read::<Verify>(&typed(JSON), Body::from(r#"{"token":"canary"}"#))
        .await
        .unwrap();
    assert!(!format!("{input:?}").contains("canary"));
    let refused = read::<SignIn>(&typed(JSON), Body::from(r#"{"canary":"canary"}"#)).await;
    assert!(!format!("{:?}", refused.err().unwrap()).contains("canary"));
}
