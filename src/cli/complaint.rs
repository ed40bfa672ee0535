//! What stops a command: a sentence, how to go on, and an exit code.

use super::exit;

/// A complaint to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// A lowercase fragment that names what is wrong.
    pub(super) message: String,
    /// Begins with a verb and says what to do.
    pub(super) help: Option<String>,
    pub(super) code: u8,
}

impl Complaint {
    /// The file or the command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Complaint {
        Complaint { message: message.into(), help: None, code: exit::USAGE }
    }

    /// A server could not be reached or set up.
    pub(super) fn server(message: impl Into<String>) -> Complaint {
        Complaint { message: message.into(), help: None, code: exit::SERVER }
    }

    /// Says which server it is about.
    pub(super) fn about(mut self, server: &str) -> Complaint {
        self.message = format!("server `{server}`: {}", self.message);
        self
    }

    /// Adds what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Complaint {
        self.help = Some(help.into());
        self
    }
}
