//! Resolves an output path, and how to write it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// A resolved path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A regular file that exists or can be created; the path has no symbolic links.
    File(PathBuf),
    /// Anything else: a pipe, a device, an open descriptor of a process.
    Straight(PathBuf),
}

impl Destination {
    /// Resolves a path. Fails if its folder does not exist.
    pub fn resolve(path: &Path) -> io::Result<Self> {
        /// The most symbolic links, as in the kernel.
        const LINKS: u32 = 40;
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(ErrorKind::IsADirectory.into());
        }
        let mut path = path.to_owned();
        for _ in 0..=LINKS {
            let name = path.file_name().ok_or(if path.as_os_str().is_empty() {
                ErrorKind::NotFound
            } else {
                ErrorKind::IsADirectory
            })?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let folder = folder.canonicalize()?;
            let full = folder.join(name);
            // A link of /proc leads to an open file, whatever its text is.
            if folder.starts_with("/proc") {
                return Ok(Self::Straight(full));
            }
            match fs::symlink_metadata(&full) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::File(full)),
                Err(error) => return Err(error),
                Ok(found) if found.is_symlink() => path = folder.join(fs::read_link(&full)?),
                Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
                Ok(found) if found.is_file() => return Ok(Self::File(full)),
                Ok(_) => return Ok(Self::Straight(full)),
            }
        }
        Err(io::Error::from_raw_os_error(nix::libc::ELOOP))
    }

    /// Returns whether two outputs collide: they go to the same file or the same pipe. A device such as `/dev/null`
    /// takes any number.
    pub fn is_same(&self, other: &Self) -> bool {
        let (Self::File(one) | Self::Straight(one), Self::File(two) | Self::Straight(two)) = (self, other);
        match (fs::metadata(one), fs::metadata(two)) {
            (Ok(one), Ok(two)) => !one.file_type().is_char_device() && (one.dev(), one.ino()) == (two.dev(), two.ino()),
            _ => one == two,
        }
    }

    /// Returns whether standard output goes into this file, which was given by name and not as a descriptor.
    pub fn is_standard_output(&self) -> bool {
        let Self::File(path) = self else { return false };
        let open = Self::Straight(PathBuf::from("/proc/self/fd/1"));
        path.exists() && self.is_same(&open)
    }
}

/// Opens a path that is not a regular file. Standard output and standard error continue at their position.
pub(super) fn open_straight(path: &Path) -> io::Result<File> {
    let own = fs::canonicalize("/proc/self/fd").unwrap_or_default();
    let (stdout, stderr) = (io::stdout(), io::stderr());
    for descriptor in [stdout.as_fd(), stderr.as_fd()] {
        if path == own.join(descriptor.as_raw_fd().to_string()) {
            return descriptor.try_clone_to_owned().map(File::from);
        }
    }
    OpenOptions::new().append(true).open(path)
}
