//! The example does what its page in docs/adopting says of it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use portcullis_http_axum::core::id::UserId;
use portcullis_testing::{CapturedMailbox, CountingHasher};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

async fn customers() -> (Arc<Customers>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let customers = Customers::open(&folder.path().join("shop.db")).unwrap();
    (Arc::new(customers), folder)
}

async fn shop_and_accounts() -> (Arc<Split<Customers, SqliteStore>>, TempDir) {
    let (customers, folder) = customers().await;
    let options = SqliteOptions::new(folder.path().join("portcullis.db"));
    let accounts = SqliteStore::open(options.create_if_missing()).unwrap();
    accounts.migrate().await.unwrap();
    let split = Split::new(Customers::clone(&customers), accounts);
    (Arc::new(split), folder)
}

// The suite, a line a trait family: the directory alone, and what crosses it and the accounts.
portcullis_testing::conformance!(directory: customers);
portcullis_testing::conformance!(crossing: shop_and_accounts);

struct Shop {
    app: Router,
    portcullis: Portcullis,
    mailbox: CapturedMailbox,
    folder: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let (customers, folder) = customers().await;
        let mailbox = CapturedMailbox::new();
        let builder = builder(Customers::clone(&customers), folder.path()).await;
        let portcullis = builder
            .unwrap()
            .mailer(mailbox.clone())
            .hasher(Arc::new(CountingHasher::new()))
            .without_workers()
            .build()
            .await
            .unwrap();
        Self {
            app: app(portcullis.clone()),
            portcullis,
            mailbox,
            folder,
        }
    }

    /// The shop's own database, as the shop's other programs see it.
    fn database(&self) -> Connection {
        Connection::open(self.folder.path().join("shop.db")).unwrap()
    }

    async fn post(&self, path: &str, body: Value, cookie: Option<&str>) -> Response<Body> {
        let mut request = Request::post(path)
            .header(header::HOST, "127.0.0.1:3000")
            .header(header::ORIGIN, "http://127.0.0.1:3000")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.app.clone().oneshot(request).await.unwrap()
    }

    async fn me(&self, cookie: &str) -> (StatusCode, String) {
        let request = Request::get("/me").header(header::COOKIE, cookie);
        let request = request.body(Body::empty()).unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await;
        (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
    }

    /// Signs up, opens the link, signs in; the session cookie.
    async fn comes_in(&self) -> String {
        let who = json!({ "email": ADA, "password": PASSWORD });
        let answer = self.post("/auth/signup", who, None).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let browser = cookie_of(&answer);
        self.portcullis.run_due().await.unwrap();
        let token = self
            .mailbox
            .last_to(ADA)
            .unwrap()
            .token()
            .unwrap()
            .to_owned();
        let link = json!({ "token": token });
        let answer = self.post("/auth/signup/verify", link, Some(&browser)).await;
        assert!(answer.status().is_success(), "{}", answer.status());
        let who = json!({ "identifier": ADA, "password": PASSWORD });
        let answer = self.post("/auth/sign-in", who, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        cookie_of(&answer)
    }
}

fn cookie_of(answer: &Response<Body>) -> String {
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_customer_signs_up_under_a_number_of_the_shops() {
    let shop = Shop::open().await;
    let cookie = shop.comes_in().await;
    let (status, text) = shop.me(&cookie).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text, format!("Customer 1: {ADA}\n"));
    let points: i64 = shop
        .database()
        .query_row(
            "SELECT loyalty_points FROM customers WHERE number = 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(points, 0);
}

#[tokio::test]
async fn a_customer_of_many_years_signs_up_and_stays_who_they_are() {
    let shop = Shop::open().await;
    let tenant = shop.portcullis.default_tenant();
    let database = shop.database();
    database
        .execute(
            "INSERT INTO customers (number, shop, since, loyalty_points) VALUES (1998, ?, 0, 7)",
            [tenant.as_bytes()],
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO logins VALUES (?, 'email', ?, ?, 1998, 0)",
            rusqlite::params![tenant.as_bytes(), ADA, ADA],
        )
        .unwrap();
    let cookie = shop.comes_in().await;
    let (status, text) = shop.me(&cookie).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text, format!("Customer 1998: {ADA}\n"));
    let points: i64 = database
        .query_row("SELECT sum(loyalty_points) FROM customers", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(points, 7);
    assert_eq!(UserId::from_integer(1998).to_integer(), Some(1998));
}

#[test]
fn the_page_about_stores_shows_this_example() {
    let example = include_str!("main.rs");
    let from = example.find("/// The customers from").unwrap();
    let (shown, _) = example[from..].split_once("\n#[tokio::main]").unwrap();
    assert!(include_str!("../../../docs/adopting/own-store.md").contains(shown.trim_end()));
}
