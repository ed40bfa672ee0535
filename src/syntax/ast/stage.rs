//! The statements of `stages`.

use super::super::kind::Kind;
use super::statement::{Attr, WordStmt, behind, keywords, statements};
use super::{Expr, blocks, expr_at, tokens, views};

views! {
    /// `stages { … }`
    Stages;
    /// `ramp A -> B over D`
    Ramp;
    /// `hold A for D`
    Hold;
    /// `seek A -> B step C while CONDITION`
    Seek;
    /// `iterations N shared by 20 users`
    Iterations;
}

blocks!(Stages);
keywords!(Ramp, Hold, Seek, Iterations);

statements! {
    /// A statement of `stages`.
    Stage {
        /// `ramp A -> B over D`
        Ramp => Ramp(Ramp),
        /// `hold A for D`
        Hold => Hold(Hold),
        /// `seek A -> B step C while CONDITION`
        Seek => Seek(Seek),
        /// `iterations N shared by 20 users`
        Iterations => Iterations(Iterations),
        /// `drain up to D`
        Drain => Drain(Attr),
        /// `arrivals poisson`
        Arrivals => Arrivals(WordStmt),
        /// `max users 50 users`
        MaxUsers => MaxUsers(Attr),
    }
}

impl Stages {
    /// The stages and their settings, in order.
    #[must_use]
    pub fn statements(&self) -> Vec<Stage> {
        self.0.children().filter_map(Stage::cast).collect()
    }
}

impl Ramp {
    /// The level it starts at.
    #[must_use]
    pub fn from(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The level it ends at.
    #[must_use]
    pub fn to(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }

    /// How long it takes.
    #[must_use]
    pub fn over(&self) -> Option<Expr> {
        expr_at(&self.0, 2)
    }
}

impl Hold {
    /// The level.
    #[must_use]
    pub fn level(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Seek {
    /// The level it starts at.
    #[must_use]
    pub fn from(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The level it ends at unless the condition breaks before.
    #[must_use]
    pub fn to(&self) -> Option<Expr> {
        behind(&self.0, Kind::Arrow)
    }

    /// By how much the level rises.
    #[must_use]
    pub fn step(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwStep)
    }

    /// How long a level lasts.
    #[must_use]
    pub fn every(&self) -> Option<Expr> {
        self.has(Kind::KwEvery).then(|| behind(&self.0, Kind::KwEvery)).flatten()
    }

    /// What must hold of each level.
    #[must_use]
    pub fn condition(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwWhile)
    }

    /// For how long the last good level is confirmed.
    #[must_use]
    pub fn confirm(&self) -> Option<Expr> {
        self.has(Kind::KwConfirm).then(|| behind(&self.0, Kind::KwConfirm)).flatten()
    }

    fn has(&self, kind: Kind) -> bool {
        tokens(&self.0).any(|token| token.kind() == kind)
    }
}

impl Iterations {
    /// How many.
    #[must_use]
    pub fn count(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// Whether all users share them, rather than each having so many.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        tokens(&self.0).any(|token| token.kind() == Kind::KwShared)
    }

    /// The users who perform them.
    #[must_use]
    pub fn users(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwBy)
    }

    /// The time within which they must be done.
    #[must_use]
    pub fn within(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwWithin)
    }
}
