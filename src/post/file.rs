//! Letters into a Maildir instead of onto a wire: for the demo, and for tests.
//!
//! Knows Maildir's rule (write in `tmp/`, sync, rename into `new/`); knows nothing of tickets. Promises what SMTP promises: `taken` runs before
//! anything is visible, and after the rename the letter is there, also after a power cut.

use super::smtp::{Parcel, Sent, Unsent};
use crate::mail::Fingerprint;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where letters go.
#[derive(Clone, Debug)]
pub struct Pigeonholes {
    /// The Maildir, or the folder of the Maildirs.
    pub folder: PathBuf,
    /// A Maildir for each recipient, named by the address; else one for all.
    pub per_recipient: bool,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

impl Pigeonholes {
    /// Puts a letter there, with its envelope on top (`Return-Path`, `Delivered-To`) as a delivery agent does.
    pub async fn send<T>(
        &self,
        parcel: Parcel<'_>,
        taken: impl FnOnce() -> T,
    ) -> Result<Sent, Unsent>
    where
        T: Future<Output = anyhow::Result<()>>,
    {
        let maildir = match self.maildir_for(parcel.to) {
            Ok(maildir) => maildir,
            Err(error) => {
                return Ok(Sent::Deferred(format!(
                    "{}: {error}",
                    self.folder.display()
                )));
            }
        };
        if let Err(error) = taken().await {
            return Err(Unsent::Withheld(error));
        }
        let delivered = deliver(&maildir, parcel);
        Ok(match delivered {
            Ok(path) => Sent::Accepted(format!("into {}", path.display())),
            Err(error) => Sent::Deferred(format!("{}: {error}", maildir.display())),
        })
    }

    fn maildir_for(&self, to: &str) -> io::Result<PathBuf> {
        let maildir = if self.per_recipient {
            self.folder.join(folder_name(to))
        } else {
            self.folder.clone()
        };
        for part in ["tmp", "new", "cur"] {
            fs::create_dir_all(maildir.join(part))?;
        }
        Ok(maildir)
    }
}

fn deliver(maildir: &Path, parcel: Parcel<'_>) -> io::Result<PathBuf> {
    let name = format!(
        "{}.{}_{}.ticketd",
        &Fingerprint::of(parcel.content).hex()[..16],
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let tmp = maildir.join("tmp").join(&name);
    let new = maildir.join("new").join(&name);
    let mut file = File::create_new(&tmp)?;
    write!(
        file,
        "Return-Path: <{}>\r\nDelivered-To: {}\r\n",
        one_line(parcel.from),
        one_line(parcel.to)
    )?;
    file.write_all(parcel.content)?;
    file.sync_all()?;
    fs::rename(&tmp, &new)?;
    File::open(maildir.join("new"))?.sync_all()?;
    Ok(new)
}

fn one_line(address: &str) -> String {
    address.chars().filter(|c| !c.is_control()).collect()
}

/// An address as a folder's name: never hidden, never a way out of the folder.
fn folder_name(address: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | '+');
    let name: String = address
        .to_ascii_lowercase()
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(200)
        .collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => "_".into(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(holes: &Pigeonholes, to: &str, taken: anyhow::Result<()>) -> Result<Sent, Unsent> {
        let parcel = Parcel {
            from: "",
            to,
            content: b"Subject: x\r\n\r\ny\r\n",
        };
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(holes.send(parcel, || async { taken }))
    }

    #[test]
    fn each_recipient_has_a_maildir() {
        let folder = tempfile::tempdir().unwrap();
        let holes = Pigeonholes {
            folder: folder.path().into(),
            per_recipient: true,
        };
        assert!(matches!(
            sent(&holes, "Anna@desk.example", Ok(())),
            Ok(Sent::Accepted(_))
        ));
        assert!(matches!(
            sent(&holes, "../../etc/x@y", Ok(())),
            Ok(Sent::Accepted(_))
        ));
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["_._.._etc_x@y", "anna@desk.example"]);
    }

    #[test]
    fn nothing_is_visible_when_taken_fails() {
        let folder = tempfile::tempdir().unwrap();
        let holes = Pigeonholes {
            folder: folder.path().into(),
            per_recipient: false,
        };
        let answer = sent(&holes, "a@b.example", Err(anyhow::anyhow!("disk full")));
        assert!(matches!(answer, Err(Unsent::Withheld(_))));
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0);
    }
}
