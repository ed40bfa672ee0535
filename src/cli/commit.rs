//! The commit that is measured, as far as it is known without asking git: from the
//! environment of a CI system, or from the files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Variables in which CI systems name the commit.
const VARIABLES: [&str; 2] = ["GITHUB_SHA", "CI_COMMIT_SHA"];

/// The commit of the repository that `directory` is in.
pub(super) fn commit(directory: &Path) -> Option<String> {
    let named = VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).find(|value| is_hash(value));
    named.or_else(|| checked_out(directory))
}

/// What is checked out, from the `.git` of the directory or of one above it.
fn checked_out(directory: &Path) -> Option<String> {
    let whole = fs::canonicalize(if directory.as_os_str().is_empty() { Path::new(".") } else { directory }).ok()?;
    let git = whole.ancestors().map(|directory| directory.join(".git")).find(|git| git.exists())?;
    let git = if git.is_file() { linked(&git)? } else { git };
    let head = read(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else { return Some(head).filter(|head| is_hash(head)) };
    // The name is a path below the directory; others lead out of it.
    if !name.starts_with("refs/") || name.split('/').any(|part| part == "..") {
        return None;
    }
    // A worktree has its own HEAD and shares its branches.
    let shared = read(&git.join("commondir")).map_or_else(|| git.clone(), |common| git.join(common));
    let loose = [&git, &shared].into_iter().find_map(|place| read(&place.join(name)).filter(|hash| is_hash(hash)));
    loose.or_else(|| {
        let packed = fs::read_to_string(shared.join("packed-refs")).ok()?;
        let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(hash, packed)| *packed == name && is_hash(hash)).map(|(hash, _)| hash.to_owned())
    })
}

/// The directory that a `.git` file of a worktree or submodule names.
fn linked(file: &Path) -> Option<PathBuf> {
    let text = read(file)?;
    Some(file.parent()?.join(text.strip_prefix("gitdir: ")?))
}

/// The first line of a file.
fn read(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.lines().next()?.trim().to_owned())
}

/// SHA-1 or SHA-256 in hex.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_commit_is_found_in_the_files_of_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let below = root.join("load/tests");
        fs::create_dir_all(&below).unwrap();
        let git = root.join(".git");
        write(&git.join("HEAD"), &format!("{ONE}\n"));
        assert_eq!(checked_out(&below).as_deref(), Some(ONE), "detached");
        write(&git.join("HEAD"), "ref: refs/heads/a/b\n");
        assert_eq!(checked_out(&below), None, "no commit yet");
        write(&git.join("packed-refs"), &format!("# pack-refs with: peeled\n{TWO} refs/heads/a/b\n^{ONE}\n"));
        assert_eq!(checked_out(&below).as_deref(), Some(TWO));
        write(&git.join("refs/heads/a/b"), &format!("{ONE}\n"));
        assert_eq!(checked_out(&below).as_deref(), Some(ONE), "what is packed is older");
        for strange in ["ref: ../../secret", "ref: refs/../../secret", "", "x"] {
            write(&git.join("HEAD"), strange);
            assert_eq!(checked_out(&below), None, "{strange}");
        }
    }

    #[test]
    fn a_worktree_has_a_head_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let git = dir.path().join("main/.git");
        write(&git.join("HEAD"), &format!("{ONE}\n"));
        write(&git.join("refs/heads/w"), &format!("{TWO}\n"));
        write(&git.join("worktrees/w/HEAD"), "ref: refs/heads/w\n");
        write(&git.join("worktrees/w/commondir"), "../..\n");
        write(&dir.path().join("w/.git"), &format!("gitdir: {}\n", git.join("worktrees/w").display()));
        assert_eq!(checked_out(&dir.path().join("w")).as_deref(), Some(TWO));
        assert_eq!(checked_out(&dir.path().join("main")).as_deref(), Some(ONE));
    }
}
