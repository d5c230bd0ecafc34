//! Where commands stand, and who may give them (ATTACKS.md A08, D10; issue 5, points 2 and 3).

use super::*;
use ticketd::desk::command::{Road, VERBS};
use ticketd::desk::record::EntryKind;

#[test]
fn d10_each_verb_below_the_first_lines_holds_the_mail_back() {
    let mut office = bakery(3);
    let by_mail = VERBS.iter().filter(|v| v.road != Road::Line);
    for (verb, dress) in by_mail.zip(["#", "- #", "*#"].iter().cycle()) {
        let body = format!("Dear customer\n\n{dress}{} x\n", verb.name);
        refused(&mut office, ANNA, &body, "stands below the first lines");
    }
}

#[test]
fn d10_a_command_in_a_list_or_after_an_odd_end_of_a_line_holds_the_mail_back() {
    let mut office = bakery(3);
    for dress in [
        "1. #",
        "12) #",
        "a) #",
        "\u{ff03}",
        "Dear customer\u{2028}#",
        "Dear customer\u{85}#",
    ] {
        let body = format!("Dear customer\n\n{dress}note she is tiresome\n");
        refused(&mut office, ANNA, &body, "stands below the first lines");
    }
    let wide = "Dear customer\n\n\u{ff03}\u{ff4e}\u{ff4f}\u{ff54}\u{ff45} she is tiresome\n";
    refused(&mut office, ANNA, wide, "stands below the first lines");
    // A list of what to do, and a number, are text.
    let notice = office.last_to(ANNA);
    let body = "Dear customer\n\n1. restart it\n2) see #12 and C#\n3. Use #note in your editor\n";
    office.receives(Post::from(ANNA).answering(&notice).body(body));
    assert_eq!(office.relays().len(), 1);
}

#[test]
fn d10_an_answer_from_a_shell_holds_no_command() {
    let mut office = bakery(3);
    for line in [
        "reply #note she is tiresome",
        "reply Dear customer\n#note she is tiresome",
    ] {
        let said = shell(&mut office, "anna", 1, line);
        assert!(said.refused && !said.changed, "{:?}", said.reply);
        assert!(said.reply[0].contains("#note stands"), "{:?}", said.reply);
    }
    assert!(office.relays().is_empty());
}

#[test]
fn d10_a_command_that_only_the_html_shows_holds_the_mail_back() {
    for verb in VERBS.iter().filter(|v| v.road != Road::Line) {
        let mut office = bakery(3);
        let notice = office.last_to(ANNA);
        let html = format!("<p>#{} x</p><p>Dear customer, all is well.</p>", verb.name);
        let post = Post::from(ANNA)
            .answering(&notice)
            .html("Dear customer, all is well.", &html);
        office.receives(post);
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(
            said.says("stands only in the HTML part"),
            "{}: {}",
            verb.name,
            said.text()
        );
        assert!(office.relays().is_empty());
    }
}

#[test]
fn d10_a_command_in_a_cell_or_on_a_new_page_holds_the_mail_back() {
    let cell = "<p>Dear customer, all is well.</p><table><tr><td>Why</td><td>#note the fuse</td></tr></table>";
    let both = "Dear customer, all is well.\n\nWhy\t#note the fuse";
    for (plain, html) in [
        ("Dear customer, all is well.", cell),
        (both, cell),
        ("", cell),
        ("Dear customer, all is well.\u{c}#note the fuse", ""),
        ("Dear customer, all is well.\u{b}#note the fuse", ""),
    ] {
        let mut office = bakery(3);
        let notice = office.last_to(ANNA);
        let post = Post::from(ANNA).answering(&notice);
        office.receives(match html {
            "" => post.body(plain),
            html => post.html(plain, html),
        });
        assert!(office.relays().is_empty(), "{plain:?} {html}");
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(said.says("#note stands"), "{plain:?}: {}", said.text());
    }
}

#[test]
fn d10_a_command_in_a_table_of_plain_text_holds_the_mail_back() {
    for row in [
        "Why\t#note she is tiresome",
        "Why\t\t#note she is tiresome\twhen",
        "\tWhy\t- #note: she is tiresome",
        "Why  #note she is tiresome",
        "Why      *#note* she is tiresome",
        "Why\u{a0}\u{a0}#note she is tiresome",
        "Why \u{2003}#note she is tiresome",
        "Why|#note she is tiresome",
        "| #note she is tiresome | when |",
        "|Why|#note she is tiresome|",
        "\u{2502} Why \u{2502} #note she is tiresome \u{2502}",
        "Why\t\u{ff03}note she is tiresome",
        "1.\t#note she is tiresome",
        "#hashtag\t#12\t#note she is tiresome",
    ] {
        let mut office = bakery(3);
        let body = format!("Dear customer\n\n{row}\n");
        refused(
            &mut office,
            ANNA,
            &body,
            "#note stands below the first lines",
        );
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(said.says("#severity [corrected]"), "the manual");
    }
    let mut office = bakery(3);
    // In the line of another command the customer might read it as a reason.
    for line in [
        "#severity 2 half of them\t#note tiresome",
        "#close done  #note tiresome",
    ] {
        let body = format!("{line}\n\nDear customer\n");
        refused(&mut office, ANNA, &body, "#note stands beside #");
    }
    assert!(
        office
            .letters_outside()
            .iter()
            .all(|l| !l.raw.contains("tiresome"))
    );
    // What only looks like one holds nothing back; nor do the customer's own words.
    let body = "Dear customer\n\nissue #12\tC#\t# 3\t#hashtag\t#notes\nSee #12.  #42 is  # 7\nUse #note, C# and |#\n| 10:02   #close the door\n> 10:02\t#close it\n";
    let notice = office.last_to(ANNA);
    office.receives(Post::from(ANNA).answering(&notice).body(body));
    assert_eq!(office.relays().len(), 1, "{}", office.last_to(ANNA).text());
    // What stands beside a note belongs to it.
    let notice = office.last_to(ANNA);
    let body = "#note see  #close\n";
    office.receives(Post::from(ANNA).answering(&notice).body(body));
    assert!(office.recorded(1, "see  #close"));
}

#[test]
fn a08_a_reader_and_who_is_of_another_queue_may_do_nothing() {
    let mut office = bakery(3);
    for who in ["eva", "dario"] {
        let said = shell(&mut office, who, 1, "take");
        assert!(said.refused && !said.changed, "{:?}", said.reply);
        assert!(said.reply[0].contains("may not act"), "{:?}", said.reply);
    }
    let said = shell(&mut office, "zoe", 1, "take");
    assert!(
        said.refused && said.reply[0].contains("nobody of the staff"),
        "{:?}",
        said.reply
    );
    assert!(shell(&mut office, "anna", 99, "take").refused);
}

#[test]
fn what_a_manager_alone_may_do_staff_and_operator_may_not() {
    for line in ["severity corrected 2 facts", "escalate withdraw solved"] {
        let mut office = bakery(3);
        for by in ["anna", "operator"] {
            let said = shell(&mut office, by, 1, line);
            assert!(
                said.refused && said.reply[0].contains("is for a manager"),
                "{:?}",
                said.reply
            );
        }
    }
}

#[test]
fn the_operator_names_whoever_speaks_for_us() {
    let mut office = bakery(3);
    for line in [
        "take",
        "watch",
        "answered phone 09:00 all",
        "template consulting",
        "reply Hello",
    ] {
        let said = shell(&mut office, "operator", 1, line);
        assert!(
            said.refused && said.reply[0].contains("--by"),
            "{line}: {:?}",
            said.reply
        );
    }
    shell(
        &mut office,
        "anna",
        1,
        "reply Try another socket.\n\nRegards",
    );
    assert_eq!(
        office.relays()[0].text().trim(),
        "Try another socket.\n\nRegards"
    );
    assert!(!office.initial(1).is_running());
}

/// A replayed mail acts once (A10).
#[test]
fn a10_a_command_acts_once_however_often_its_mail_comes() {
    let mut office = bakery(3);
    let notice = office.last_to(ANNA);
    let raw = Post::from(ANNA)
        .answering(&notice)
        .body("#time 45m\n")
        .raw(700);
    for _ in 0..3 {
        office.takes("support", raw.clone());
    }
    assert_eq!(office.count(1, EntryKind::Command), 1);
}

#[test]
fn d10_far_down_in_the_html_too() {
    let mut office = bakery(3);
    let notice = office.last_to(ANNA);
    let text = "All is well. ".repeat(300);
    let html = format!("<p>{text}</p><p>#note she is tiresome</p>");
    let post = Post::from(ANNA).answering(&notice).html(&text, &html);
    office.receives(post);
    assert!(office.relays().is_empty());
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(said.says("stands only in the HTML part"), "{}", said.text());
    // A keyboard's small mark.
    let body = "Dear customer\n\n\u{fe5f}note she is tiresome\n";
    refused(&mut office, ANNA, body, "stands below the first lines");
}
