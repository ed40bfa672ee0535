//! The words that generated rules are made of.

/// One topic and the advice it has to give: a title and its sentence.
pub struct Topic {
    /// The topic, which is also the rule's first tag.
    pub name: &'static str,
    /// Titles and sentences.
    pub advice: &'static [(&'static str, &'static str)],
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "naming",
        advice: &[
            ("Name things in full words", "Write `customer_count`, not `cust_cnt`."),
            ("Name booleans as statements", "A reader should be able to say *if it is open* from `is_open`."),
            ("Give one concept one name", "Two names for one thing make readers look for a difference."),
            ("Keep names as long as their scope", "A short loop may use `i`; a public constant may not."),
        ],
    },
    Topic {
        name: "errors",
        advice: &[
            ("Return errors, do not hide them", "An ignored error is a bug that has not been found yet."),
            ("Say what was attempted", "The message names the **action** and its object, then the cause."),
            ("Fail early on bad input", "Check arguments before the first side effect."),
            ("Keep error types small", "One variant for each reaction a caller can have is enough."),
        ],
    },
    Topic {
        name: "tests",
        advice: &[
            ("Test behaviour, not structure", "A test that breaks on a rename tests the wrong thing."),
            ("Write tests that can fail", "See each test fail once before you trust it."),
            ("Keep tests independent", "Any test must pass **alone** and in any order."),
            ("Never sleep in a test", "Wait for an event or use virtual time."),
        ],
    },
    Topic {
        name: "logging",
        advice: &[
            ("Log events, not prose", "Use fields such as `user_id=7`; a machine reads them first."),
            ("Keep secrets out of logs", "Tokens and passwords are masked where they enter."),
            ("Choose the level by the reader", "An *error* asks someone to act; everything else is information."),
        ],
    },
    Topic {
        name: "comments",
        advice: &[
            ("Explain why, not what", "The code says what it does; the reason is what gets lost."),
            ("Delete commented-out code", "The history keeps it, and nobody dares to revive it."),
            ("Document units and ranges", "`timeout` is a guess; *milliseconds, 1 to 60,000* is a contract."),
        ],
    },
    Topic {
        name: "functions",
        advice: &[
            ("Let a function do one thing", "If its name needs an *and*, it is two functions."),
            ("Prefer few parameters", "More than four ask for a struct with named fields."),
            ("Separate questions from commands", "A function either changes something or answers something."),
            ("Keep functions on one screen", "What cannot be seen at once is not understood at once."),
        ],
    },
    Topic {
        name: "types",
        advice: &[
            ("Make wrong states impossible", "An `enum` with data beats three optional fields."),
            ("Give identifiers their own type", "A `UserId` cannot be passed where an `OrderId` belongs."),
            ("Parse once at the border", "Inside, work with types that are already valid."),
        ],
    },
    Topic {
        name: "concurrency",
        advice: &[
            ("Hold locks for moments", "Never hold one over *input, output* or another lock."),
            ("Share by messages", "Ownership that moves cannot race."),
            ("Bound every queue", "An unbounded queue turns slowness into a crash."),
            ("Cancel what nobody awaits", "Work without a reader wastes a core."),
        ],
    },
    Topic {
        name: "dependencies",
        advice: &[
            ("Add a dependency for a reason", "Write the reason beside it in the manifest."),
            ("Pin what is shipped", "The lock file is part of the release."),
            ("Wrap what may be replaced", "Only **one** module names the library."),
        ],
    },
    Topic {
        name: "security",
        advice: &[
            ("Treat input as hostile", "Limit its *size* before its content is looked at."),
            ("Refuse by default", "What is not allowed by name is forbidden."),
            ("Compare secrets in constant time", "A timing difference is a side door."),
        ],
    },
    Topic {
        name: "performance",
        advice: &[
            ("Measure before you tune", "A profile is worth more than an opinion."),
            ("Reuse connections", "A handshake costs more than most requests."),
            ("Avoid work in loops", "Move what does not change out of them."),
        ],
    },
    Topic {
        name: "reviews",
        advice: &[
            ("Keep changes small", "A reviewer reads *400 lines* well and 4,000 not at all."),
            ("Describe the change first", "Say what it does and how it was tested."),
            ("Ask before you rewrite", "A question costs a minute and a rewrite costs a day."),
        ],
    },
];

/// Where a rule applies: the end of the title (which says nothing where the
/// rule is general), a tag, and a sentence.
pub const SCOPES: &[(&str, &str, &str)] = &[
    ("", "general", "This holds in every part of the code."),
    (" in public interfaces", "api", "Callers outside the team depend on it."),
    (" in library code", "library", "Libraries cannot know who calls them."),
    (" in request handlers", "server", "Handlers run under load and see every kind of input."),
    (" in command-line tools", "cli", "Users read what a tool prints and scripts parse it."),
    (" in background jobs", "jobs", "Nobody is watching when a job goes wrong."),
    (" in migrations", "data", "A migration runs once and cannot be tried again."),
    (" in shared modules", "shared", "A shared module is changed by many hands."),
    (" in prototypes too", "prototype", "Prototypes have a way of being shipped."),
];

/// Why, as a closing sentence.
pub const REASONS: &[&str] = &[
    "It keeps the next change cheap.",
    "Most incidents of this kind began with an exception to this rule.",
    "Readers outnumber writers by far.",
    "A tool can check it, so people need not.",
    "Exceptions need a comment that gives the reason.",
    "When in doubt, choose the version that is easier to delete.",
    "It was decided once so that it need not be discussed again.",
];
