//! The machine that made the load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine that generated the load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Operating system and kernel.
    pub os: String,
    /// Processor.
    pub cpu: String,
    /// Logical processors this process may use.
    pub cores: usize,
    /// Main memory in bytes; 0 when unknown.
    pub memory_bytes: u64,
    /// Limit of open file descriptors; 0 when unknown.
    pub open_files: u64,
}

impl Environment {
    /// What two machines have in common whose times may be compared: the model of the
    /// processor, how many of them may be used, the system and the architecture. The
    /// version of the kernel is not among it, since it changes with each update, nor is
    /// the memory, of which machines of one kind differ by a little: it decides whether
    /// a run can be made, as a limit of descriptors does, and not how long answers take.
    #[must_use]
    pub fn class(&self) -> String {
        let words: Vec<&str> = self.os.split_whitespace().collect();
        let system = [words.first(), words.get(1..).and_then(<[&str]>::last)];
        let system: Vec<&str> = system.into_iter().flatten().copied().collect();
        let system = if system.is_empty() { "an unknown system".to_owned() } else { system.join(" ") };
        let cpu = if self.cpu.is_empty() { "a processor without a name" } else { &self.cpu };
        format!("{} × {cpu} with {system}", self.cores)
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    fn machine(os: &str, memory_bytes: u64) -> Environment {
        Environment { os: os.to_owned(), cpu: "CPU 9".to_owned(), cores: 2, memory_bytes, open_files: 1024 }
    }

    #[test]
    fn machines_of_one_kind_are_of_one_class() {
        let one = machine("Linux 6.1.0-13-amd64 x86_64", 16_374_000_000);
        let other = Environment { open_files: 4096, ..machine("Linux 6.8.0-18-amd64 x86_64", 16_371_000_000) };
        assert_eq!(one.class(), "2 × CPU 9 with Linux x86_64");
        assert_eq!(one.class(), other.class());
    }

    #[test]
    fn other_machines_are_of_another() {
        let one = machine("Linux 6.1.0 x86_64", 8 << 30);
        for other in [
            machine("Darwin 6.1.0 x86_64", 8 << 30),
            machine("Linux 6.1.0 aarch64", 8 << 30),
            Environment { cores: 4, ..one.clone() },
            Environment { cpu: "CPU 10".to_owned(), ..one.clone() },
        ] {
            assert_ne!(one.class(), other.class());
        }
        assert_eq!(Environment::default().class(), "0 × a processor without a name with an unknown system");
    }
}
