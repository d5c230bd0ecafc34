//! Mails that we wrote ourselves, named by their quirk, with what must be seen in them.
//!
//! `tests/cases/<area>/<quirk>.eml` stands beside `<quirk>.json`: a part of what `ticketd inspect --json` prints. A string there must be equal, a list must hold
//! each of its items, an object each of its members; `"text ~"` must be contained in `text`, and `"text !~"` must not.

use serde_json::Value;
use std::path::{Path, PathBuf};
use ticketd::{mail, ops, rules};

#[test]
fn every_case_is_seen_as_it_says() {
    let cases = cases(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases"
    )));
    assert!(!cases.is_empty(), "no cases");
    let wrong: Vec<String> = cases.iter().flat_map(|case| wrong_in(case)).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of cases") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "eml")
                && path.with_extension("json").exists()
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn wrong_in(case: &Path) -> Vec<String> {
    let raw = std::fs::read(case).expect("a mail");
    let wanted = std::fs::read_to_string(case.with_extension("json")).expect("an expectation");
    let wanted: Value =
        serde_json::from_str(&wanted).unwrap_or_else(|e| panic!("{}: {e}", case.display()));
    let found = seen(raw);
    let name = case
        .strip_prefix(env!("CARGO_MANIFEST_DIR"))
        .unwrap_or(case)
        .display();
    let Value::Object(members) = wanted else {
        return vec![format!("{name}: no object")];
    };
    members
        .iter()
        .filter(|(field, value)| !holds(&found, field, value))
        .map(|(field, value)| {
            let bare = field.split(' ').next().unwrap_or(field);
            format!(
                "{name}: {field}: wanted {value}, found {}",
                found.get(bare).unwrap_or(&Value::Null)
            )
        })
        .collect()
}

/// As `inspect` sees it, on the stack that the daemon gives to reading.
fn seen(raw: Vec<u8>) -> Value {
    let thread = std::thread::Builder::new().stack_size(mail::parse::STACK_BYTES);
    let reading = thread.spawn(move || {
        let mail = mail::read(&raw);
        let trust = mail::sender::trust(&mail, None);
        let mut value = ops::inspect::as_value("", &mail, &trust, &rules::Verdict::default());
        // What inspect does not print but others rely on.
        value["html"] = mail.html.clone().into();
        value["reports"] = mail
            .reports
            .iter()
            .map(|r| format!("{}: {}", r.media_type, r.text))
            .collect();
        value["thread_index"] = mail.thread_index.clone().into();
        value["to"] = serde_json::json!(mail.to);
        value["cc"] = serde_json::json!(mail.cc);
        value["author"] = mail::sender::author(&mail).into();
        let contents = mail
            .attachments
            .iter()
            .map(|a| mail::parse::part_content(&raw, a.part));
        value["contents"] = contents
            .map(|c| String::from_utf8_lossy(&c).into_owned())
            .collect();
        value
    });
    reading.expect("a thread").join().expect("no panic")
}

fn holds(found: &Value, field: &str, wanted: &Value) -> bool {
    let (bare, how) = field.split_once(' ').unwrap_or((field, "="));
    let found = found.get(bare).unwrap_or(&Value::Null);
    let contains = |w: &str| match found {
        Value::String(text) => text.contains(w),
        Value::Array(items) => items
            .iter()
            .any(|i| i.as_str().is_some_and(|i| i.contains(w))),
        _ => false,
    };
    let each = |test: &dyn Fn(&str) -> bool| match wanted {
        Value::Array(all) => all.iter().all(|w| w.as_str().is_some_and(test)),
        Value::String(w) => test(w),
        _ => false,
    };
    match how {
        "~" => each(&contains),
        "!~" => each(&|w| !contains(w)),
        "count" => found.as_array().map(Vec::len) == wanted.as_u64().map(|n| n as usize),
        _ => part_of(wanted, found),
    }
}

fn part_of(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|f| part_of(value, f))),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() <= found.len()
                && wanted.iter().all(|w| found.iter().any(|f| part_of(w, f)))
        }
        (Value::String(wanted), Value::String(found)) => wanted.trim() == found.trim(),
        _ => wanted == found,
    }
}
