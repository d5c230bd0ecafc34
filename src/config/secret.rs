//! Where a password is: never in the configuration, the environment or a log.

use crate::diagnostic::Diagnostic;
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where a secret is kept; it is read when its account is opened, not before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub enum Secret {
    /// A credential that systemd hands over: `$CREDENTIALS_DIRECTORY/NAME`.
    Credential(String),
    /// A file that its owner alone may read.
    File(PathBuf),
}

/// What stands in the configuration. Read as anything at all, since what serde says of a wrong value shows it, and it may be a password.
type Written = toml::Value;

impl TryFrom<Written> for Secret {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let only = written.as_table().filter(|table| table.len() == 1);
        let only = only.and_then(|table| table.iter().next());
        match only.and_then(|(key, value)| Some((key.as_str(), value.as_str()?))) {
            Some(("credential", name)) if is_file_name(name) => Ok(Secret::Credential(name.into())),
            Some(("file", path)) => Ok(Secret::File(path.into())),
            _ => Err(
                "a password is { credential = \"NAME\" } or { file = \"/path\" }, and never stands here itself",
            ),
        }
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != "." && name != ".."
}

impl Secret {
    /// With a relative file starting at `base`.
    pub fn based(&self, base: &Path) -> Secret {
        match self {
            Secret::File(path) => Secret::File(base.join(path)),
            Secret::Credential(name) => Secret::Credential(name.clone()),
        }
    }

    /// The secret: the file's first line. Faults name the file, never the content.
    pub fn read(&self) -> Result<String, Diagnostic> {
        let path = self.path()?;
        let name = path.display().to_string();
        let fault = |problem: String, remedy: &str| Diagnostic::of_file(&name, problem, remedy);
        let unreadable = |e: std::io::Error| {
            let remedy = "put the password there, on one line, readable by its owner alone";
            fault(format!("the password file cannot be read: {e}"), remedy)
        };
        let file = std::fs::metadata(&path).map_err(unreadable)?;
        // systemd's credentials are 0440 in a folder that only the service sees.
        if matches!(self, Secret::File(_)) && file.permissions().mode() & 0o077 != 0 {
            return Err(fault(
                "the password file may be read by others".into(),
                &format!("run: chmod 600 {name}"),
            ));
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        match text.lines().next().map(str::trim_end) {
            Some(line) if !line.is_empty() => Ok(line.to_string()),
            _ => Err(fault(
                "the password file is empty".into(),
                "write the password on its first line",
            )),
        }
    }

    fn path(&self) -> Result<PathBuf, Diagnostic> {
        match self {
            Secret::File(path) => Ok(path.clone()),
            Secret::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(folder) => Ok(Path::new(&folder).join(name)),
                None => Err(Diagnostic::of_file(
                    &format!("credential {name}"),
                    "is not there: $CREDENTIALS_DIRECTORY is not set",
                    format!("start by systemd with LoadCredential={name}:/path"),
                )),
            },
        }
    }
}
