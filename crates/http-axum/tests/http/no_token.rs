//! What is no token at all, wherever one is taken.

use std::collections::BTreeSet;

use axum::http::{HeaderValue, StatusCode, header};
use portcullis_http_axum::{BodyKind, Pages, ROUTES};
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::samples::{Asked, FORM, Sample};

/// The fields that hold a token or a code.
const FIELDS: [&str; 4] = ["token", "code", "ticket", "refresh_token"];

/// A request for every route and field, and the path and field of it.
async fn that_take_one() -> Vec<(Sample, &'static str)> {
    let (mut tried, mut found) = (BTreeSet::new(), Vec::new());
    for sample in Sample::done() {
        let app = sample.app().await;
        let asked = sample.prepare(&app).await;
        for field in FIELDS {
            let has_it = asked
                .body
                .as_ref()
                .is_some_and(|body| body[field].is_string());
            if has_it && tried.insert((asked.path.clone(), field)) {
                found.push((sample, field));
            }
        }
    }
    assert_eq!(tried, documented().await, "tried, and documented");
    found
}

/// All that the document has, but for the ticket that a code is asked for with again: it makes nobody anything.
async fn documented() -> BTreeSet<(String, &'static str)> {
    let app = App::new().await;
    let document = app.client().get("/auth/openapi.json").await.json();
    let mut fields = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let content = operation["requestBody"]["content"].as_object();
            let Some(schema) = content.and_then(|content| content.values().next()) else {
                continue;
            };
            let reference = schema["schema"]["$ref"].as_str().unwrap();
            let body = document.pointer(reference.trim_start_matches('#')).unwrap();
            let known = |field: &&str| body["properties"].get(*field).is_some();
            let here = FIELDS.into_iter().filter(known);
            fields.extend(here.map(|field| (path.clone(), field)));
        }
    }
    fields.remove(&("/auth/email-code/send".to_owned(), "ticket"));
    fields
}

/// What stands in place of the token in JSON; `None` for no field at all.
fn values(truth: &Value) -> Vec<Option<Value>> {
    let texts = [
        "",
        "0",
        " ",
        "\t\r\n",
        "\0",
        "\u{a0}",
        "null",
        "undefined",
        "[]",
        "{}",
        "%",
        "*",
    ];
    let mut values: Vec<_> = texts.into_iter().map(|text| Some(json!(text))).collect();
    values.extend([None, Some(Value::Null)]);
    values.extend([json!([]), json!({}), json!(0), json!(true)].map(Some));
    values.push(Some(json!([truth])));
    values.push(Some(json!({ "$ne": null })));
    values.push(Some(json!("x".repeat(9000))));
    values
}

/// What stands in place of it in a form, the name too.
fn pairs(field: &str, truth: &str) -> Vec<String> {
    let texts = [
        "",
        "0",
        "+",
        "%20",
        "%09%0d%0a",
        "%00",
        "null",
        "[]",
        "{}",
        "%25",
    ];
    let mut pairs: Vec<_> = texts.iter().map(|text| format!("{field}={text}")).collect();
    pairs.extend([String::new(), field.to_owned(), format!("={truth}")]);
    pairs.extend([format!("{field}[]={truth}"), format!("{field}[0]={truth}")]);
    pairs.push(format!("{field}={truth}&{field}={truth}"));
    pairs.push(format!("{field}=&{field}={truth}"));
    pairs.push(format!("{field}={}", "x".repeat(9000)));
    pairs
}

#[track_caller]
fn is_refused(answer: &Answer, what: &str) {
    assert!(
        matches!(
            answer.status,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
        ),
        "{what}: {answer:?}"
    );
    assert!(answer.set_cookies().is_empty(), "{what}: {answer:?}");
    assert!(!answer.text().contains("pcl_"), "{what}: {answer:?}");
}

/// It is refused, and nothing is used up by it: the true request goes on as if there had been none.
async fn goes_on(sample: Sample, mut asked: Asked<'_>, what: &str) {
    let answer = asked.send().await;
    assert_eq!(answer.status, sample.status(), "after {what}: {answer:?}");
}

// OT-08
#[tokio::test]
async fn what_is_no_token_or_code_matches_none_in_any_field_of_any_route() {
    for (sample, field) in that_take_one().await {
        for at in 0..values(&Value::Null).len() {
            let app = sample.app().await;
            let mut asked = sample.prepare(&app).await;
            let body = asked.body.clone().unwrap();
            let value = values(&body[field]).swap_remove(at);
            let what = format!("{sample:?} with {field} {value:.99?}");
            let mut changed = body.clone();
            match value {
                Some(value) => changed[field] = value,
                None => {
                    changed.as_object_mut().unwrap().remove(field);
                }
            }
            asked.body = Some(changed);
            is_refused(&asked.send().await, &what);
            asked.body = Some(body);
            goes_on(sample, asked, &what).await;
        }
    }
}

// OT-08
#[tokio::test]
async fn what_is_no_token_or_code_matches_none_in_a_form_either() {
    for (sample, field) in that_take_one().await {
        if sample.route().body != BodyKind::JsonOrForm {
            continue;
        }
        for at in 0..pairs("", "").len() {
            let app = sample.app().await;
            let mut asked = sample.prepare(&app).await;
            let body = asked.body.clone().unwrap();
            let truth = body[field].as_str().unwrap();
            let pair = pairs(field, truth).swap_remove(at);
            let what = format!("{sample:?} with the form {pair:.99}");
            let mut form = vec![pair];
            for (name, value) in body.as_object().unwrap() {
                if name != field {
                    let value = value.as_str().unwrap();
                    let mut other = url::form_urlencoded::Serializer::new(String::new());
                    form.push(other.append_pair(name, value).finish());
                }
            }
            let form = Some((FORM, form.join("&").into_bytes()));
            let (method, path) = (asked.method.clone(), asked.path.clone());
            let answer = asked.client.request(method, &path, form).await;
            is_refused(&answer, &what);
            goes_on(sample, asked, &what).await;
        }
    }
}

// OT-08, HT-10
#[tokio::test]
async fn ten_megabytes_are_no_token_and_use_none_up() {
    for (sample, field) in that_take_one().await {
        let app = sample.app().await;
        let mut asked = sample.prepare(&app).await;
        let body = asked.body.clone().unwrap();
        let truth = body[field].as_str().unwrap();
        let huge = body.to_string().replace(truth, &"x".repeat(10 << 20));
        let huge = Some(("application/json", huge.into_bytes()));
        let (method, path) = (asked.method.clone(), asked.path.clone());
        let answer = asked.client.request(method, &path, huge).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{sample:?}");
        assert!(answer.set_cookies().is_empty(), "{sample:?}");
        goes_on(sample, asked, "ten megabytes").await;
    }
}

// OT-08
#[tokio::test]
async fn a_page_opens_for_no_link_without_a_token() {
    let app = App::new().await;
    for route in ROUTES.iter().filter(|route| route.pages == Pages::Only) {
        let queries = [
            "",
            "?",
            "?token",
            "?token=",
            "?token=%20",
            "?token=+",
            "?token=%00",
            "?token[]=x",
            "?Token=x",
            "?token=x&token=x",
            "?token=&token=x",
            "?=x",
        ];
        for query in queries {
            let mut client = app.client();
            let html = HeaderValue::from_static("text/html");
            client.headers.insert(header::ACCEPT, html);
            let path = format!("/auth{}{query}", route.path);
            let answer = client.get(&path).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(!answer.text().contains("<form"), "{path}");
        }
        let path = format!("/auth{}?token=x", route.path);
        let page = app.client().get(&path).await.expect(StatusCode::OK);
        assert!(page.text().contains("<form"), "{path}");
    }
}
