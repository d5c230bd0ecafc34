//! `#queue`: a ticket goes to another queue, and from that instant on nobody hears of it who is not of that one.

use super::*;
use ticketd::desk::event::Movement;
use ticketd::desk::record::{EntryKind, Fate, Road};
use ticketd::desk::ticket::State;
use ticketd::ops::{report, tickets};

/// Carla's and Dario's queue is security, Anna's and Beat's is not.
fn reported() -> Office {
    let mut office = Office::new();
    let words = "Canary: your login is open to everybody.\n";
    let post = Post::from(ALICE).id("first@acme.example");
    office.receives(post.subject("Canary subject").body(words));
    office
}

fn in_security() -> Office {
    let mut office = reported();
    done(&mut office, ANNA, "#queue security\n");
    assert_eq!(office.ticket(1).queue, "security");
    office
}

fn letters_of(office: &mut Office, staff: &[&str]) -> usize {
    staff.iter().map(|who| office.letters_to(who).len()).sum()
}

#[track_caller]
fn no_canary(text: &str) {
    assert!(!text.to_lowercase().contains("canary"), "{text}");
}

#[test]
fn a_report_that_lands_in_support_is_moved_with_its_record() {
    let mut office = reported();
    done(&mut office, BEAT, "#watch\n");
    done(&mut office, CARLA, "#watch\n");
    done(&mut office, ANNA, "#take\n");
    let told = office.letters().len();
    let said = done(&mut office, ANNA, "#queue security\n");
    no_canary(&said.raw);
    assert!(said.says("Moved from queue support to queue security. anna, beat are not of it"));
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.assignee, ticket.watchers),
        (None, vec!["carla".to_string()])
    );
    assert!(office.recorded(1, "anna, beat are not of it"));
    // Its people have a new ticket, of which their notice says number and age.
    let letters = office.letters();
    let notices: Vec<&Sent> = letters[told..]
        .iter()
        .filter(|l| l.kind == LetterKind::Notice)
        .collect();
    let to: Vec<&str> = notices.iter().map(|l| l.to.as_str()).collect();
    assert_eq!(to, [CARLA, DARIO]);
    for notice in notices {
        no_canary(&notice.raw);
        assert!(!notice.raw.contains(ALICE), "{}", notice.raw);
    }
    // Whom the customer answers to, whatever it is that he answers to.
    let ack = office.last_to(ALICE);
    let (before, heard) = (
        office.entries(1).len(),
        letters_of(&mut office, &[ANNA, BEAT]),
    );
    let plus = ack.mail.header("Reply-To").expect("an address").to_string();
    for post in [
        Post::from(ALICE).referring("first@acme.example"),
        Post::from(ALICE).answering(&ack),
        Post::from(ALICE).to(&plus),
        Post::from(ALICE).subject("Re: [#1] Canary subject"),
    ] {
        let done = office.receives_in("support", post.body("Canary again.\n"));
        assert_eq!(done.fate, Fate::Joined);
        no_canary(&done.because);
    }
    let stranger = Post::from(STRANGER).referring("first@acme.example");
    office.receives_in("support", stranger.body("Canary, too.\n"));
    assert_eq!(office.tickets().len(), 1);
    assert!(office.entries(1).len() >= before + 5);
    // Days pass: warnings, the morning's letter.
    for day in ["2026-09-08 08:05", "2026-09-11 12:00"] {
        office.clock_to(day);
        office.rounds();
    }
    assert!(
        office
            .letters_to(DARIO)
            .iter()
            .any(|l| l.kind == LetterKind::Warning)
    );
    let new = office.letters_to(ANNA).split_off(heard / 2);
    for letter in new.iter().chain(&office.letters_to(BEAT)) {
        assert!(
            letter.kind == LetterKind::Digest || letter.place.seq <= before as u32,
            "{}",
            letter.raw
        );
        assert!(
            letter.kind != LetterKind::Digest || !letter.says("#1"),
            "{}",
            letter.raw
        );
    }
    // What is answered goes out from security.
    let notice = office.last_of(DARIO, LetterKind::Warning);
    let answer = Post::from(DARIO).answering(&notice);
    office.receives(answer.body("Thank you, it is mended.\n"));
    let answer = office.relays().pop().expect("an answer");
    assert_eq!(answer.mail.from[0].address, "security@desk.example");
    assert_eq!(answer.to, ALICE);
}

#[test]
fn who_is_not_of_the_new_queue_has_no_authority_and_no_listing() {
    let mut office = reported();
    let notice = office.last_to(ANNA);
    done(&mut office, CARLA, "#queue security\n");
    let heard = letters_of(&mut office, &[ANNA, BEAT]);
    // A08: the token is what it was, and the queue is asked when it is used.
    let answer = Post::from(ANNA).answering(&notice);
    office.receives(answer.body("#close done\nCanary, we look into it.\n"));
    assert_eq!(office.ticket(1).state, State::New);
    assert!(office.relays().is_empty());
    assert_eq!(office.ticket(2).state, State::Quarantined);
    assert_eq!(office.ticket(2).queue, "security");
    assert_eq!(letters_of(&mut office, &[ANNA, BEAT]), heard);
    for line in ["close done", "queue support", "show"] {
        let said = shell(&mut office, "anna", 1, line);
        assert!(said.refused && said.reply[0] == "anna may not act on queue security");
    }
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let mut out = vec![];
    let all = tickets::Filter {
        all: true,
        ..Default::default()
    };
    tickets::list(&reader, &policy, &all, now, &mut out).expect("tickets");
    report::answer(&reader, &policy, &report::Filter::default(), now, &mut out).expect("a report");
    no_canary(&String::from_utf8_lossy(&out));
}

#[test]
fn out_of_a_confidential_queue_its_own_people_take_it() {
    let mut office = in_security();
    let heard = office.letters_to(ANNA).len();
    assert!(!shell(&mut office, "dario", 1, "queue support").refused);
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.queue.as_str(), ticket.former_queues.len()),
        ("support", 2)
    );
    // To everybody there it is a new one.
    let notice = office.last_to(ANNA);
    assert_eq!(office.letters_to(ANNA).len(), heard + 1);
    assert!(
        notice.says("your login is open to everybody"),
        "{}",
        notice.raw
    );
    // Who writes to security speaks to security.
    let post = Post::from(ALICE)
        .to("security@desk.example")
        .referring("first@acme.example");
    office.receives(post.body("Canary: and the door.\n"));
    assert_eq!(office.ticket(2).queue, "security");
    assert_eq!(office.letters_to(ANNA).len(), heard + 1);
}

#[test]
fn letters_to_others_that_have_not_left_do_not_leave() {
    let mut office = Office::new();
    office.courier = false;
    office.receives(Post::from(ALICE).subject("Canary").body("Canary.\n"));
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    for letter in office.letters() {
        let dropped = matches!(letter.road, Road::Dropped { .. });
        assert_eq!(
            dropped,
            [ANNA, BEAT].contains(&letter.to.as_str()),
            "{}",
            letter.to
        );
    }
}

#[test]
fn what_was_gathered_for_others_says_nothing_of_it() {
    let mut office = reported();
    for n in 0..8 {
        let post = Post::from(ALICE).referring("first@acme.example");
        office.receives(post.body(&format!("Canary number {n}.\n")));
    }
    let heard = office.letters_to(ANNA).len();
    assert!(!shell(&mut office, "carla", 1, "queue security").refused);
    office.clock_to("2026-09-07 09:30");
    assert_eq!(office.letters_to(ANNA).len(), heard);
    let digest = office.last_of(CARLA, LetterKind::Digest);
    assert!(digest.says("#1"), "{}", digest.raw);
    no_canary(&digest.raw);
}

#[test]
fn what_is_promised_stays_and_a_reporter_without_a_plan_is_owed_securitys_answer() {
    // Best effort: an internal target of two days here, and of twelve business hours there; from receipt.
    let mut office = Office::new();
    office.receives(Post::from(STRANGER).id("first@elsewhere.example"));
    let before = office.initial(1);
    office.clock_to("2026-09-07 09:50");
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    let reported = office.initial(1);
    assert!(reported.objective.internal && before.deadline != reported.deadline);
    assert_eq!(reported.deadline, swiss("2026-09-09 09:00"));
    office.clock_to("2026-09-07 10:00");
    assert!(!shell(&mut office, "dario", 1, "queue support").refused);
    assert_eq!(office.initial(1).deadline, before.deadline);
    assert_eq!(office.initial(1).objective, before.objective);
    // Promised: the contract asks for no queue, and what is missed is missed.
    let mut office = bakery(1);
    let before = office.initial(1);
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    assert_eq!(office.initial(1).deadline, before.deadline);
    office.clock_to("2026-09-07 10:40");
    let breached = office.initial(1);
    assert!(breached.is_breached());
    assert!(!shell(&mut office, "dario", 1, "queue support").refused);
    assert_eq!(office.initial(1), breached);
}

#[test]
fn merged_tickets_go_along() {
    let mut office = bakery(3);
    office.receives(asks("paul@baeckerei-keller.example", 3));
    assert!(!shell(&mut office, "anna", 2, "merge 1 the same").refused);
    assert!(shell(&mut office, "anna", 2, "queue security").refused);
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    assert_eq!(office.ticket(2).queue, "security");
    let heard = letters_of(&mut office, &[ANNA, BEAT]);
    writes_again(&mut office, "paul@baeckerei-keller.example", "Canary.\n");
    assert_eq!(office.tickets().len(), 2);
    assert_eq!(letters_of(&mut office, &[ANNA, BEAT]), heard);
}

#[test]
fn the_report_goes_along_where_that_is_wished() {
    let mut attached = policy();
    attached.security.attach = true;
    let mut office = Office::under(attached);
    office.receives(Post::from(ALICE).subject("Canary").body("Canary.\n"));
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    let notice = office.last_to(DARIO);
    assert_eq!(notice.mail.attachments[0].name, "report-1.eml");
}

/// What came to support since the move is security's own: who answers that in support's thread is found by it alone.
#[test]
fn an_answer_to_what_came_since_the_move_joins_silently() {
    let mut office = in_security();
    let heard = letters_of(&mut office, &[ANNA, BEAT]);
    let since = Post::from(ALICE).id("second@acme.example");
    let since = since.subject("Re: [#1] Canary subject");
    assert_eq!(office.receives(since).fate, Fate::Joined);
    for post in [
        Post::from("albert@acme.example")
            .id("third@acme.example")
            .referring("second@acme.example"),
        Post::from(ALICE).referring("third@acme.example"),
        Post::from(STRANGER).referring("third@acme.example"),
        Post::from(ALICE).with("References: <second@acme.example>"),
    ] {
        let done = office.receives_in("support", post.subject("Re: Canary"));
        assert_eq!(done.fate, Fate::Joined);
        no_canary(&done.because);
    }
    assert_eq!(office.tickets().len(), 1);
    assert_eq!(letters_of(&mut office, &[ANNA, BEAT]), heard);
    let elsewhere = Post::from(ALICE).referring("second@acme.example");
    let elsewhere = elsewhere.to("security@desk.example").body("Canary.\n");
    assert_eq!(office.receives(elsewhere).fate, Fate::Joined);
}

/// A forward is a request of its own (zammad#4965), and says all that it forwards.
#[test]
fn a_forward_of_its_thread_to_support_is_securitys_request() {
    let mut office = in_security();
    let heard = letters_of(&mut office, &[ANNA, BEAT]);
    let forward = |who: &str| Post::from(who).subject("Fwd: Canary subject");
    for (number, post) in (2..).zip([
        forward(ALICE).referring("first@acme.example"),
        forward(STRANGER).referring("first@acme.example"),
        Post::from("albert@acme.example").subject("Fwd: [#1] Canary subject"),
    ]) {
        let words = format!("> Canary, forward {number}.\n");
        no_canary(&office.receives_in("support", post.body(&words)).because);
        assert_eq!(office.ticket(number).queue, "security");
    }
    assert_eq!(letters_of(&mut office, &[ANNA, BEAT]), heard);
}

/// What has gone does not exist: its number in a new mail is the writer's own counting, or a guess.
#[test]
fn whoever_writes_its_number_is_not_said_to_mean_it() {
    let mut office = in_security();
    for (number, post) in (2..).zip([
        Post::from(STRANGER).subject("Re: [#1] Lamp"),
        Post::from(ALICE).subject("Request 1: our lamp is broken"),
    ]) {
        office.receives(post.body(&format!("Lamp {number} is broken.\n")));
        let ticket = office.ticket(number);
        assert_eq!(ticket.queue, "support");
        assert!(ticket.linked.is_empty(), "{:?}", ticket.linked);
        assert!(!office.recorded(number, "ticket 1"));
    }
}

#[test]
fn who_does_not_work_where_it_is_moves_nothing() {
    let mut office = reported();
    for (who, why) in [
        ("eva", "eva may not act on queue support"),
        ("dario", "dario may not act on queue support"),
        ("mallory", "\"mallory\" is nobody of the staff"),
    ] {
        let said = shell(&mut office, who, 1, "queue security");
        assert!(
            said.refused && said.reply[0].starts_with(why),
            "{:?}",
            said.reply
        );
    }
    let notice = office.last_to(ANNA);
    // Somebody else's notice, and hers under a forged name.
    for post in [
        Post::from(BEAT).answering(&notice),
        Post::from(ANNA).answering(&notice).forged(),
        Post::from(ALICE).answering(&notice),
    ] {
        office.receives(post.body("#queue security\n"));
        assert_eq!(office.ticket(1).queue, "support");
    }
}

/// Neither by merging, nor by an incident, nor by splitting does anything of it come back.
#[test]
fn no_other_command_brings_anything_of_it_back() {
    let mut office = in_security();
    office.receives(Post::from(ALICE).subject("Lamp").body("The lamp.\n"));
    let heard = letters_of(&mut office, &[ANNA, BEAT]);
    for (who, ticket, line) in [
        ("anna", 2, "merge 1"),
        ("carla", 2, "merge 1"),
        ("carla", 1, "merge 2"),
        ("anna", 1, "split"),
        ("anna", 1, "customer acme"),
        ("anna", 1, "everyone Hello"),
        ("anna", 1, "reply Hello"),
        ("anna", 1, "human"),
        ("carla", 1, "everyone Hello"),
        ("carla", 1, "assign anna"),
    ] {
        let said = shell(&mut office, who, ticket, line);
        assert!(said.refused, "{who}: {line}: {:?}", said.reply);
        no_canary(&said.reply.join(" "));
    }
    let of_another = shell(&mut office, "anna", 2, "merge 1").reply;
    let of_none = shell(&mut office, "anna", 2, "merge 99").reply;
    assert_eq!(of_another[0].replace('1', "99"), of_none[0]);
    // What security splits off is security's, wherever its customer writes of it.
    assert!(!shell(&mut office, "dario", 1, "split 1 Canary door").refused);
    assert_eq!(office.ticket(3).queue, "security");
    let post = Post::from(ALICE).subject("Re: [#3] Canary door");
    assert_eq!(office.receives(post).fate, Fate::Joined);
    assert!(!shell(&mut office, "dario", 1, "customer baeckerei").refused);
    assert_eq!(letters_of(&mut office, &[ANNA, BEAT]), heard);
    assert_eq!(office.tickets().len(), 3);
}

/// Days of credit and booked hours are the customer's; of which ticket they are his account manager is told if he works on its queue.
#[test]
fn the_account_managers_ledger_names_no_ticket_that_is_not_his() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).body("Severity: 1\nAll is down.\n"));
    done(&mut office, ANNA, "#time 45m Looked at it\n");
    office.clock_to("2026-09-07 12:00");
    done(&mut office, ANNA, "#severity 1 it is\nWe look into it.\n");
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let day: chrono::NaiveDate = "2026-08-31".parse().expect("a day");
    let span = (swiss("2026-08-31 00:00"), swiss("2026-09-14 00:00"));
    let pack = |id: &str| {
        let person = policy.book.staff.by_id(id);
        let pack = reader.pack(&policy, person, "acme", span, day, now);
        ticketd::desk::review::content(&policy, &pack.expect("a pack"))
    };
    let (hers, his) = (pack("carla"), pack("anna"));
    assert!(
        hers.credits[0].starts_with("#1 C4.1: +"),
        "{:?}",
        hers.credits
    );
    assert!(hers.bookings[0].ends_with(" on #1"), "{:?}", hers.bookings);
    let of_none = his.credits.iter().chain(&his.bookings);
    assert!(of_none.clone().all(|l| l.contains("a confidential ticket")));
    assert_eq!(of_none.count(), hers.credits.len() + hers.bookings.len());
}

/// The file lists what it was made of to those of its queue, and so does their morning's letter.
#[test]
fn the_filed_mail_that_became_the_ticket_goes_along() {
    let filed = |office: &mut Office, queue: Option<&str>| {
        let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
        let mut out = vec![];
        let filter = tickets::Filter {
            filed: true,
            queue: queue.map(str::to_string),
            ..Default::default()
        };
        tickets::list(&reader, &policy, &filter, now, &mut out).expect("a list");
        String::from_utf8(out).expect("text")
    };
    let mut office = Office::new();
    office.rounds();
    let post = Post::from(ALICE).subject("Canary subject");
    office.receives(post.with("Auto-Submitted: auto-generated"));
    assert!(filed(&mut office, None).contains("Canary"));
    assert!(!shell(&mut office, "anna", 0, "human 1").refused);
    assert!(!shell(&mut office, "anna", 1, "queue security").refused);
    no_canary(&filed(&mut office, None));
    assert!(filed(&mut office, Some("security")).contains("Canary"));
    assert!(shell(&mut office, "anna", 0, "human 1").reply[0].contains("has no automatic mail 1"));
    let heard = office.letters_to(ANNA).len();
    office.clock_to("2026-09-08 08:05");
    office.rounds();
    for letter in office.letters_to(ANNA).split_off(heard) {
        no_canary(&letter.raw);
    }
    assert!(!shell(&mut office, "dario", 1, "queue support").refused);
    assert!(filed(&mut office, None).contains("Canary"));
}

/// The next server had it in hand when the ticket moved, and would rather have it later.
#[test]
fn a_notice_that_comes_back_after_the_move_does_not_leave_again() {
    let mut office = Office::new();
    office.courier = false;
    office.receives(Post::from(ALICE).subject("Canary").body("Canary.\n"));
    let notices = [office.last_to(ANNA).place, office.last_to(CARLA).place];
    for place in notices {
        office.moves(place, Movement::Taken);
    }
    assert!(!shell(&mut office, "beat", 1, "queue security").refused);
    for place in notices {
        office.moves(place, Movement::Deferred("450 later".into()));
    }
    let roads = notices.map(|place| {
        let entry = office.entries(1).into_iter().find(|e| e.place == place);
        entry.and_then(|e| e.letter).map(|letter| letter.road)
    });
    assert!(
        matches!(
            roads,
            [Some(Road::Dropped { .. }), Some(Road::Waiting { .. })]
        ),
        "{roads:?}"
    );
}

/// What a command above it has written to support would leave after the move.
#[test]
fn after_a_command_that_writes_to_others_it_is_refused() {
    let mut office = reported();
    let body = "#escalate urgent\n#queue security\n";
    refused(&mut office, ANNA, body, "say #queue first");
    assert_eq!(office.ticket(1).queue, "support");
    done(&mut office, CARLA, "#queue security\n#severity 2 facts\n");
}

/// She answered while it was support's: that her answer is lost is for security to hear.
#[test]
fn a_lost_answer_of_somebody_who_is_out_is_told_to_its_new_people() {
    let mut office = reported();
    let notice = office.last_to(ANNA);
    office.courier = false;
    office.receives(Post::from(ANNA).answering(&notice).body("Thank you.\n"));
    let relay = office.relays().pop().expect("a relay");
    assert!(!shell(&mut office, "beat", 1, "queue security").refused);
    let heard = letters_of(&mut office, &[ANNA]);
    office.moves(relay.place, Movement::Refused("550 no".into()));
    assert_eq!(letters_of(&mut office, &[ANNA]), heard);
    let told = office.last_to(CARLA);
    assert!(told.says("did not reach the reporter"), "{}", told.text());
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let mut office = reported();
    for (body, why) in [
        ("#queue\n", "use one of support, security"),
        (
            "#queue nowhere\n",
            "\"nowhere\" is unknown; use one of support, security",
        ),
        ("#queue support\n", "it is in queue support already"),
        // He works on it no more: nothing of his comes after it.
        (
            "#queue security\nWe look into it.\n",
            "anna does not work on queue security",
        ),
        (
            "#queue security\n#close done\n",
            "anna does not work on queue security",
        ),
    ] {
        refused(&mut office, ANNA, body, why);
    }
    assert_eq!(office.ticket(1).queue, "support");
    // Carla works on both.
    done(
        &mut office,
        CARLA,
        "#queue security\n#take\nWe look into it.\n",
    );
    let answer = office.relays().pop().expect("an answer");
    assert_eq!(answer.mail.from[0].address, "security@desk.example");
    // What the law wants of security is security's.
    assert!(!shell(&mut office, "dario", 1, "exploited 09:00 seen in our logs").refused);
    let said = shell(&mut office, "dario", 1, "queue support");
    assert!(
        said.refused && said.reply[0].contains("say #reported first"),
        "{:?}",
        said.reply
    );
    assert_eq!(office.count(1, EntryKind::Note), 0);
}

/// Two commands on one entry: what the first made of it goes along.
#[test]
fn what_a_command_above_it_changed_goes_along() {
    let mut office = reported();
    let post = Post::from(ALICE).referring("first@acme.example");
    let automatic = post.with("Auto-Submitted: auto-replied");
    office.receives(automatic.body("I am here, and it is open.\n"));
    let filed = |office: &mut Office| office.count(1, EntryKind::Filed);
    assert_eq!(filed(&mut office), 1);
    let before = office.entries(1);
    done(&mut office, CARLA, "#human\n#queue security\n");
    assert_eq!(filed(&mut office), 0);
    // Of the others nothing has changed but where they stand.
    for (was, is) in before.iter().zip(office.entries(1)) {
        assert_eq!((was.place, &was.text), (is.place, &is.text));
        assert_eq!(was.message_id, is.message_id);
    }
    let findings = ticketd::store::audit::audit(&office.reader()).expect("an audit");
    assert!(findings.is_empty(), "{findings:?}");
}
