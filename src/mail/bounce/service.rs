//! Notifications of mail services: Amazon SES sends its events as JSON, by mail through SNS when nobody has set up anything better.

use super::{Bounce, Fate, Told};
use crate::mail::Mail;
use serde_json::Value;

/// An event about a mail, as a service tells it.
pub(in crate::mail) enum Event {
    /// A delivery and its fate.
    Delivery(Told),
    /// A recipient calls it spam.
    Complaint,
}

/// Larger notifications are not read; SNS has a limit of 256 KiB.
const JSON_BYTES_MAX: usize = 256 * 1024;

/// The event in the mail's text, if that is one JSON object of SES or one of SNS around it.
pub(in crate::mail) fn event(mail: &Mail) -> Option<Event> {
    let text = mail.text.trim_start();
    if !text.starts_with('{') || text.len() > JSON_BYTES_MAX || !text.contains("otificationType") {
        return None;
    }
    // Mailers wrap the long lines of the object inside its strings; a line end is never part of one.
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let mut objects = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let outer = objects.next()?.ok()?;
    let inner = outer.get("Message").and_then(Value::as_str);
    let event = match inner {
        Some(inner) => serde_json::from_str(inner).ok()?,
        None => outer,
    };
    match event.get("notificationType")?.as_str()? {
        "Complaint" => Some(Event::Complaint),
        "Bounce" => Some(Event::Delivery(bounced(&event, mail))),
        "Delivery" => Some(Event::Delivery(Told {
            fate: Fate::Delivered,
            because: "Amazon SES: Delivery".into(),
            bounce: Bounce::default(),
        })),
        _ => None,
    }
}

fn bounced(event: &Value, mail: &Mail) -> Told {
    let bounce = &event["bounce"];
    let concerned = bounce["bouncedRecipients"].as_array();
    let concerned = concerned.map(Vec::as_slice).unwrap_or_default();
    let recipients = concerned
        .iter()
        .filter_map(|r| r["emailAddress"].as_str())
        .take(super::RECIPIENTS_MAX)
        .map(str::to_ascii_lowercase)
        .collect();
    let class = bounce["bounceType"].as_str().unwrap_or_default();
    let status = concerned
        .iter()
        .find_map(|r| r["status"].as_str())
        .map(str::to_string)
        .or_else(|| (class == "Transient").then(|| "4.0.0".to_string()))
        .or_else(|| Some("5.0.0".into()));
    let mut bounce = Bounce::new(Fate::Failed, recipients, status, mail);
    bounce.original_message_id = event["mail"]["commonHeaders"]["messageId"]
        .as_str()
        .map(|id| super::bare_id(id).to_string())
        .or(bounce.original_message_id);
    Told {
        fate: Fate::Failed,
        because: format!("Amazon SES: Bounce, {class}"),
        bounce,
    }
}
