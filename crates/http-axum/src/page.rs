//! The pages behind links in mail: no scripts, nothing loaded, nothing that leaves this origin.

use std::fmt::{self, Write as _};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::problem::Problem;

const STYLE: &str = include_str!("page.css");
/// Allows the one style above, by its hash, and forms to this origin alone (SECURITY HT-09, OT-10).
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'sha256-VM4FZISoSKyIhHLmSAf471sHf896738axGHLm8EzRj4='; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'",
);

/// The header says `no-referrer`. Under that, browsers send the form with `Origin: null`, and those that do not send
/// `Sec-Fetch-Site` besides would be refused. Under this they send the origin, and still never the path with the token.
const REFERRER: &str = "<meta name=\"referrer\" content=\"strict-origin\">";

/// Whether the page asks for a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskPassword {
    /// It may be given, by whoever opens the link in another browser.
    Optional,
    /// The link does not work without one here.
    Required,
}

/// The page that a link in a mail leads to. It changes nothing: its form does, when somebody sends it.
pub(crate) fn confirm(
    status: StatusCode,
    app: &str,
    token: &str,
    ask: AskPassword,
    note: Option<&str>,
) -> Response {
    let mut content = noted(note);
    let (required, label) = match ask {
        AskPassword::Optional => ("", "Choose a password, if you signed up in another browser"),
        AskPassword::Required => (" required", "Choose a password"),
    };
    push(
        &mut content,
        format_args!(
            "<form method=\"post\" action=\"verify\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
             <label>{label}<input type=\"password\" name=\"password\" autocomplete=\"new-password\"{required}></label>\
             <button>Confirm</button></form>",
            Escaped(token)
        ),
    );
    page(status, app, "Confirm your address", &content)
}

/// What the page behind a link offers: one button, which sends the token to where the page stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// What the page is called.
    pub(crate) title: &'static str,
    /// The last part of the path that the form goes to, which is the page's own.
    pub(crate) action: &'static str,
    /// What the button says.
    pub(crate) button: &'static str,
}

/// The page behind a link that needs nothing but a click. It changes nothing: its form does.
pub(crate) fn offer(app: &str, offer: Offer, token: &str) -> Response {
    let Offer {
        title,
        action,
        button,
    } = offer;
    let mut content = String::new();
    push(
        &mut content,
        format_args!(
            "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
             <button>{button}</button></form>",
            Escaped(token)
        ),
    );
    page(StatusCode::OK, app, title, &content)
}

/// The page of a link that sets a new password. It changes nothing: its form does, when somebody sends it.
pub(crate) fn choose_password(
    status: StatusCode,
    app: &str,
    token: &str,
    note: Option<&str>,
) -> Response {
    let mut content = noted(note);
    push(
        &mut content,
        format_args!(
            "<form method=\"post\" action=\"reset\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
             <label>New password<input type=\"password\" name=\"password\" autocomplete=\"new-password\" required>\
             </label><button>Set the password</button></form>",
            Escaped(token)
        ),
    );
    page(status, app, "Set a new password", &content)
}

/// The page that asks for the code from a mail.
pub(crate) fn enter_code(status: StatusCode, app: &str, note: Option<&str>) -> Response {
    let mut content = noted(note);
    content.push_str(
        "<p>If the address can be used, a mail with a code is on its way.</p>\
         <form method=\"post\" action=\"verify\"><label>The code from the mail\
         <input type=\"text\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" required autofocus>\
         </label><button>Sign in</button></form>",
    );
    page(status, app, "Sign in", &content)
}

fn noted(note: Option<&str>) -> String {
    let mut content = String::new();
    if let Some(note) = note {
        push(
            &mut content,
            format_args!("<p class=\"note\" role=\"alert\">{}</p>", Escaped(note)),
        );
    }
    content
}

/// What a page says when there is nothing more to do on it.
pub(crate) fn message(status: StatusCode, app: &str, title: &str, text: &str) -> Response {
    page(status, app, title, &format!("<p>{}</p>", Escaped(text)))
}

/// A refusal, for people.
pub(crate) fn problem(app: &str, problem: &Problem) -> Response {
    let code = problem.code();
    let mut response = message(
        code.status(),
        app,
        code.title(),
        problem.detail().unwrap_or("Nothing was changed."),
    );
    problem.apply_headers(response.headers_mut());
    response
}

fn page(status: StatusCode, app: &str, title: &str, content: &str) -> Response {
    let (title, app) = (Escaped(title), Escaped(app));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">{REFERRER}<title>{title} - {app}</title>\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1>{content}</main></body></html>"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, CSP);
    response
}

fn push(to: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _written = to.write_fmt(text);
}

/// Text in an element or a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                other => f.write_char(other),
            }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    // HT-09
    #[test]
    fn the_policy_allows_the_style_and_nothing_else() {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let allowed = format!("'sha256-{hash}'");
        assert!(
            CSP.to_str().unwrap().contains(&allowed),
            "style-src {allowed}"
        );
        assert!(!STYLE.contains('<') && !STYLE.contains("url("));
    }

    #[test]
    fn what_is_not_ours_is_escaped() {
        let hostile = "\"><script>'&";
        assert_eq!(
            Escaped(hostile).to_string(),
            "&quot;&gt;&lt;script&gt;&#39;&amp;"
        );
    }
}
