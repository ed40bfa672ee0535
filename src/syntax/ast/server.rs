//! The statements of `server`.

use super::super::kind::Kind;
use super::statement::{Attr, behind, keywords, rejected, statements};
use super::{Expr, Name, blocks, expr_at, named, views};
use crate::text::Span;

views! {
    /// `protocol auto`, or a block of shares.
    Protocol;
    /// `60% 2025-11-25`
    RevisionShare;
    /// `launch ["cmd"] ready within D`
    Launch;
    /// `tls { … }`
    Tls;
    /// `cert "c.pem" key "k.pem"`
    Cert;
    /// `auth oauth { … }`
    Oauth;
    /// `answer sampling { … }`
    Answer;
    /// `header NAME VALUE`
    HeaderStmt;
    /// `builtin rulebook { … }`
    Builtin;
    /// A switch of a built-in server.
    Setting;
}

blocks!(Builtin, Protocol, Tls, Oauth);
named!(Builtin, Setting);
keywords!(HeaderStmt, Launch, Cert, Answer);

statements! {
    /// A statement of `server`.
    ServerStmt {
        /// `http URL`
        Http => Http(Attr),
        /// `stdio ["cmd", "arg"]`
        Stdio => Stdio(Attr),
        /// `sse URL`
        Sse => Sse(Attr),
        /// `builtin rulebook { … }`
        Builtin => Builtin(Builtin),
        /// `at TARGET`
        At => At(Attr),
        /// `header NAME VALUE`
        Header => Header(HeaderStmt),
        /// `protocol auto`, a revision, or shares of several.
        Protocol => Protocol(Protocol),
        /// `timeout 10s`
        Timeout => Timeout(Attr),
        /// `connect_timeout 1s`
        ConnectTimeout => ConnectTimeout(Attr),
        /// `env { "K": "V" }`
        Env => Env(Attr),
        /// `cwd "dir"`
        Cwd => Cwd(Attr),
        /// `launch ["cmd"] ready within 10s`
        Launch => Launch(Launch),
        /// `tls { … }`
        Tls => Tls(Tls),
        /// `auth bearer VALUE`
        AuthBearer => AuthBearer(Attr),
        /// `auth oauth { … }`
        AuthOauth => AuthOauth(Oauth),
        /// `proxy environment`
        ProxyEnvironment => ProxyEnvironment(Attr),
        /// `proxy URL`
        Proxy => Proxy(Attr),
        /// `quickack on`
        Quickack => Quickack(Attr),
        /// `pid 1234`
        Pid => Pid(Attr),
        /// `answer elicitation { … }`
        Answer => Answer(Answer),
        /// `capabilities { … }`
        Capabilities => Capabilities(Attr),
    }
}

statements! {
    /// A statement of `tls`.
    TlsStmt {
        /// `ca "ca.pem"`
        Ca => Ca(Attr),
        /// `cert "c.pem" key "k.pem"`
        Cert => Cert(Cert),
        /// `insecure on`
        Insecure => Insecure(Attr),
    }
}

statements! {
    /// A statement of `auth oauth`.
    OauthStmt {
        /// `token_url URL`
        TokenUrl => TokenUrl(Attr),
        /// `client_id ID`
        ClientId => ClientId(Attr),
        /// `client_secret VALUE`
        ClientSecret => ClientSecret(Attr),
        /// `client_key FILE`
        ClientKey => ClientKey(Attr),
        /// `key_id ID`
        KeyId => KeyId(Attr),
        /// `audience AUDIENCE`
        Audience => Audience(Attr),
        /// `scopes […]`
        Scopes => Scopes(Attr),
    }
}

impl Protocol {
    /// The word behind the keyword.
    #[must_use]
    pub fn word(&self) -> Option<Name> {
        Name::of(&self.0)
    }

    /// Its shares, where it is a block.
    #[must_use]
    pub fn shares(&self) -> Vec<RevisionShare> {
        self.0.children().filter(|node| node.kind() == Kind::RevisionShare).map(RevisionShare).collect()
    }

    /// The lines that the parser rejected.
    #[must_use]
    pub fn rejected(&self) -> Vec<Span> {
        rejected(&self.0)
    }
}

impl RevisionShare {
    /// The part of the virtual users.
    #[must_use]
    pub fn percent(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The revision.
    #[must_use]
    pub fn revision(&self) -> Option<Name> {
        Name::of(&self.0)
    }
}

impl Launch {
    /// The command.
    #[must_use]
    pub fn command(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The time behind `ready within`.
    #[must_use]
    pub fn within(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwWithin)
    }
}

impl Tls {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<TlsStmt> {
        self.0.children().filter_map(TlsStmt::cast).collect()
    }
}

impl Cert {
    /// The file of the certificate.
    #[must_use]
    pub fn cert(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The file of its key.
    #[must_use]
    pub fn key(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwKey)
    }
}

impl Oauth {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<OauthStmt> {
        self.0.children().filter_map(OauthStmt::cast).collect()
    }
}

impl Answer {
    /// What the server asks for.
    #[must_use]
    pub fn word(&self) -> Option<Name> {
        Name::of(&self.0)
    }

    /// The answer.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl HeaderStmt {
    /// The name of the header.
    #[must_use]
    pub fn name(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Builtin {
    /// Its switches; rejected lines are left out.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.0.children().filter(|node| node.kind() == Kind::Setting).map(Setting).collect()
    }
}

impl Setting {
    /// The value behind the name.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}
