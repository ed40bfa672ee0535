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
    /// What two machines have in common whose times may be compared: the model of
    /// the processor, how many of them may be used, the memory to the nearest power
    /// of two, and the system with the first two numbers of its kernel. Machines of
    /// one kind that a cloud lends out are alike in it; the rest, such as a limit of
    /// descriptors, decides whether a run can be made and not how long answers take.
    #[must_use]
    pub fn class(&self) -> String {
        let cpu = if self.cpu.is_empty() { "unknown processor" } else { &self.cpu };
        format!("{cpu} × {} | {} | {}", self.cores, memory(self.memory_bytes), system(&self.os))
    }
}

/// To the nearest power of two, in GiB or MiB.
#[expect(clippy::cast_precision_loss, reason = "to the nearest power of two")]
fn memory(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    let mib = bytes / MIB;
    if mib == 0 {
        return "unknown memory".to_owned();
    }
    // The next power of two is the nearest one from the geometric mean on.
    let below = mib.ilog2();
    let nearest = below + u32::from(mib as f64 >= (1_u64 << below) as f64 * std::f64::consts::SQRT_2);
    if nearest >= 10 { format!("{} GiB", 1_u64 << (nearest - 10)) } else { format!("{} MiB", 1_u64 << nearest) }
}

/// `Linux 6.1 x86_64` of `Linux 6.1.0-13-amd64 x86_64`
fn system(os: &str) -> String {
    let words: Vec<String> = os
        .split_whitespace()
        .map(|word| match word.starts_with(|c: char| c.is_ascii_digit()) {
            true => word.split('.').take(2).collect::<Vec<_>>().join("."),
            false => word.to_owned(),
        })
        .collect();
    if words.is_empty() { "unknown system".to_owned() } else { words.join(" ") }
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
        let other = Environment { open_files: 4096, ..machine("Linux 6.1.0-18-amd64 x86_64", 16_371_000_000) };
        assert_eq!(one.class(), "CPU 9 × 2 | 16 GiB | Linux 6.1 x86_64");
        assert_eq!(one.class(), other.class());
    }

    #[test]
    fn other_machines_are_of_another() {
        let one = machine("Linux 6.1.0 x86_64", 8 << 30);
        for other in [
            machine("Linux 6.8.0 x86_64", 8 << 30),
            machine("Linux 6.1.0 aarch64", 8 << 30),
            machine("Linux 6.1.0 x86_64", 4 << 30),
            Environment { cores: 4, ..one.clone() },
            Environment { cpu: "CPU 10".to_owned(), ..one.clone() },
        ] {
            assert_ne!(one.class(), other.class());
        }
        assert_eq!(Environment::default().class(), "unknown processor × 0 | unknown memory | unknown system");
        assert!(machine("", 700 << 20).class().contains("512 MiB"));
        assert!(machine("", 768 << 20).class().contains("1 GiB"));
    }
}
