//! A mail as it goes over the wire (RFC 5322), for the mailers that speak it.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use portcullis_core::mail::{Mail, MailError};

/// The longest line of 7bit text (RFC 5322 section 2.1.1).
const LINE_MAX_BYTES: usize = 998;

/// Text, and HTML beside it where there is any. Everything follows from the mail: the same mail again is the same
/// message, with the same Message-ID.
pub(super) fn message(from: &Mailbox, mail: &Mail) -> Result<Message, MailError> {
    let builder = Message::builder()
        .from(from.clone())
        .to(mail.to.parse().map_err(MailError::permanent)?)
        .subject(mail.subject.as_str())
        .date(date(mail))
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())));
    let text = part(ContentType::TEXT_PLAIN, mail.text.expose());
    let built = match &mail.html {
        None => builder.singlepart(text),
        Some(html) => builder.multipart(
            MultiPart::builder()
                .kind(MultiPartKind::Alternative)
                .boundary(format!("part-{}", mail.id))
                .singlepart(text)
                .singlepart(part(ContentType::TEXT_HTML, html.expose())),
        ),
    };
    built.map_err(MailError::permanent)
}

/// The builder alone would wrap a long link as quoted-printable; 7bit keeps it on its line.
fn part(kind: ContentType, text: &str) -> SinglePart {
    let fits = text.is_ascii() && text.split("\r\n").all(|line| line.len() <= LINE_MAX_BYTES);
    let body = match fits {
        true => {
            Body::dangerous_pre_encoded(text.as_bytes().to_vec(), ContentTransferEncoding::SevenBit)
        }
        false => Body::new(text.to_owned()),
    };
    SinglePart::builder().header(kind).body(body)
}

/// When it was queued.
fn date(mail: &Mail) -> SystemTime {
    let micros = u64::try_from(mail.queued_at.as_micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_micros(micros))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use portcullis_core::id::{MailId, TenantId};
    use portcullis_core::mail::MailTemplate;
    use portcullis_core::secret::SecretText;
    use portcullis_core::time::Timestamp;

    use super::*;

    fn mail(to: &str, text: &str, html: Option<&str>) -> Mail {
        Mail {
            id: MailId::from_integer(1),
            tenant: TenantId::from_integer(1),
            template: MailTemplate::VerifyEmail,
            queued_at: Timestamp::from_micros(1_700_000_000_000_000),
            to: to.to_owned(),
            subject: "Grüße".to_owned(),
            text: SecretText::new(text),
            html: html.map(SecretText::new),
        }
    }

    fn written(mail: &Mail) -> String {
        let from = "portcullis <p@auth.example>".parse().unwrap();
        String::from_utf8(message(&from, mail).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_link_stays_on_one_line() {
        let token = "x".repeat(120);
        let link = format!("https://auth.example.com/auth/signup/verify?token={token}");
        let text = written(&mail(
            "ada@example.com",
            &format!("Open\r\n\r\n{link}\r\n"),
            None,
        ));
        assert!(text.lines().any(|line| line == link), "{text}");
        assert!(text.contains("To: ada@example.com"), "{text}");
    }

    #[test]
    fn a_mail_names_itself_and_its_time_and_has_text_before_html() {
        let mail = mail("ada@example.com", "text\r\n", Some("<p>html</p>\r\n"));
        let text = written(&mail);
        assert_eq!(text, written(&mail), "again, it is the same");
        for expected in [
            format!("Message-ID: <{}@auth.example>\r\n", mail.id),
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n".to_owned(),
            "Subject: =?utf-8?b?".to_owned(),
            "Content-Type: multipart/alternative;".to_owned(),
        ] {
            assert!(text.contains(&expected), "{expected}: {text}");
        }
        let at = |part: &str| text.find(part).unwrap();
        assert!(at("text/plain") < at("text/html"));
    }

    // LG-03
    #[test]
    fn an_address_cannot_add_headers() {
        let from: Mailbox = "p <p@localhost>".parse().unwrap();
        for to in ["ada@example.com\r\nBcc: eve@example.com", "", "a@b, c@d"] {
            let error = message(&from, &mail(to, "x", None)).unwrap_err();
            assert!(error.is_permanent(), "{to:?}");
        }
        let mut subject = mail("ada@example.com", "x", None);
        subject.subject = "a\r\nBcc: eve@example.com".to_owned();
        assert!(!written(&subject).contains("\nBcc:"));
    }
}
