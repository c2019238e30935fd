//! CloudFront's signatures: a policy in JSON, signed with RSA (PKCS #1 v1.5, RFC 8017 8.2.1) over SHA-1 or SHA-256, and
//! written in base64 with `-`, `_` and `~` for what an address cannot hold. After the chapters "Use signed URLs" and "Use
//! signed cookies" of the CloudFront developer guide.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rsa::{
    Pkcs1v15Sign, RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::DecodePrivateKey,
    rand_core::OsRng,
    sha2::{Digest, Sha256},
    traits::PublicKeyParts,
};
use sha1::Sha1;

/// Smallest key that CloudFront takes, in bits.
pub const MODULUS_BITS_MIN: usize = 2_048;
/// Longest id of a public key in CloudFront, in characters.
const PAIR_ID_CHARS_MAX: usize = 64;

/// What the policy is hashed with before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hash {
    /// What CloudFront takes for given when nothing else is said.
    #[default]
    Sha1,
    /// Said with each signature.
    Sha256,
}

/// A key that cannot sign for CloudFront.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("is no RSA private key in PEM (PKCS #1 or PKCS #8, without a passphrase)")]
    NoKey,
    #[error("has fewer than {MODULUS_BITS_MIN} bits")]
    Short,
    #[error("is 1 to {PAIR_ID_CHARS_MAX} letters and digits")]
    PairId,
}

/// The private half of a key pair of a CloudFront key group. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey {
    pair_id: Arc<str>,
    key: Arc<RsaPrivateKey>,
    hash: Hash,
}

/// A policy and its signature, as addresses and cookies carry them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub policy: String,
    pub signature: String,
}

impl SigningKey {
    /// `pair_id`: what CloudFront calls the public half.
    ///
    /// # Errors
    /// [`KeyError`]; never with anything of the key in it.
    pub fn from_pem(pair_id: &str, pem: &str, hash: Hash) -> Result<Self, KeyError> {
        let key = Self::of(pair_id, pem, hash)?;
        if key.key.n().bits() < MODULUS_BITS_MIN { Err(KeyError::Short) } else { Ok(key) }
    }

    fn of(pair_id: &str, pem: &str, hash: Hash) -> Result<Self, KeyError> {
        let plain = pair_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain || !(1..=PAIR_ID_CHARS_MAX).contains(&pair_id.len()) {
            return Err(KeyError::PairId);
        }
        let key = RsaPrivateKey::from_pkcs8_pem(pem).or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem));
        Ok(Self { pair_id: pair_id.into(), key: Arc::new(key.map_err(|_| KeyError::NoKey)?), hash })
    }

    pub fn pair_id(&self) -> &str {
        &self.pair_id
    }

    /// How CloudFront is told what was hashed with; nothing for SHA-1.
    pub fn hash_name(&self) -> Option<&'static str> {
        match self.hash {
            Hash::Sha1 => None,
            Hash::Sha256 => Some("SHA256"),
        }
    }

    /// The address with a canned policy: it opens exactly this, until `expires_s` (Unix seconds). `url` may have a query.
    pub fn canned_url(&self, url: &str, expires_s: i64) -> String {
        let signature = self.signature(&policy(url, expires_s));
        let (join, hash) = (if url.contains('?') { '&' } else { '?' }, self.hash_parameter());
        format!("{url}{join}Expires={expires_s}&Signature={signature}&Key-Pair-Id={}{hash}", self.pair_id)
    }

    /// Signs a policy of one's own ("custom policy").
    pub fn sign(&self, policy: &str) -> Signed {
        Signed { policy: encode(policy.as_bytes()), signature: self.signature(policy) }
    }

    /// The query that carries a custom policy; any address within the policy may have it.
    pub fn query(&self, signed: &Signed) -> String {
        let (pair_id, hash) = (&self.pair_id, self.hash_parameter());
        format!("Policy={}&Signature={}&Key-Pair-Id={pair_id}{hash}", signed.policy, signed.signature)
    }

    /// Names and values of the cookies that carry a custom policy.
    pub fn cookies(&self, signed: &Signed) -> Vec<(&'static str, String)> {
        let hash = self.hash_name().map(|name| ("CloudFront-Hash-Algorithm", name.to_owned()));
        let cookies = [
            ("CloudFront-Policy", signed.policy.clone()),
            ("CloudFront-Signature", signed.signature.clone()),
            ("CloudFront-Key-Pair-Id", self.pair_id.to_string()),
        ];
        cookies.into_iter().chain(hash).collect()
    }

    fn hash_parameter(&self) -> String {
        self.hash_name().map(|name| format!("&Hash-Algorithm={name}")).unwrap_or_default()
    }

    fn signature(&self, text: &str) -> String {
        // Blinded with random numbers, so that the time it takes tells nothing of the key.
        let signed = match self.hash {
            Hash::Sha1 => {
                self.key.sign_with_rng(&mut OsRng, Pkcs1v15Sign::new::<Sha1>(), &<Sha1 as Digest>::digest(text))
            }
            Hash::Sha256 => self.key.sign_with_rng(&mut OsRng, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text)),
        };
        encode(&signed.expect("a key that was read as valid signs a digest shorter than itself"))
    }
}

/// The key is not printed.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("pair_id", &self.pair_id).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// The policy that opens `resource` until `expires_s` (Unix seconds): byte for byte the canned one, which CloudFront makes
/// again for itself. `*` in the resource stands for any characters.
pub fn policy(resource: &str, expires_s: i64) -> String {
    let resource = serde_json::Value::from(resource);
    format!(
        r#"{{"Statement":[{{"Resource":{resource},"Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires_s}}}}}}}]}}"#
    )
}

fn encode(bytes: &[u8]) -> String {
    let changed = |c| match c {
        '+' => '-',
        '=' => '_',
        '/' => '~',
        other => other,
    };
    BASE64_STANDARD.encode(bytes).chars().map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, policies and signatures of Amazon's own documentation, as boto's tests keep them.
    const DOCUMENTED_KEY: &str = "-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDA7ki9gI/lRygIoOjV1yymgx6FYFlzJ+z1ATMaLo57nL57AavW
hb68HYY8EA0GJU9xQdMVaHBogF3eiCWYXSUZCWM/+M5+ZcdQraRRScucmn6g4EvY
2K4W2pxbqH8vmUikPxir41EeBPLjMOzKvbzzQy9e/zzIQVREKSp/7y1mywIDAQAB
AoGABc7mp7XYHynuPZxChjWNJZIq+A73gm0ASDv6At7F8Vi9r0xUlQe/v0AQS3yc
N8QlyR4XMbzMLYk3yjxFDXo4ZKQtOGzLGteCU2srANiLv26/imXA8FVidZftTAtL
viWQZBVPTeYIA69ATUYPEq0a5u5wjGyUOij9OWyuy01mbPkCQQDluYoNpPOekQ0Z
WrPgJ5rxc8f6zG37ZVoDBiexqtVShIF5W3xYuWhW5kYb0hliYfkq15cS7t9m95h3
1QJf/xI/AkEA1v9l/WN1a1N3rOK4VGoCokx7kR2SyTMSbZgF9IWJNOugR/WZw7HT
njipO3c9dy1Ms9pUKwUF46d7049ck8HwdQJARgrSKuLWXMyBH+/l1Dx/I4tXuAJI
rlPyo+VmiOc7b5NzHptkSHEPfR9s1OK0VqjknclqCJ3Ig86OMEtEFBzjZQJBAKYz
470hcPkaGk7tKYAgP48FvxRsnzeooptURW5E+M+PQ2W9iDPPOX9739+Xi02hGEWF
B0IGbQoTRFdE4VVcPK0CQQCeS84lODlC0Y2BZv2JxW3Osv/WkUQ4dslfAQl1T303
7uwwr7XTroMv8dIFQIPreoPhRKmd/SbJzbiKfS/4QDhU
-----END RSA PRIVATE KEY-----
";
    const URL: &str = "http://d604721fxaaqy9.cloudfront.net/horizon.jpg?large=yes&license=yes";
    const SHA1: &str = "Nql641NHEUkUaXQHZINK1FZ~SYeUSoBJMxjdgqrzIdzV2gyEXPDNv0pYdWJkflDKJ3xIu7lbwRpSkG98NBlgPi4ZJpRRnVX4kXAJ\
                        K6tdNx6FucDB7OVqzcxkxHsGFd8VCG1BkC-Afh9~lOCMIYHIaiOB6~5jt9w2EOwi6sIIqrg_";
    /// Made by OpenSSL with the same key over the same policy.
    const SHA256: &str = "j6FqeNS88JZDAJktNZpO~CgTYzluV9ahHUssgkxRiJYb3JbRtF7HqA1eYD9v8p1XMGpEGI00xN7qlbAftV-qw8R0kaIZzCMcDKem\
                          o4ksrxKZ061HYOMk6BEZIY4D0IFy1SRVAvLqs38scygzg8OE6SL2OgoFXxupdeOjtY9ROAM_";
    const EXPIRES_S: i64 = 1_258_237_200;

    fn key(hash: Hash) -> SigningKey {
        SigningKey::of("PK123456789754", DOCUMENTED_KEY, hash).unwrap()
    }

    #[test]
    fn canned_addresses_are_those_of_the_documentation() {
        let plain = format!("{URL}&Expires=1258237200&Signature={SHA1}&Key-Pair-Id=PK123456789754");
        assert_eq!(key(Hash::Sha1).canned_url(URL, EXPIRES_S), plain);
        let newer =
            format!("{URL}&Expires=1258237200&Signature={SHA256}&Key-Pair-Id=PK123456789754&Hash-Algorithm=SHA256");
        assert_eq!(key(Hash::Sha256).canned_url(URL, EXPIRES_S), newer);
        let bare = key(Hash::Sha1).canned_url("https://d1.cloudfront.net/image.jpg", EXPIRES_S);
        assert!(bare.starts_with("https://d1.cloudfront.net/image.jpg?Expires=1258237200&Signature="), "{bare}");
    }

    #[test]
    fn custom_policies_are_encoded_and_signed_as_in_the_documentation() {
        let training = "{ \n   \"Statement\": [{ \n      \"Resource\":\"http://d604721fxaaqy9.cloudfront.net/training/*\", \n      \
                        \"Condition\":{ \n         \"IpAddress\":{\"AWS:SourceIp\":\"145.168.143.0/24\"}, \n         \
                        \"DateLessThan\":{\"AWS:EpochTime\":1258237200}      \n      } \n   }] \n}\n";
        let everything = "{ \n   \"Statement\": [{ \n      \"Resource\":\"http://*\", \n      \"Condition\":{ \n         \
                          \"IpAddress\":{\"AWS:SourceIp\":\"216.98.35.1/32\"},\n         \
                          \"DateGreaterThan\":{\"AWS:EpochTime\":1241073790},\n         \
                          \"DateLessThan\":{\"AWS:EpochTime\":1255674716}\n      } \n   }] \n}\n";
        let training = key(Hash::Sha1).sign(training);
        let policy = "eyAKICAgIlN0YXRlbWVudCI6IFt7IAogICAgICAiUmVzb3VyY2UiOiJodHRwOi8vZDYwNDcyMWZ4YWFxeTkuY2xvdWRmcm9udC5uZXQv\
                      dHJhaW5pbmcvKiIsIAogICAgICAiQ29uZGl0aW9uIjp7IAogICAgICAgICAiSXBBZGRyZXNzIjp7IkFXUzpTb3VyY2VJcCI6IjE0NS4x\
                      NjguMTQzLjAvMjQifSwgCiAgICAgICAgICJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTI1ODIzNzIwMH0gICAgICAKICAg\
                      ICAgfSAKICAgfV0gCn0K";
        let signature = "cPFtRKvUfYNYmxek6ZNs6vgKEZP6G3Cb4cyVt~FjqbHOnMdxdT7eT6pYmhHYzuDsFH4Jpsctke2Ux6PCXcKxUcTIm8SO4b29~1Qv\
                         hMl-CIojki3Hd3~Unxjw7Cpo1qRjtvrimW0DPZBZYHFZtiZXsaPt87yBP9GWnTQoaVysMxQ_";
        assert_eq!((training.policy.as_str(), training.signature.as_str()), (policy, signature));
        let everything = key(Hash::Sha1).sign(everything).signature;
        let signature = "rc~5Qbbm8EJXjUTQ6Cn0LAxR72g1DOPrTmdtfbWVVgQNw0q~KHUAmBa2Zv1Wjj8dDET4XSL~Myh44CLQdu4dOH~N9huH7QfPSR~O\
                         4tIOS1WWcP~2JmtVPoQyLlEc8YHRCuN3nVNZJ0m4EZcXXNAS-0x6Zco2SYx~hywTRxWR~5Q_";
        assert_eq!(everything, signature);
    }

    #[test]
    fn a_policy_is_written_as_amazons_own_programs_write_it() {
        let expected =
            r#"{"Statement":[{"Resource":"foo","Condition":{"DateLessThan":{"AWS:EpochTime":1451606400}}}]}"#;
        assert_eq!(policy("foo", 1_451_606_400), expected);
        assert!(policy("a\"b", 1).contains(r#""a\"b""#), "nothing gets out of its quotes");
    }

    #[test]
    fn cookies_and_queries_say_which_hash_it_was() {
        let names = |hash| {
            let signed = key(hash).sign(&policy(URL, EXPIRES_S));
            let query = key(hash).query(&signed);
            let names = key(hash).cookies(&signed).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            (names, query.contains("&Hash-Algorithm=SHA256"))
        };
        let three = vec!["CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"];
        let four = three.iter().copied().chain(["CloudFront-Hash-Algorithm"]).collect::<Vec<_>>();
        assert_eq!(names(Hash::Sha1), (three, false));
        assert_eq!(names(Hash::Sha256), (four, true));
    }

    #[test]
    fn what_cannot_sign_is_refused_and_nothing_of_a_key_is_printed() {
        let short = SigningKey::from_pem("K1", DOCUMENTED_KEY, Hash::Sha1);
        assert_eq!(short.unwrap_err(), KeyError::Short);
        for pem in ["", "K1", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
            assert_eq!(SigningKey::from_pem("K1", pem, Hash::Sha1).unwrap_err(), KeyError::NoKey);
        }
        for pair_id in ["", "K 1", "K1;Path=/", &"K".repeat(65)] {
            assert_eq!(SigningKey::of(pair_id, DOCUMENTED_KEY, Hash::Sha1).unwrap_err(), KeyError::PairId);
        }
        let printed = format!("{:?}", key(Hash::Sha1));
        assert_eq!(printed, r#"SigningKey { pair_id: "PK123456789754", hash: Sha1, .. }"#);
    }
}
