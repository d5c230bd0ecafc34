//! Faults of an operator's files: each names file, line, value and remedy, and ends with 78. And where secrets may be.

use super::house::{CONFIG, House, TREE};
use std::os::unix::fs::PermissionsExt;

const IMAP: &str = r#"
[[mailbox]]
name = "far"
queue = "support"
[mailbox.imap]
host = "imap.desk.example"
user = "support@desk.example"
password = { file = "secret" }
"#;

/// `check` with this configuration ends with 78, and says each of these on one line with the number of the line that holds `marked`.
#[track_caller]
fn refused(config: &str, marked: &str, said: &[&str]) {
    let house = House::with(config);
    let text = std::fs::read_to_string(house.path("ticketd.toml")).expect("the configuration");
    let line = text.lines().position(|l| l.contains(marked)).expect(marked) + 1;
    refused_at(&house, &format!("ticketd.toml:{line}: "), said);
}

#[track_caller]
fn refused_at(house: &House, place: &str, said: &[&str]) {
    for command in ["check", "list"] {
        let found = house.run(&[command]).expect(78).err;
        let line = found.lines().find(|l| l.contains(place));
        let line = line.unwrap_or_else(|| panic!("{place} is not named:\n{found}"));
        assert!(line.contains("; "), "no remedy: {line}");
        for words in said {
            assert!(line.contains(words), "{words} is not in: {line}");
        }
    }
}

fn with(lines: &str) -> String {
    CONFIG.replace("domain =", &format!("{lines}\ndomain ="))
}

#[test]
fn an_unknown_key_is_a_fault() {
    refused(&with("colour = 1"), "colour", &["colour"]);
    refused(&format!("{CONFIG}{IMAP}idle = true"), "idle", &["idle"]);
}

#[test]
fn a_value_of_another_type_is_a_fault() {
    refused(
        &with("hold_letters = \"yes\""),
        "hold_letters",
        &["yes", "boolean"],
    );
    refused(&with("mail_bytes_max = -1"), "mail_bytes_max", &["-1"]);
}

#[test]
fn an_escalation_that_reaches_nobody_or_everybody_is_a_fault() {
    for phone in [
        "call me",
        "071 000 00 00",
        "+41 71 000 00 0",
        "+41 71 abc 00 00",
        "+0 800 123 456",
        "+1 23",
    ] {
        let links = format!("{CONFIG}\n[links]\nphone = \"{phone}\"\n");
        refused(&links, "phone", &["is no telephone number", phone]);
    }
    for (address, wrong) in [
        ("hi at desk", "is no plain mail address"),
        ("Support@desk.example", "is the address of a queue"),
    ] {
        let links = format!("{CONFIG}\n[links]\nescalation_address = \"{address}\"\n");
        refused(&links, "escalation_address", &[wrong, address]);
    }
    for phone in [
        "",
        "+41 71 000 00 00",
        "+41710000000",
        "+49 (30) 1234-5678",
        "+1 212 555 0100",
    ] {
        let links =
            format!("[links]\nphone = \"{phone}\"\nescalation_address = \"hi@desk.example\"\n");
        House::with(&format!("{CONFIG}\n{links}"))
            .run(&["check"])
            .expect(0);
    }
}

#[test]
fn values_out_of_bounds_are_faults() {
    refused(
        &with("mail_bytes_max = 0"),
        "mail_bytes_max",
        &["0", "use 1 to"],
    );
    refused(
        &with("log = \"loud\""),
        "log",
        &["loud", "use one of error"],
    );
    refused(
        &format!("{CONFIG}{IMAP}poll_secs = 1"),
        "poll_secs",
        &["1", "use 5 to 900"],
    );
    refused(
        &CONFIG.replace("desk.example\"\ncontrol", "desk example\"\ncontrol"),
        "domain",
        &["desk example"],
    );
}

#[test]
fn a_bad_address_is_a_fault() {
    let config = CONFIG.replace("support@desk.example", "support(at)desk.example");
    refused(
        &config,
        "support(at)",
        &["support(at)desk.example", "local@domain.tld"],
    );
    let config = CONFIG.replace("[outgoing]", "[outgoing]\nbounce_address = \"nobody\"");
    refused(&config, "nobody", &["nobody", "null sender"]);
}

#[test]
fn an_unknown_queue_is_a_fault() {
    let config = CONFIG.replace("queue = \"support\"", "queue = \"suport\"");
    refused(
        &config,
        "suport",
        &["suport", "use one of support, security"],
    );
}

#[test]
fn two_of_one_name_are_a_fault() {
    let twice = format!(
        "{CONFIG}\n[[mailbox]]\nname = \"support\" # again\nqueue = \"support\"\nmaildir = \"in2\""
    );
    refused(
        &twice,
        "# again",
        &["mailbox \"support\" is there twice", "its own name"],
    );
    let twice =
        format!("{CONFIG}\n[[queue]]\nname = \"support\" # again\naddress = \"x@desk.example\"");
    refused(&twice, "# again", &["queue \"support\" is there twice"]);
    let twice = format!(
        "{CONFIG}\n[[queue]]\nname = \"other\"\naddress = \"Support@desk.example\" # again"
    );
    refused(
        &twice,
        "# again",
        &["Support@desk.example", "queue \"support\""],
    );
}

#[test]
fn a_password_in_the_clear_is_a_fault() {
    let far = format!("{CONFIG}{IMAP}tls = \"none\"");
    refused(&far, "name = \"far\"", &["imap.desk.example", "implicit"]);
    let starttls = format!("{CONFIG}{IMAP}tls = \"starttls\"");
    refused(&starttls, "name = \"far\"", &["starttls"]);
    let smtp = CONFIG.replace(
        "maildir = \"out\"",
        "[outgoing.smtp]\nhost = \"smtp.desk.example\"\ntls = \"none\"",
    );
    refused(&smtp, "[outgoing]", &["smtp.desk.example"]);
}

#[test]
fn a_password_in_the_configuration_is_a_fault() {
    let config = format!(
        "{CONFIG}{}",
        IMAP.replace("{ file = \"secret\" }", "\"hunter2\"")
    );
    let house = House::with(&config);
    let said = house.run(&["check"]).expect(78).err;
    assert!(
        said.contains("credential") && said.contains("file"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "the password is shown: {said}");
}

#[test]
fn acknowledging_the_authenticated_wants_somebody_who_says_so() {
    refused(
        &with("acknowledge = \"authenticated\""),
        "acknowledge",
        &["authserv_id", "\"all\""],
    );
    refused(
        &with("acknowledge = \"everybody\""),
        "acknowledge",
        &["everybody"],
    );
}

#[test]
fn since_wants_a_zone() {
    refused(
        &with("since = 2026-11-23T00:00:00"),
        "since",
        &["2026-11-23T00:00:00", "2026-11-23T00:00:00Z"],
    );
}

#[test]
fn neither_two_ways_nor_none() {
    let none = CONFIG.replace(
        "[[mailbox]]\nname = \"support\"",
        "[[mailbox]]\nname = \"support\" # here",
    );
    refused(
        &none.replace("maildir = \"in\"", ""),
        "# here",
        &["exactly one of imap and maildir"],
    );
    refused(
        &CONFIG.replace("maildir = \"out\"", ""),
        "[outgoing]",
        &["exactly one"],
    );
}

#[test]
fn a_missing_rules_folder_is_a_fault() {
    let house = House::with(&CONFIG.replace("\"RULES\"", "\"nowhere\""));
    refused_at(
        &house,
        "nowhere/contract.toml",
        &["cannot be read", "`rules`"],
    );
}

/// A copy of the shipped rules in which one file is changed.
fn rules_with(file: &str, change: impl FnOnce(String) -> String) -> House {
    let house = House::with(&CONFIG.replace("\"RULES\"", "\"rules\""));
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(format!("{TREE}/rules"))
        .arg(house.path("rules"))
        .status();
    assert!(copied.expect("cp").success());
    let name = format!("rules/{file}");
    let text = std::fs::read_to_string(house.path(&name)).expect("a rules file");
    house.write(&name, change(text));
    house
}

#[test]
fn faults_of_the_rules_folder_are_named_alike() {
    let house = rules_with("customers.toml", |t| {
        format!(
            "{t}\n[[customer]]\nid = \"x\"\nname = \"X\"\ndomains = [\"x.example\"]\ncolour = 1\n[[customer.subscription]]\nplan = \"extended-sla\"\n"
        )
    });
    refused_at(&house, "rules/customers.toml:", &["colour"]);
    let house = rules_with("mailboxes/1-severity.toml", |t| {
        t.replacen("severity_stated = 1", "severity_stated = 9", 1)
    });
    refused_at(&house, "rules/mailboxes/1-severity.toml:", &["9"]);
    let house = rules_with("mailboxes/1-severity.toml", |t| {
        t.replacen("matches = [", "matches = [\"nothing of the kind\", ", 1)
    });
    refused_at(
        &house,
        "rules/mailboxes/1-severity.toml:",
        &["nothing of the kind"],
    );
    let house = rules_with("letters/de/acknowledgement.txt", |t| {
        format!("{t}\n{{{{ colour }}}}\n")
    });
    refused_at(&house, "letters/de/acknowledgement.txt", &["colour"]);
}

#[test]
fn what_a_rule_names_must_be_there() {
    for (action, said) in [
        ("queue = \"sales-dach\"", "sales-dach"),
        ("assign = \"nobody\"", "nobody"),
        ("template = \"launch\"", "acknowledgement-launch.txt"),
        ("forward = \"orders\"", "no address"),
        ("forward = \"support@desk.example\"", "a queue's own"),
        (
            "forward = \"orders@partner.example\"\nfile = true",
            "not handed on",
        ),
    ] {
        let house = rules_with("mailboxes/3-request.toml", |t| {
            format!(
                "{t}\n[[rule]]\nbecause = \"an order\"\nsaid = 'order'\n{action}\nmatches = [\"order\"]\n"
            )
        });
        refused_at(&house, "rules/mailboxes/3-request.toml:", &[said]);
    }
    let house = rules_with("mailboxes/3-request.toml", |t| {
        format!(
            "{t}\n[[rule]]\nbecause = \"an order\"\nsaid = 'order'\ntemplate = \"launch\"\nforward = \"orders@partner.example\"\nmatches = [\"order\"]\n"
        )
    });
    house.write(
        "rules/letters/en/acknowledgement-launch.txt",
        "Subject: [#{{ ticket }}]\n\nThank you.\n",
    );
    house.run(&["check"]).expect(0);
}

#[test]
fn a_letter_to_ourselves_is_a_fault() {
    let house = rules_with("staff.toml", |t| {
        t.replacen("@vendor.example", "@desk.example", 1).replacen(
            "anna@desk.example",
            "support@desk.example",
            1,
        )
    });
    let said = house.run(&["check"]).expect(78).err;
    assert!(
        said.contains("support@desk.example") && said.contains("staff.toml"),
        "{said}"
    );
}

#[test]
fn a_queue_that_nobody_answers_for_is_a_fault() {
    for (queues, said) in [
        ("[\"support\"]", "nobody works on queue \"sales\"; add it"),
        (
            "[\"support\", \"sales\"]",
            "no manager works on queue \"sales\"",
        ),
    ] {
        let house = rules_with("staff.toml", |t| t.replacen("[\"support\"]", queues, 1));
        let config = std::fs::read_to_string(house.path("ticketd.toml")).expect("it");
        let queue = "[[queue]]\nname = \"sales\"\naddress = \"sales@desk.example\"\n";
        house.write("ticketd.toml", format!("{config}\n{queue}"));
        let found = house.run(&["check"]).expect(78).err;
        assert!(found.contains(said), "{found}");
    }
}

#[test]
fn a_password_file_is_its_owners_alone() {
    let near = IMAP.replace("imap.desk.example", "localhost");
    let house = House::with(&format!("{CONFIG}{near}port = 9\ntls = \"none\""));
    let secret = house.write("secret", "hunter2\n");
    let with_mode = |mode| {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).expect("a mode")
    };
    // Offline nothing is opened.
    with_mode(0o644);
    house.run(&["check"]).expect(0);
    let said = house.run(&["check", "--online"]).expect(78).err;
    assert!(
        said.contains("may be read by others") && said.contains("chmod 600"),
        "{said}"
    );
    let said = house.run(&["run"]).expect(78).err;
    assert!(
        said.contains("may be read by others") && said.contains("chmod 600"),
        "{said}"
    );
    // Read now, and nobody listens.
    with_mode(0o600);
    let said = house.run(&["check", "--online"]).expect(69).err;
    assert!(
        said.contains("mailbox far") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_credential_is_a_file_of_systemds_folder() {
    let near = IMAP
        .replace("imap.desk.example", "localhost")
        .replace("file = \"secret\"", "credential = \"imap\"");
    let house = House::with(&format!("{CONFIG}{near}port = 9\ntls = \"none\""));
    let said = house.run(&["check", "--online"]).expect(78).err;
    assert!(said.contains("LoadCredential=imap:"), "{said}");
    house.write("credentials/imap", "hunter2\n");
    let mut command = house.command(&["check", "--online"]);
    command.env("CREDENTIALS_DIRECTORY", house.path("credentials"));
    let said = super::house::finished(command, b"").expect(69).err;
    assert!(
        !said.contains("LoadCredential") && said.contains("mailbox far"),
        "{said}"
    );
}

#[test]
fn a_sent_folder_is_somebodys_and_no_queues() {
    let sent = |lines: &str| {
        format!("{CONFIG}\n[[mailbox]]\nname = \"sent\"\nmaildir = \"sent\"\n{lines}\n")
    };
    refused(
        &sent("queue = \"support\" # too\nsent_of = \"anna\""),
        "# too",
        &["a Sent folder has no queue", "either queue or sent_of"],
    );
    refused(&sent(""), "name = \"sent\"", &["names no queue"]);
    let house = House::with(&sent("sent_of = \"nobody\""));
    let found = house.run(&["check"]).expect(78).err;
    assert!(
        found.contains("\"nobody\" is nobody of staff.toml; use one of anna"),
        "{found}"
    );
}

#[test]
fn an_answer_to_a_reporter_has_a_term() {
    refused(
        &format!("{CONFIG}\n[security]\nanswer_within_hours = 0\n"),
        "answer_within_hours",
        &["0", "48 is the default"],
    );
}
