//! Replaces files only when the new contents are complete.
//!
//! A [`Replacement`] is written into a temporary file in the same folder and renamed at the end. Until then the earlier
//! file keeps its contents, whatever happens. A path that is not a regular file (a pipe, a device, an open descriptor
//! of this process) is written directly.

mod place;

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::posix_fallocate;

pub use place::Destination;

/// The temporary files of this process. A path is added before its file is created, and removed after the file is.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporary() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every temporary file of this process, and prevents new ones: for a process that is about to end.
pub fn remove_temporary_files() {
    let mut paths = temporary();
    for path in paths.drain(..) {
        let _ = fs::remove_file(path);
    }
    // A thread that wants to create another file waits for this lock until the process has ended.
    std::mem::forget(paths);
}

/// Writes a file, and keeps an existing one until the new contents are complete.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut replacement = Replacement::begin(path)?;
    replacement.write_all(bytes)?;
    replacement.finish()
}

/// An unfinished file. Without [`finish`](Self::finish) nothing of it remains, except what was written directly.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    end: FinalStep,
}

/// The last step of a replacement.
#[derive(Debug)]
enum FinalStep {
    /// Do nothing: the contents were written directly.
    Straight,
    /// Rename the temporary file.
    Rename { temporary: Temporary, target: PathBuf },
    /// Copy the contents into the existing file: it has several names, its folder takes no further file, or its owner
    /// cannot be kept.
    Copy { temporary: Temporary, target: PathBuf },
}

/// A temporary file, removed when it is dropped.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let mut paths = temporary();
        let _ = fs::remove_file(&self.0);
        paths.retain(|path| *path != self.0);
    }
}

impl Replacement {
    /// Begins to write a file at this path. Follows symbolic links. Fails early if the file is known not to be
    /// writable. Waits for a reader if the path is a named pipe.
    pub fn begin(path: &Path) -> io::Result<Self> {
        match Destination::resolve(path)? {
            Destination::Straight(path) => Ok(Self { file: place::open_straight(&path)?, end: FinalStep::Straight }),
            Destination::File(target) => match fs::metadata(&target) {
                Ok(earlier) => Self::over(target, &earlier),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let (temporary, file) = Temporary::beside(&target, 0o666)?;
                    Ok(Self { file, end: FinalStep::Rename { temporary, target } })
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Begins to replace an existing file.
    fn over(target: PathBuf, earlier: &Metadata) -> io::Result<Self> {
        // Fails without changing anything if this process may not write the file.
        drop(OpenOptions::new().write(true).open(&target)?);
        let mode = earlier.permissions().mode() & 0o7777;
        let (temporary, file) = match Temporary::beside(&target, mode) {
            Ok(made) => made,
            Err(error) if is_refused(&error) => {
                let (temporary, file) = Temporary::in_folder(&std::env::temp_dir(), 0o600)?;
                return Ok(Self { file, end: FinalStep::Copy { temporary, target } });
            }
            Err(error) => return Err(error),
        };
        let is_alike = keep_owner(&file, earlier).and_then(|()| file.set_permissions(Permissions::from_mode(mode)));
        let end = if is_alike.is_ok() && earlier.nlink() == 1 {
            FinalStep::Rename { temporary, target }
        } else {
            FinalStep::Copy { temporary, target }
        };
        Ok(Self { file, end })
    }

    /// Completes the file. After an error the earlier file is unchanged, unless the disk became full while it was
    /// overwritten.
    pub fn finish(self) -> io::Result<()> {
        let Self { mut file, end } = self;
        match end {
            FinalStep::Straight => Ok(()),
            FinalStep::Rename { temporary, target } => {
                file.sync_all()?;
                match fs::rename(&temporary.0, &target) {
                    // The file is a mount point, or the folder forbids renaming over files of other users.
                    Err(error) if is_refused(&error) && target.is_file() => copy(&mut file, &target),
                    done => done,
                }
            }
            FinalStep::Copy { temporary, target } => {
                let copied = copy(&mut file, &target);
                drop(temporary);
                copied
            }
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Temporary {
    fn beside(target: &Path, mode: u32) -> io::Result<(Self, File)> {
        Self::in_folder(target.parent().unwrap_or(Path::new("/")), mode)
    }

    /// Creates a temporary file in a folder, with at most these permissions. Follows no link at its path.
    fn in_folder(folder: &Path, mode: u32) -> io::Result<(Self, File)> {
        /// The most names to try: another process may hold one, such as a process of another container with the same
        /// id.
        const ATTEMPTS: u32 = 1_000;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut paths = temporary();
        for _ in 0..ATTEMPTS {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".avt-{}-{number}.tmp", process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    paths.push(path.clone());
                    return Ok((Self(path), file));
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Gives a new file the owner of the earlier one.
fn keep_owner(file: &File, earlier: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (earlier.uid(), earlier.gid()) {
        return Ok(());
    }
    fchown(file, Some(earlier.uid()), Some(earlier.gid()))
}

/// Copies the contents of a temporary file into an existing file.
fn copy(from: &mut File, target: &Path) -> io::Result<()> {
    from.rewind()?;
    let mut to = OpenOptions::new().write(true).open(target)?;
    let (length, earlier) = (from.metadata()?.len(), to.metadata()?.len());
    make_room(&to, length, earlier)?;
    io::copy(&mut from.take(length), &mut to)?;
    to.set_len(length)?;
    to.sync_all()
}

/// Allocates space for `length` bytes before the first one is written. If the disk is full, the file stays unchanged.
fn make_room(file: &File, length: u64, earlier: u64) -> io::Result<()> {
    let size = i64::try_from(length).map_err(io::Error::other)?;
    if size == 0 {
        return Ok(());
    }
    match posix_fallocate(file, 0, size) {
        // The file system cannot allocate space ahead.
        Ok(()) | Err(Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENODEV) => Ok(()),
        Err(errno) => {
            file.set_len(earlier)?;
            Err(errno.into())
        }
    }
}

/// Returns whether an error comes from the folder or file system and not from the file itself.
fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}
