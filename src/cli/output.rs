//! Writing files so that nothing is lost.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::complaint::Complaint;

/// Finds out before a run whether `path` can be written after it.
///
/// # Errors
/// When its directory is missing or refuses a file, or the path is a directory.
pub(super) fn check_writable(path: &Path) -> Result<(), Complaint> {
    let complain = |reason: String| {
        Err(Complaint::usage(format!("cannot write `{}`: {reason}", path.display()))
            .help("choose a path in a directory that exists and that you may write to"))
    };
    if path.is_dir() {
        return complain("it is a directory".to_owned());
    }
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        // A pipe or a device: opening it to find out would end its reader.
        return Ok(());
    }
    // A link counts although it may lead to nothing yet.
    let existed = fs::symlink_metadata(path).is_ok();
    match fs::OpenOptions::new().append(true).create(true).open(path) {
        Ok(_) => {
            if !existed {
                // It was created only to find out.
                let _ = fs::remove_file(path);
            }
            Ok(())
        }
        Err(error) => complain(plain(&error)),
    }
}

/// Writes a whole file or none: first beside its place, then renamed into it.
/// A path that is no regular file, such as a pipe, is written to directly. A file
/// that is replaced keeps its permissions.
///
/// # Errors
/// What the system said.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let before = fs::metadata(path).ok();
    if before.as_ref().is_some_and(|meta| !meta.is_file()) {
        return fs::write(path, text);
    }
    // What a link leads to is replaced, not the link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::File::create(&beside)
        .and_then(|mut file| {
            if let Some(before) = before {
                file.set_permissions(before.permissions())?;
            }
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The same, with a complaint.
///
/// # Errors
/// When it cannot be written.
pub(super) fn put(path: &Path, text: &str) -> Result<(), Complaint> {
    write(path, text).map_err(|error| unwritten(path, &error))
}

/// That a file cannot be written.
pub(super) fn unwritten(path: &Path, error: &std::io::Error) -> Complaint {
    Complaint::usage(format!("cannot write `{}`: {}", path.display(), plain(error)))
}

/// Whether two paths lead to one file, as far as that can be known before both
/// exist. A device may be named twice.
pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| match fs::canonicalize(path) {
        Ok(path) => path,
        Err(_) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::canonicalize(parent).unwrap_or_default().join(path.file_name().unwrap_or_default())
        }
    };
    place(a) == place(b) && !fs::metadata(a).is_ok_and(|meta| !meta.is_file())
}

/// Where results go when their own place failed.
pub(super) fn rescue(run_id: &str, text: &str) -> Option<PathBuf> {
    let path = std::env::temp_dir().join(format!("mcpl-{run_id}.json"));
    write(&path, text).ok().map(|()| path)
}

/// An error of the system without its number, which tells people nothing.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn finding_out_leaves_no_file_and_harms_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        check_writable(&path).unwrap();
        assert!(!path.exists());
        write(&path, "kept").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
        assert!(check_writable(dir.path()).unwrap_err().message.contains("it is a directory"));
        let missing = dir.path().join("none/run.json");
        assert!(check_writable(&missing).unwrap_err().message.contains("no such file or directory"));
    }
}
