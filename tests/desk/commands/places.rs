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

/// Whatever stands before, around and in it: what a reader takes for a command never goes to a customer.
#[test]
fn d10_a_note_in_any_dress_holds_the_mail_back() {
    for dress in [
        "|Why|#note",
        "|Why |#note",
        "|#note",
        "| #note",
        "|Why\u{2502}#note",
        "1. #note",
        "1.2. #note",
        "1.) #note",
        "viii. #note",
        "1\u{fe0f}\u{20e3} #note",
        "\u{2460} #note",
        "1 #note",
        "10:02 #note",
        "- #note",
        "* #note",
        "- [ ] #note",
        "SC> #note",
        "\u{ff03}note",
        "\u{266f}note",
        "#\u{fe0f}\u{20e3} note",
        "\u{200b}#note",
        "\u{34f}#note",
        "\u{3164}#note",
        "#\u{200d}no\u{2060}te",
        "# note",
        "#\u{a0}note",
        "\u{a0}#note",
        "#note\u{a0}",
        "#Note:",
        "#NOTE",
        "#note-",
        "#note1",
        "#note:",
        "*#note*",
        "**#note**",
        "_#note_",
        "`#note`",
        "\"#note\"",
        "\u{201e}#note\u{201c}",
        "\\#note",
        "<#note>",
        "/#note",
        "\u{1f512} #note",
        "\u{2139}\u{fe0f} #note",
        "PS: #note",
        "P.S. #note",
        "All is well. #note",
        "Thanks \u{1f64f} #note",
        "All is well \u{2014} #note",
        "All is well, #note",
        "All is well;#note",
        "All is well (#note",
        "All is well. \"#note\"",
        "Dear customer,\u{2003}#note",
        "Dear customer\r#note",
    ] {
        let mut office = bakery(3);
        let body = format!("Dear customer\n\n{dress} she is tiresome\n");
        refused(
            &mut office,
            ANNA,
            &body,
            "#note stands below the first lines",
        );
        let outside = office.letters_outside();
        assert!(outside.iter().all(|l| !l.raw.contains("tiresome")));
    }
}

#[test]
fn d10_what_only_speaks_of_a_note_goes_out() {
    for words in [
        "See issue #12, it is the same.",
        "#hashtag",
        "It is all about #hashtags, #notes and #noteworthy things.",
        "In C# note the difference.",
        "C# note",
        "Use #note in your editor.",
        "Use \"#note\" or *#note* there, or the other one (#note).",
        "It knows #close, #note and #help.",
        "See https://docs.example/page#note and /page/#note, or page.html#note.",
        "1. See #12\n2) See C#\n3. Use #note in your editor",
        "# Summary\n\nAll is well.",
        "#1 is the fuse, #2 the cable.",
        "10:02 smoke\n10:03 fire #4",
        "#!/bin/sh",
        "color: #c0ffee",
        "#open-source is what we like.",
    ] {
        let mut office = bakery(3);
        let notice = office.last_to(ANNA);
        let body = format!("Dear customer\n\n{words}\n");
        office.receives(Post::from(ANNA).answering(&notice).body(&body));
        assert_eq!(
            office.relays().len(),
            1,
            "{words}: {}",
            office.last_to(ANNA).text()
        );
        let out = office.relays().remove(0);
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat(out.text()).contains(&flat(words)),
            "{words}: {}",
            out.text()
        );
    }
}

/// The words below it would go out as the answer.
#[test]
fn d10_a_note_in_what_stays_behind_holds_the_mail_back() {
    for (body, place) in [
        (
            "All is well.\n\n> #note\nshe is tiresome\n",
            "in a quotation",
        ),
        (
            "> #note she is tiresome\n\nAll is well.\n",
            "in a quotation",
        ),
        ("All is well.\n\n>#Note: tiresome\n", "in a quotation"),
        (
            "All is well.\n-- \n#note she is tiresome\n",
            "in the signature",
        ),
        (
            "All is well.\n-- \nAnna | #note tiresome\n",
            "in the signature",
        ),
    ] {
        refused(&mut bakery(3), ANNA, body, place);
    }
    // Behind a command of its own line the customer reads it as the reason.
    for line in [
        "#severity 2 fire #note tiresome",
        "#close done (#note tiresome",
    ] {
        refused(&mut bakery(3), ANNA, line, "#note stands beside #");
    }
    let mut office = bakery(3);
    // Our manual below an answer, as clients quote it, is no command; nor is what is quoted of a customer.
    for quoted in [
        "On Monday, Desk wrote:\n> Commands stand at the very top of the mail\n> #note TEXT: internal\n",
        "> | #note said the customer\n",
    ] {
        let notice = office.last_to(ANNA);
        let body = format!("All is well, {}.\n\n{quoted}", quoted.len());
        let before = office.relays().len();
        office.receives(Post::from(ANNA).answering(&notice).body(&body));
        assert_eq!(
            office.relays().len(),
            before + 1,
            "{quoted}: {}",
            office.last_to(ANNA).text()
        );
    }
}

/// Where the HTML shows a command: held back. Where nobody sees it, nothing of it goes anywhere.
#[test]
fn d10_a_note_anywhere_in_the_html_reaches_no_customer() {
    const WELL: &str = "All is well.";
    let held = [
        "<p>All is well.</p><details><summary>Why</summary>#note she is tiresome</details>",
        "<p>All is well.</p><details><summary>#note she is tiresome</summary></details>",
        "<p>All is well. <span style=\"display: block\">#note she is tiresome</span></p>",
        "<div><span style=\"display: block\">All is well</span>#note she is tiresome</div>",
        "<p>All is well.</p><img src=\"https://x.example/a.png\" alt=\"#note she is tiresome\">",
        "<p>All is well.</p><p>&#35;note she is tiresome</p>",
        "<p>All is well.</p><p>&nbsp;#note&nbsp;she is tiresome</p>",
        "<p>All is well.</p><p><b>#</b>note she is tiresome</p>",
        "<p>All is well.</p><ol><li>#note she is tiresome</li></ol>",
        "<p>All is well.</p><p>\u{1f512} #note she is tiresome</p>",
    ];
    let unseen = [
        "<p title=\"#note she is tiresome\">All is well.</p>",
        "<p>All is well.</p><p style=\"display:none\">#note she is tiresome</p>",
        "<p>All is well.</p><!-- #note she is tiresome -->",
        "<p>All is well.</p><p hidden>#note she is tiresome</p>",
        "<p aria-label=\"#note she is tiresome\">All is well.</p>",
    ];
    for (html, goes) in held
        .map(|h| (h, false))
        .into_iter()
        .chain(unseen.map(|h| (h, true)))
    {
        for plain in [WELL, ""] {
            let mut office = bakery(3);
            let notice = office.last_to(ANNA);
            let post = Post::from(ANNA).answering(&notice).html(plain, html);
            office.receives(post);
            assert_eq!(
                office.relays().len(),
                usize::from(goes),
                "{plain:?} {html}: {}",
                office.last_to(ANNA).text()
            );
            for letter in office.letters_outside() {
                let says = mail_says(&letter, "tiresome");
                assert!(!says, "{plain:?} {html}: {}", letter.raw);
            }
        }
    }
}

fn mail_says(letter: &Sent, words: &str) -> bool {
    let html = letter.mail.html.as_deref().unwrap_or_default();
    letter.text().contains(words) || html.contains(words) || letter.raw.contains(words)
}

/// What a client shows below the text as if it were of it, or makes of it for a calendar.
#[test]
fn d10_a_note_in_a_part_that_goes_along_holds_the_mail_back() {
    let calendar = "BEGIN:VCALENDAR\nMETHOD:PUBLISH\nBEGIN:VEVENT\nSUMMARY:Call\nDESCRIPTION:All is well.\\n#no\n te she is tiresome\nEND:VEVENT\nEND:VCALENDAR";
    let parts = [
        (
            "text/calendar; charset=utf-8",
            "",
            calendar,
            "in the calendar's part",
        ),
        (
            "text/calendar; charset=utf-8",
            "Content-Disposition: attachment; filename=call.ics\n",
            calendar,
            "in the calendar's part",
        ),
        (
            "text/plain; charset=utf-8",
            "Content-Disposition: inline; filename=why.txt\n",
            "Why:\n#note she is tiresome",
            "in a file that is shown below",
        ),
        (
            "text/plain; charset=utf-8",
            "Content-Disposition: inline\n",
            "#note she is tiresome",
            "below the first lines",
        ),
        (
            "text/plain; charset=utf-8",
            "",
            "#note she is tiresome",
            "below the first lines",
        ),
    ];
    for (media_type, header, content, place) in parts {
        let mut office = bakery(3);
        let notice = office.last_to(ANNA);
        office.receives(mixed(
            Post::from(ANNA).answering(&notice),
            media_type,
            header,
            content,
        ));
        assert!(office.relays().is_empty(), "{media_type} {header}");
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(said.says(place), "{media_type} {header}: {}", said.text());
    }
    // Files are what they are.
    let parts = [
        (
            "text/plain",
            "Content-Disposition: attachment; filename=a.conf\n",
            "# note: the port\n#note\nport = 1",
        ),
        (
            "text/plain",
            "Content-Disposition: inline; filename=a.conf\n",
            "# note: the port\n#time\nport = 1",
        ),
        (
            "text/calendar",
            "",
            "BEGIN:VCALENDAR\nMETHOD:PUBLISH\nSUMMARY:Call about #12\nEND:VCALENDAR",
        ),
    ];
    for (media_type, header, content) in parts {
        let mut office = bakery(3);
        let notice = office.last_to(ANNA);
        office.receives(mixed(
            Post::from(ANNA).answering(&notice),
            media_type,
            header,
            content,
        ));
        assert_eq!(
            office.relays().len(),
            1,
            "{content}: {}",
            office.last_to(ANNA).text()
        );
    }
}

/// An answer with a second part.
fn mixed(post: Post, media_type: &str, header: &str, content: &str) -> Post {
    let body = format!(
        "--m\nContent-Type: text/plain; charset=utf-8\n\nAll is well.\n--m\nContent-Type: {media_type}\n{header}\n{content}\n--m--\n"
    );
    post.with("MIME-Version: 1.0")
        .with("Content-Type: multipart/mixed; boundary=m")
        .body(&body)
}

#[test]
fn d10_at_the_very_top_a_command_is_carried_out_however_it_is_spelt() {
    for line in [
        "#note she is tiresome",
        "#Note: she is tiresome",
        "#NOTE she is tiresome",
        "\u{a0}#note she is tiresome",
        "\u{feff}#note she is tiresome",
        "\u{200b}#note\u{a0}she is tiresome",
        "\n\n  #note\nshe is tiresome",
    ] {
        let mut office = bakery(3);
        office.answers(ANNA, line);
        assert!(
            office.recorded(1, "she is tiresome"),
            "{line:?}: {}",
            office.last_to(ANNA).text()
        );
        assert!(office.relays().is_empty(), "{line:?}");
    }
}

/// A command that takes no text ends with its line, and blank lines may stand between two: what follows them is carried out, and what follows all is the answer.
#[test]
fn d10_blank_lines_may_stand_between_commands() {
    for blank in ["\n", "\n\n", " \u{a0}\n\t\n"] {
        let mut office = bakery(3);
        let body = format!("#take\n{blank}#severity 2 a workaround\n{blank}Dear Alice\n\nWait.\n");
        done(&mut office, ANNA, &body);
        let ticket = office.ticket(1);
        assert_eq!(
            (ticket.assignee.as_deref(), ticket.severity),
            (Some("anna"), 2),
            "{blank:?}"
        );
        let relay = office.relays().pop().expect("an answer");
        assert_eq!(relay.text().trim(), "Dear Alice\n\nWait.", "{blank:?}");
    }
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
