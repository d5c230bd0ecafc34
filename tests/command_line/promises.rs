//! What was promised to a ticket does not change under it: `check`, a start and a reload refuse it alike.

use super::house::{CONFIG, House, TREE, mail, until};
use std::process::Command;

const SHORTER: &str = "Mo-Fr 09:00-17:00; PH off";

/// With a copy of the shipped rules, and one ticket promised by them.
fn house_with_a_ticket() -> House {
    let house = House::with(&CONFIG.replace("\"RULES\"", "\"rules\""));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{TREE}/rules"))
        .arg(house.path("rules"))
        .status();
    assert!(copied.expect("cp").success());
    let taken = house.run_with(&["receive", "-"], mail(1).as_bytes());
    taken.expect(0);
    house
}

/// Changes a file, and puts it back.
fn meanwhile(house: &House, file: &str, change: impl Fn(&str) -> String, work: impl FnOnce()) {
    let right = std::fs::read_to_string(house.path(file)).expect("a file");
    let other = change(&right);
    assert_ne!(right, other, "nothing is changed");
    house.write(file, other);
    work();
    house.write(file, right);
}

fn shorter_hours(contract: &str) -> String {
    contract.replace("Mo-Fr 08:00-17:00; PH off", SHORTER)
}

#[test]
fn a_text_changed_under_an_old_date_is_refused_before_it_counts() {
    let house = house_with_a_ticket();
    house.run(&["check"]).expect(0);
    meanwhile(&house, "rules/contract.toml", shorter_hours, || {
        for command in ["check", "list", "run"] {
            let said = house.run(&[command]).expect(78).err;
            for words in [
                "rules/contract.toml:11: ",
                SHORTER,
                "ticket 1 was promised",
                "new valid_from",
            ] {
                assert!(said.contains(words), "{command}: {said}");
            }
        }
    });
    house.run(&["check"]).expect(0);
    // It is nothing that an operator could get past by letting another command journal it.
    assert_eq!(house.run(&["list", "--json"]).expect(0).objects().len(), 1);

    let daemon = house.daemon();
    house.run(&["check"]).expect(0);
    meanwhile(&house, "rules/contract.toml", shorter_hours, || {
        let said = house.run(&["check"]).expect(78).err;
        assert!(said.contains("rules/contract.toml:11: "), "{said}");
        daemon.signal("HUP");
        until("the reload is refused", || {
            let log = daemon.log();
            log.contains("not reloaded, the old files stay in force: ") && log.contains(SHORTER)
        });
    });
    assert!(daemon.end().success());
}

#[test]
fn a_version_still_to_come_is_taken() {
    let house = house_with_a_ticket();
    let contract = std::fs::read_to_string(house.path("rules/contract.toml")).expect("a contract");
    let next =
        shorter_hours(&contract).replace("valid_from = 2022-06-14", "valid_from = 2090-01-01");
    house.write("rules/contract.toml", format!("{contract}\n{next}"));
    house.run(&["check"]).expect(0);
    house.run(&["list"]).expect(0);
}

#[test]
fn c4_6_an_order_that_goes_on_behind_its_term_is_named_by_check() {
    let house = house_with_a_ticket();
    let over = |customers: &str| {
        let shipped = "term = { from = 2026-04-01, until = 2027-03-31 }";
        customers.replace(shipped, "term = { from = 2021-04-01, until = 2022-03-31 }")
    };
    let named = "the term of customer \"baeckerei\" on plan \"extended-sla\" ended on 2022-03-31";
    meanwhile(&house, "rules/customers.toml", over, || {
        let said = house.run(&["check"]).expect(0).err;
        assert!(said.contains(named), "{said}");
    });
    let ended = |customers: &str| {
        let order = "plan = \"extended-sla\"\nterm = { from = 2021";
        over(customers).replace(
            order,
            &order.replace("term", "valid_until = 2022-03-31\nterm"),
        )
    };
    meanwhile(&house, "rules/customers.toml", ended, || {
        let said = house.run(&["check"]).expect(0).err;
        assert!(!said.contains(named), "{said}");
    });
}

#[test]
fn a_check_without_a_record_or_with_one_that_crashed_says_what_it_did_not_compare() {
    House::new().run(&["check"]).expect(0);
    let house = house_with_a_ticket();
    std::fs::remove_file(house.path("state/index.clean")).expect("a mark");
    meanwhile(&house, "rules/contract.toml", shorter_hours, || {
        let said = house.run(&["check"]).expect(0).err;
        assert!(said.contains("not closed cleanly"), "{said}");
        house.run(&["list"]).expect(78);
    });
}

#[test]
fn a_queue_is_made_confidential_by_a_restart_and_not_by_a_reload() {
    let house = house_with_a_ticket();
    let daemon = house.daemon();
    let confidential = |config: &str| {
        config.replace(
            "address = \"support@desk.example\"\n",
            "address = \"support@desk.example\"\nconfidential = true\n",
        )
    };
    meanwhile(&house, "ticketd.toml", confidential, || {
        daemon.signal("HUP");
        until("the reload is refused", || {
            daemon.log().contains("queue \"support\" is confidential now, which no reload can bring about; restart ticketd")
        });
        assert!(daemon.end().success());
        // The index is made anew: what was in it of this queue is not there any more.
        let daemon = house.daemon();
        until("it says so", || {
            daemon.log().contains("other queues are confidential now")
        });
        assert!(daemon.end().success());
    });
}
