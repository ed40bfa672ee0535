//! Other files that a scenario file names: what it includes, and its data.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::output::plain;
use crate::data;
use crate::model::Files;

/// The files of this machine. A path counts from the directory of the file that
/// names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &str, from: &str) -> Result<(String, Vec<u8>), String> {
        let beside =
            if from == super::load::STDIN { Path::new("") } else { Path::new(from).parent().unwrap_or(Path::new("")) };
        let path = tidy(&beside.join(path));
        let name = path.display().to_string();
        let file = fs::File::open(&path).map_err(|error| plain(&error))?;
        let metadata = file.metadata().map_err(|error| plain(&error))?;
        if metadata.is_dir() {
            return Err("it is a directory".to_owned());
        }
        let limit = data::MAX_FILE_BYTES as u64;
        if metadata.len() > limit {
            return Err(format!("it is larger than {} MiB", limit / 1024 / 1024));
        }
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| plain(&error))?;
        if bytes.len() as u64 > limit {
            return Err(format!("it is larger than {} MiB", limit / 1024 / 1024));
        }
        Ok((name, bytes))
    }
}

/// The path without `.` and without `..` behind a name, so that one file has one
/// name.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_name() {
        for (path, name) in
            [("a/./b", "a/b"), ("a/../b", "b"), ("../b", "../b"), ("a/b/../../c", "c"), ("/a/../b", "/b"), ("./a", "a")]
        {
            assert_eq!(tidy(Path::new(path)), Path::new(name), "{path}");
        }
    }
}
