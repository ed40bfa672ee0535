//! Assertions by which a client proves at a token endpoint who it is, signed with its key:
//! `private_key_jwt` (RFC 7523, sections 2.2 and 3, and draft-ietf-oauth-rfc7523bis).
//!
//! Invariant: a key signs assertions and appears nowhere, and no two assertions are the same.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::time::Instant;
use tokio_rustls::rustls::SignatureScheme;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::sign::SigningKey;

/// How long an assertion is good for, in seconds. It is used at once; the rest is for clocks
/// that differ. The MCP SDKs have the same.
const LIFETIME: u64 = 300;

/// How a key signs.
#[derive(Clone, Copy, Debug)]
struct Algorithm {
    /// Its name in JWS (RFC 7518, section 3.1; RFC 8037).
    name: &'static str,
    scheme: SignatureScheme,
    /// The bytes of each of the two numbers of an ECDSA signature.
    ecdsa: Option<usize>,
}

/// Those that mcpl signs with, and of those that a key has, which it prefers.
const ALGORITHMS: [Algorithm; 5] = [
    Algorithm { name: "ES256", scheme: SignatureScheme::ECDSA_NISTP256_SHA256, ecdsa: Some(32) },
    Algorithm { name: "ES384", scheme: SignatureScheme::ECDSA_NISTP384_SHA384, ecdsa: Some(48) },
    Algorithm { name: "RS256", scheme: SignatureScheme::RSA_PKCS1_SHA256, ecdsa: None },
    Algorithm { name: "PS256", scheme: SignatureScheme::RSA_PSS_SHA256, ecdsa: None },
    Algorithm { name: "EdDSA", scheme: SignatureScheme::ED25519, ecdsa: None },
];

/// Why a text is not the key of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no private key in it.
    #[error("holds no private key in PEM form")]
    Absent,
    /// It has a password.
    #[error("holds a private key that is encrypted")]
    Encrypted,
    /// Nothing can be signed with it.
    #[error("holds a private key that cannot sign assertions")]
    Unusable,
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Absent => "name a text that holds `-----BEGIN PRIVATE KEY-----` and what follows",
            Self::Encrypted => "write it without its password: `openssl pkey -in FILE -out plain.key`",
            Self::Unusable => {
                "take an EC key on P-256 or P-384, an RSA key of 2048 to 4096 bits or an Ed25519 key, such as one of \
                 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out client.key`"
            }
        }
    }
}

/// The private key of a client.
pub struct ClientKey {
    key: Arc<dyn SigningKey>,
    /// What the authorization server calls it (`kid`).
    pub key_id: Option<String>,
    /// Whom its assertions are for, where that is not to be found out.
    pub audience: Option<String>,
    /// When it was read, by a clock that nobody sets, and how long that was after 1970.
    read: (Instant, Duration),
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("key_id", &self.key_id)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl ClientKey {
    /// The first private key of a text in PEM form: PKCS#8, PKCS#1 or SEC 1. `since_1970` is the
    /// time of this moment; assertions are dated from it by how much time has gone by, so that a
    /// clock that is set during a run changes nothing.
    ///
    /// # Errors
    /// If there is none in it that assertions can be signed with.
    pub fn new(pem: &[u8], since_1970: Duration) -> Result<Self, KeyError> {
        let encrypted = |pem: &[u8]| String::from_utf8_lossy(pem).contains("ENCRYPTED");
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| match encrypted(pem) {
            true => KeyError::Encrypted,
            false => KeyError::Absent,
        })?;
        let key = ring::sign::any_supported_type(&der).map_err(|_| match encrypted(pem) {
            true => KeyError::Encrypted,
            false => KeyError::Unusable,
        })?;
        let key = Self { key, key_id: None, audience: None, read: (Instant::now(), since_1970) };
        if key.algorithms().next().is_some() { Ok(key) } else { Err(KeyError::Unusable) }
    }

    fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        ALGORITHMS.into_iter().filter(|algorithm| self.key.choose_scheme(&[algorithm.scheme]).is_some())
    }

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        let (read, since_1970) = self.read;
        (since_1970 + read.elapsed()).as_secs()
    }
}

/// How a client signs assertions for one authorization server.
#[derive(Debug)]
pub struct Assertions {
    key: ClientKey,
    algorithm: Algorithm,
    audience: String,
    /// The type of the token: the one of its own says that the audience is meant to be the
    /// issuer, as rfc7523bis has it (section 4).
    kind: &'static str,
}

impl Assertions {
    /// Assertions for the authorization server with this token endpoint, and `issuer` if that is
    /// known. It takes the algorithms that it `accepts`, or has not said which (`[]`).
    ///
    /// # Errors
    /// If the key signs with none of them: what to say about it.
    pub fn new(key: ClientKey, token_url: &str, issuer: Option<&str>, accepts: &[String]) -> Result<Self, String> {
        let accepted = |name: &str| accepts.is_empty() || accepts.iter().any(|accepted| accepted == name);
        let Some(algorithm) = key.algorithms().find(|algorithm| accepted(algorithm.name)) else {
            let own: Vec<_> = key.algorithms().map(|algorithm| algorithm.name).collect();
            return Err(format!("it takes {}, and the client's key signs with {}", accepts.join(", "), own.join(", ")));
        };
        let audience = key.audience.clone().unwrap_or_else(|| issuer.unwrap_or(token_url).to_owned());
        // Where it is the token endpoint, as RFC 7523 has it, the type is that of any JWT.
        let kind = if audience == token_url { "JWT" } else { "client-authentication+jwt" };
        Ok(Self { key, algorithm, audience, kind })
    }

    /// An assertion of this client. `None` if the system has no random numbers.
    pub(super) fn sign(&self, client_id: &str) -> Option<String> {
        // Not from the seed of a run: whoever takes an assertion remembers it, so that the next
        // run with this seed would be refused.
        let mut random = [0; 16];
        ring::default_provider().secure_random.fill(&mut random).ok()?;
        let now = self.key.now();
        let mut header = json!({ "alg": self.algorithm.name, "typ": self.kind });
        if let (Some(header), Some(key_id)) = (header.as_object_mut(), &self.key.key_id) {
            header.insert("kid".to_owned(), key_id.as_str().into());
        }
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience,
            "jti": URL_SAFE_NO_PAD.encode(random),
            "iat": now,
            "exp": now.saturating_add(LIFETIME),
        });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = self.key.key.choose_scheme(&[self.algorithm.scheme])?.sign(signed.as_bytes()).ok()?;
        let signature = match self.algorithm.ecdsa {
            Some(width) => joined(&signature, width)?,
            None => signature,
        };
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The two numbers of an ECDSA signature in the form of JWS, one behind the other (RFC 7518,
/// section 3.4), from that of TLS, a sequence in DER (RFC 3279, section 2.2.3).
fn joined(der: &[u8], width: usize) -> Option<Vec<u8>> {
    let (sequence, _) = element(0x30, der)?;
    let (r, rest) = element(0x02, sequence)?;
    let (s, _) = element(0x02, rest)?;
    let mut out = Vec::with_capacity(2 * width);
    for number in [r, s] {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let digits = number.get(zeros..)?;
        out.resize(out.len() + width.checked_sub(digits.len())?, 0);
        out.extend_from_slice(digits);
    }
    Some(out)
}

/// What an element with this tag holds, and what is behind it. Its length is one byte: on
/// these curves no signature is longer than 104.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    match der {
        [found, length @ 0..=0x7f, rest @ ..] if *found == tag => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn the_numbers_of_a_signature_have_all_their_digits() {
        // One has a zero in front to be positive, the other is short.
        assert_eq!(joined(&[0x30, 8, 2, 3, 0, 0x80, 1, 2, 1, 7], 2).unwrap(), [0x80, 1, 0, 7]);
        for broken in [&[][..], &[0x30], &[0x30, 3, 2, 1, 7], &[0x30, 6, 2, 1, 7, 3, 1, 7], &[0x30, 9, 2, 3, 1, 1, 1]] {
            assert_eq!(joined(broken, 2), None, "{broken:?}");
        }
        // Longer than numbers of this curve are.
        assert_eq!(joined(&[0x30, 8, 2, 3, 1, 1, 1, 2, 1, 7], 2), None);
    }
}
