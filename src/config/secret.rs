//! Where a password is: never in the configuration, the environment or a log.

use anyhow::{Context, bail};
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where a secret is kept; it is read at each login, so that a changed one counts without a restart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Secret {
    /// A credential that systemd hands over: `$CREDENTIALS_DIRECTORY/NAME`.
    Credential(String),
    /// A file that its owner alone may read.
    File(PathBuf),
}

impl Secret {
    /// With a relative file starting at `base`.
    pub fn based(&self, base: &Path) -> Secret {
        match self {
            Secret::File(path) => Secret::File(base.join(path)),
            Secret::Credential(name) => Secret::Credential(name.clone()),
        }
    }

    /// The secret: the file's first line. Errors name the file, never the content.
    pub fn read(&self) -> anyhow::Result<String> {
        let path = self.path()?;
        let file = std::fs::metadata(&path)
            .with_context(|| format!("the password file {} cannot be read", path.display()))?;
        // systemd's credentials are 0440 in a folder that only the service sees.
        if matches!(self, Secret::File(_)) && file.permissions().mode() & 0o077 != 0 {
            bail!(
                "the password file {} may be read by others; run: chmod 600 {}",
                path.display(),
                path.display()
            );
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("the password file {} cannot be read", path.display()))?;
        match text.lines().next().map(str::trim_end) {
            Some(line) if !line.is_empty() => Ok(line.to_string()),
            _ => bail!("the password file {} is empty", path.display()),
        }
    }

    fn path(&self) -> anyhow::Result<PathBuf> {
        match self {
            Secret::File(path) => Ok(path.clone()),
            Secret::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
                    .with_context(|| format!("the credential {name} is not there: $CREDENTIALS_DIRECTORY is not set; start by systemd with LoadCredential={name}:/path"))?;
                Ok(Path::new(&folder).join(name))
            }
        }
    }
}
