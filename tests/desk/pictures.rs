//! Pictures in an answer of the staff, from their mail client to the customer's.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::mail::html;
use ticketd::mail::parse::part_content;

/// A part with a file: type, name, Content-ID, content.
type Part<'a> = (&'a str, &'a str, &'a str, &'a str);

const SHOT: Part = (
    "image/png",
    "image001.png",
    "image001.png@01D9F3C0.8A7B6C50",
    "the screenshot",
);

fn answer(plain: &str, html: &str, related: &[Part], mixed: &[Part]) -> Post {
    let part = |boundary: &str, how: &str, (media_type, name, id, content): &Part| {
        let id = match *id {
            "" => String::new(),
            id => format!("Content-ID: <{id}>\n"),
        };
        format!(
            "--{boundary}\nContent-Type: {media_type}; name=\"{name}\"\nContent-Disposition: {how}; filename=\"{name}\"\n{id}\n{content}\n"
        )
    };
    let pictures: String = related.iter().map(|p| part("r", "inline", p)).collect();
    let files: String = mixed.iter().map(|p| part("m", "attachment", p)).collect();
    let plain = match plain {
        "" => String::new(),
        plain => format!("--a\nContent-Type: text/plain; charset=utf-8\n\n{plain}\n"),
    };
    let body = format!(
        "--m\nContent-Type: multipart/alternative; boundary=a\n\n{plain}--a\nContent-Type: multipart/related; boundary=r; type=\"text/html\"\n\n--r\nContent-Type: text/html; charset=utf-8\n\n{html}\n{pictures}--r--\n--a--\n{files}--m--\n"
    );
    Post::from(ANNA)
        .with("MIME-Version: 1.0")
        .with("Content-Type: multipart/mixed; boundary=m")
        .body(&body)
}

fn office() -> Office {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    office
}

/// Anna answers with it; what the customer gets.
fn relayed(office: &mut Office, post: Post) -> Sent {
    let notice = office.last_of(ANNA, LetterKind::Notice);
    office.receives(post.answering(&notice));
    let relay = office.relays().pop();
    relay.unwrap_or_else(|| panic!("{}", office.last_to(ANNA).raw))
}

/// Name, whether it is shown in the HTML by its id, and content of each enclosure.
fn enclosures(letter: &Sent) -> Vec<(String, bool, String)> {
    let page = letter.mail.html.clone().unwrap_or_default();
    let files = letter.mail.attachments.iter().map(|a| {
        let id = a.content_id.as_deref();
        let is_shown = id.is_some_and(|id| page.contains(&format!("src=\"cid:{id}\"")));
        assert_eq!(is_shown, id.is_some(), "{id:?} in {page}");
        let content = part_content(letter.raw.as_bytes(), a.part);
        let content = String::from_utf8_lossy(&content).into_owned();
        (a.name.clone(), is_shown, content)
    });
    files.collect()
}

fn one(name: &str, is_shown: bool, content: &str) -> (String, bool, String) {
    (name.into(), is_shown, content.into())
}

#[test]
fn a_picture_stays_where_it_stands_in_the_answer() {
    let mut office = office();
    let post = answer(
        "Press this:\n\n[cid:image001.png@01D9F3C0.8A7B6C50]\n\nOn Monday, Desk wrote:\n> The printer\n",
        "<html><body><p>Press <b>this</b>:</p><p><img width=\"640\" src=\"cid:image001.png@01D9F3C0.8A7B6C50\" alt=\"A printer\"></p><div class=gmail_quote>On Monday, Desk wrote:<blockquote>The printer</blockquote></div></body></html>",
        &[SHOT],
        &[("text/plain", "log.txt", "", "the log")],
    );
    let relay = relayed(&mut office, post);
    assert_eq!(
        enclosures(&relay),
        [
            one("image001.png", true, "the screenshot"),
            one("log.txt", false, "the log")
        ]
    );
    assert_eq!(
        relay.text().trim(),
        "Press this:\n\n[image: image001.png]",
        "no id, and a hint"
    );
    let page = relay.mail.html.clone().expect("HTML");
    let id = format!(
        "cid:{}",
        relay.mail.attachments[0].content_id.clone().expect("an id")
    );
    assert!(id.ends_with("@desk.example"), "{id}");
    assert!(
        page.contains(&format!(
            "<p>Press <b>this</b>:</p><p><img src=\"{id}\" alt=\"image001.png\" width=\"640\"></p>"
        )),
        "{page}"
    );
    for foreign in ["01D9", "A printer"] {
        assert!(!relay.raw.contains(foreign), "{foreign} in {}", relay.raw);
    }
    let shape: Vec<&str> = relay
        .raw
        .lines()
        .filter_map(|l| l.strip_prefix("Content-Type: "))
        .map(|l| l.split(';').next().unwrap_or_default())
        .collect();
    assert_eq!(
        shape,
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "text/plain"
        ]
    );
}

#[test]
fn a_picture_without_a_description_is_named_in_the_text_that_was_made_of_html() {
    let second = ("image/png", "fuse.png", "fuse@anna", "the fuse");
    let html = "<p>Press this:</p><img src='cid:image001.png@01D9F3C0.8A7B6C50'><p>And wait.</p><img src='cid:fuse@anna' alt='The fuse'><img src='cid:image001.png@01D9F3C0.8A7B6C50'>";
    let relay = relayed(&mut office(), answer("", html, &[SHOT, second], &[]));
    assert_eq!(
        enclosures(&relay),
        [
            one("image001.png", true, "the screenshot"),
            one("fuse.png", true, "the fuse")
        ]
    );
    assert_eq!(
        relay.text().trim(),
        "Press this:\n\nAnd wait.\n\n[image: fuse.png]\n\n[image: image001.png]",
        "each once"
    );
}

/// `winmail.dat` (MS-OXTNEF) with that HTML and one picture.
fn winmail(html: &str, (media_type, name, id, content): Part) -> Vec<u8> {
    let property = |kind: u16, id: u16, value: &[u8]| {
        let padding = vec![0; (4 - value.len() % 4) % 4];
        let head = [kind.to_le_bytes(), id.to_le_bytes()].concat();
        let sizes = [1u32.to_le_bytes(), (value.len() as u32).to_le_bytes()].concat();
        [head, sizes, value.to_vec(), padding].concat()
    };
    let text = |id, value: &str| property(0x001e, id, format!("{value}\0").as_bytes());
    let set =
        |all: Vec<Vec<u8>>| [(all.len() as u32).to_le_bytes().to_vec(), all.concat()].concat();
    let attribute = |id: u32, value: &[u8]| {
        let size = (value.len() as u32).to_le_bytes();
        [&[2], &id.to_le_bytes()[..], &size, value, &[0, 0]].concat()
    };
    [
        0x223e_9f78_u32.to_le_bytes().to_vec(),
        vec![1, 0],
        attribute(
            0x0006_9003,
            &set(vec![property(0x0102, 0x1013, html.as_bytes())]),
        ),
        attribute(0x0006_9002, b"x"),
        attribute(0x0006_800f, content.as_bytes()),
        attribute(
            0x0006_9005,
            &set(vec![
                text(0x3707, name),
                text(0x370e, media_type),
                text(0x3712, id),
            ]),
        ),
    ]
    .concat()
}

#[test]
fn a_picture_that_outlook_packed_stays_where_it_stands() {
    let html = "<p>Press this:</p><img src='cid:image001.png@01D9F3C0.8A7B6C50'><p>And wait.</p>";
    let packed = data_encoding::BASE64.encode(&winmail(html, SHOT));
    let post = Post::from(ANNA)
        .with("MIME-Version: 1.0")
        .with("Content-Type: application/ms-tnef; name=winmail.dat")
        .with("Content-Transfer-Encoding: base64")
        .body(&packed);
    let relay = relayed(&mut office(), post);
    assert_eq!(
        enclosures(&relay),
        [one("image001.png", true, "the screenshot")]
    );
    assert!(
        relay.text().contains("[image: image001.png]"),
        "{}",
        relay.text()
    );
}

#[test]
fn the_same_answer_shows_its_picture_whatever_the_client_writes_in_the_plain_text() {
    for (client, placeholder) in [
        ("Outlook", "[cid:image001.png@01D9F3C0.8A7B6C50]"),
        ("Outlook with a description", "[Ein Drucker, der brennt]"),
        ("Gmail", "[image: image001.png]"),
        (
            "Gmail, broken at the margin",
            "[image: Ein Drucker,\nder brennt]",
        ),
        ("Apple Mail", "<image001.png>"),
        ("Thunderbird", ""),
    ] {
        let mut office = office();
        let post = answer(
            &format!("Press this:\n\n{placeholder}\n\nAnd wait.\n"),
            "<p>Press this:</p><img src='cid:image001.png@01D9F3C0.8A7B6C50' alt='Ein Drucker, der brennt'><p>And wait.</p>",
            &[SHOT],
            &[],
        );
        let relay = relayed(&mut office, post);
        assert_eq!(
            enclosures(&relay),
            [one("image001.png", true, "the screenshot")],
            "{client}"
        );
        let hint = if placeholder.is_empty() {
            ""
        } else {
            "[image: image001.png]"
        };
        let text = format!("Press this:\n\n{hint}\n\nAnd wait.");
        assert_eq!(relay.text().trim(), text, "{client}");
    }
    // Without plain text, and with nothing but the picture.
    let html = "<p>Press this:</p><img src='cid:image001.png@01D9F3C0.8A7B6C50' alt='Ein Drucker'>";
    let relay = relayed(&mut office(), answer("", html, &[SHOT], &[]));
    assert_eq!(
        enclosures(&relay),
        [one("image001.png", true, "the screenshot")]
    );
}

#[test]
fn c4_4_a_picture_alone_is_no_answer() {
    let alone = "<img src='cid:image001.png@01D9F3C0.8A7B6C50' alt='Logo'>";
    for placeholder in [
        "[cid:image001.png@01D9F3C0.8A7B6C50]",
        "[Logo]",
        "<image001.png>",
        "[cid:image001.png@01D9F3C0.8A7B6C50]<https://www.vendor.example/>",
    ] {
        let mut office = office();
        let notice = office.last_to(ANNA);
        let post = answer(&format!("{placeholder}\n"), alone, &[SHOT], &[]);
        office.receives(post.answering(&notice));
        assert!(office.relays().is_empty() && office.initial(1).is_running());
        assert!(office.last_to(ANNA).says("There is no text of your own"));
        // The logo below a command.
        let html = format!("<p>#severity 2 facts</p>{alone}");
        let plain = format!("#severity 2 facts\n\n{placeholder}\n");
        let post = answer(&plain, &html, &[SHOT], &[]);
        office.receives(post.answering(&notice));
        assert!(office.relays().is_empty() && office.initial(1).is_running());
        assert_eq!(office.ticket(1).severity, 2);
        let told = office.last_of(ANNA, LetterKind::Transcript);
        assert!(told.says("did not go to the customer"), "{}", told.text());
    }
}

#[test]
fn a_picture_of_the_quotation_stays_behind_and_its_sender_hears_of_it() {
    let logo: Part = ("image/png", "logo.png", "logo@old", "a logo");
    let mut office = office();
    let html = "<p>Yes.</p><div class=gmail_quote>On Monday, Desk wrote:<blockquote>x<img src=cid:logo@old></blockquote></div>";
    let plain = "Yes.\n\nOn Monday, Desk wrote:\n> x\n> [image: logo.png]\n";
    let relay = relayed(&mut office, answer(plain, html, &[logo, SHOT], &[]));
    assert_eq!(
        enclosures(&relay),
        [one("image001.png", false, "the screenshot")],
        "what nothing refers to is a file"
    );
    assert!(!relay.raw.contains("logo"), "{}", relay.raw);
    assert!(
        office
            .last_to(ANNA)
            .says("logo.png did not go along: only the mail that you quote shows it.")
    );
}

#[test]
fn in_doubt_a_picture_is_a_file() {
    // The client's quotation is marked in the plain text only, so nobody knows whose the picture is.
    let mut office = office();
    let html = "<p>Yes.</p><div class='unheard-of'>On Monday, Desk wrote:<br>secret<img src='cid:image001.png@01D9F3C0.8A7B6C50'></div>";
    let relay = relayed(
        &mut office,
        answer(
            "Yes.\n\nOn Monday, Desk wrote:\n> secret\n",
            html,
            &[SHOT],
            &[],
        ),
    );
    assert_eq!(
        enclosures(&relay),
        [one("image001.png", false, "the screenshot")]
    );
    assert!(!relay.raw.contains("secret") && !relay.raw.contains("01D9"));
    // One that the text names is the writer's, wherever its HTML stands.
    let html = "<p>Yes:</p><blockquote type=cite><img src='cid:image001.png@01D9F3C0.8A7B6C50'></blockquote>";
    let plain = "Yes:\n\n[cid:image001.png@01D9F3C0.8A7B6C50]\n";
    let relay = relayed(&mut office, answer(plain, html, &[SHOT], &[]));
    assert_eq!(
        enclosures(&relay),
        [one("image001.png", false, "the screenshot")]
    );
}

#[test]
fn a_picture_stays_in_an_answer_below_commands() {
    let mut office = office();
    let html = "<div>#severity 2 half of them</div><div><br></div><div>Press this:</div><div><img src='cid:image001.png@01D9F3C0.8A7B6C50'></div>";
    let plain = "#severity 2 half of them\n\nPress this:\n[image: image001.png]\n";
    let relay = relayed(&mut office, answer(plain, html, &[SHOT], &[]));
    assert_eq!(office.ticket(1).severity, 2);
    assert_eq!(
        enclosures(&relay),
        [one("image001.png", true, "the screenshot")]
    );
    let page = relay.mail.html.clone().expect("HTML");
    assert!(
        page.contains("<div>Press this:</div><div><img ") && !page.contains("severity"),
        "{page}"
    );
}

#[test]
fn d06_hostile_pictures_are_files_or_nothing() {
    let html = "<p>Yes.</p><img src=\"cid:a&quot; onerror=&quot;evil()\"><img src=\"cid:page@h\"><img src=\"cid:svg@h\"><img src=\"cid:image001.png@01D9F3C0.8A7B6C50\"><img src='https://t.example/pixel'><img src='cid:x&#13;&#10;Bcc: evil@x.example'>";
    let parts = [
        (
            "text/html",
            "page.html",
            "page@h",
            "<script>evil()</script>",
        ),
        ("image/svg+xml", "x.svg", "svg@h", "<svg onload='evil()'/>"),
        SHOT,
        ("image/png", "second.png", SHOT.2, "another"),
    ];
    let relay = relayed(&mut office(), answer("Yes.\n", html, &parts, &[]));
    assert_eq!(
        enclosures(&relay),
        [
            // A letter lists what its HTML shows before the files.
            one("image001.png", true, "the screenshot"),
            one("page.html", false, "<script>evil()</script>"),
            one("x.svg", false, "<svg onload='evil()'/>"),
            one("second.png", false, "another"),
        ]
    );
    let page = relay.mail.html.clone().expect("HTML");
    assert_eq!(page.matches("<img").count(), 1, "{page}");
    assert!(
        !page.contains("evil") && !page.contains("t.example"),
        "{page}"
    );
    assert_eq!(html::text(&page, 1_000).trim(), "Yes.\n\n[image001.png]");
}

#[test]
fn a_command_behind_a_picture_holds_the_mail_back() {
    for line in [
        "[cid:image001.png@01D9F3C0.8A7B6C50] #note secret",
        "<image001.png>#note secret",
        "[x] #note secret",
        "- [x] #note secret",
        "2. <image001.png> #note secret",
        "[#note secret]",
        "<#note secret>",
        "[#12] #note secret",
        "Why\t[#note secret]",
    ] {
        let mut office = office();
        let html = "<p>Yes.</p><p><img src='cid:image001.png@01D9F3C0.8A7B6C50'> secret</p>";
        let notice = office.last_to(ANNA);
        office
            .receives(answer(&format!("Yes.\n\n{line}\n"), html, &[SHOT], &[]).answering(&notice));
        assert_eq!(office.relays().len(), 0, "{line}");
        assert!(
            office
                .last_to(ANNA)
                .says("#note stands below the first lines"),
            "{line}"
        );
    }
}

/// Each is taken out of the mail, and the mail is taken apart once for all of them.
#[test]
fn e01_nine_hundred_pictures_are_all_there() {
    let names: Vec<(String, String)> = (0..900)
        .map(|n| (format!("p{n}.png"), format!("p{n}@h")))
        .collect();
    let content = "x".repeat(2_000);
    let parts: Vec<Part> = names
        .iter()
        .map(|(name, id)| ("image/png", name.as_str(), id.as_str(), content.as_str()))
        .collect();
    let images: String = names
        .iter()
        .map(|(_, id)| format!("<img src='cid:{id}'>"))
        .collect();
    let html = format!("<p>All of them:</p>{images}");
    let relay = relayed(&mut office(), answer("All of them:\n", &html, &parts, &[]));
    assert_eq!(relay.mail.attachments.len(), 900);
    let shown = relay.mail.attachments.iter();
    assert_eq!(shown.filter(|a| a.content_id.is_some()).count(), 100);
    assert!(relay.mail.attachments.iter().all(|a| a.bytes == 2_000));
}
