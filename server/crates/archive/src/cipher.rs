//! Keys and ciphers: XChaCha20-Poly1305, whose 24-byte nonces may be random for ever under one key.
//!
//! Invariants: a person's key is wiped from memory when it is dropped, and is stored wrapped by the master key alone; a
//! ciphertext is bound to its history, person, payment and column, so that none can be put in another's place.

use crate::ArchiveError;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use payhist_types::UserId;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// What precedes a ciphertext: the number of its key, and its nonce.
const HEAD_BYTES: usize = 8 + NONCE_BYTES;

/// The key that wraps all others; from a file or the environment, never logged.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey")
    }
}

impl MasterKey {
    /// Reads 64 hexadecimal digits; white space around them is ignored.
    ///
    /// # Errors
    /// [`ArchiveError::Unfit`], without the text.
    pub fn from_hex(text: &str) -> Result<Self, ArchiveError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice())
            .map_err(|_| ArchiveError::Unfit("the archives' master key is not 64 hexadecimal digits".to_owned()))?;
        Ok(Self(key))
    }

    /// Makes a new key for a person, and wraps it.
    pub fn new_key(&self, history: &str, user: UserId) -> Result<Vec<u8>, ArchiveError> {
        let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(rand::random());
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let mut sealed = Zeroizing::new(key.to_vec());
        let cipher = XChaCha20Poly1305::new(&(*self.0).into());
        cipher
            .encrypt_in_place(&XNonce::from(nonce), &person(history, user), &mut *sealed)
            .map_err(|_| ArchiveError::Unfit("a key cannot be wrapped".to_owned()))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Unwraps a person's key.
    ///
    /// # Errors
    /// [`ArchiveError::Unfit`] when it was wrapped by another master key, or is another person's.
    pub fn unwrap(&self, history: &str, user: UserId, id: u64, wrapped: &[u8]) -> Result<PersonKey, ArchiveError> {
        let wrong = || ArchiveError::Unfit("a person's key was wrapped by another master key than this".to_owned());
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_BYTES>().ok_or_else(wrong)?;
        let mut key = Zeroizing::new(sealed.to_vec());
        XChaCha20Poly1305::new(&(*self.0).into())
            .decrypt_in_place(&XNonce::from(*nonce), &person(history, user), &mut *key)
            .map_err(|_| wrong())?;
        let mut bytes = <[u8; KEY_BYTES]>::try_from(key.as_slice()).map_err(|_| wrong())?;
        let cipher = XChaCha20Poly1305::new(&bytes.into());
        bytes.zeroize();
        Ok(PersonKey { id, cipher })
    }
}

fn person(history: &str, user: UserId) -> Vec<u8> {
    [history.as_bytes(), &[0], &user.0.to_be_bytes()].concat()
}

/// What a ciphertext is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// The history's name.
    pub history: &'a str,
    /// The person.
    pub user: UserId,
    /// The payment's id.
    pub payment: u64,
    /// The column's name.
    pub column: &'a str,
}

impl Bound<'_> {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(self.history.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&self.user.0.to_be_bytes());
        bytes.extend_from_slice(&self.payment.to_be_bytes());
        bytes.extend_from_slice(self.column.as_bytes());
    }
}

/// A person's key. It is wiped when dropped (feature `zeroize` of the cipher's crate).
pub struct PersonKey {
    id: u64,
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PersonKey({})", self.id)
    }
}

/// Buffers that are used again from value to value.
#[derive(Debug, Default)]
pub struct Workspace {
    bound: Vec<u8>,
    text: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
}

impl PersonKey {
    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Encrypts a value: the key's number, the nonce, the ciphertext and its tag.
    ///
    /// # Errors
    /// [`ArchiveError::Unfit`] for a value beyond what the cipher takes (256 GB).
    pub fn seal<'w>(&self, value: &[u8], bound: Bound, work: &'w mut Workspace) -> Result<&'w [u8], ArchiveError> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        bound.write(&mut work.bound);
        work.text.clear();
        work.text.extend_from_slice(value);
        self.cipher
            .encrypt_in_place(&XNonce::from(nonce), &work.bound, &mut *work.text)
            .map_err(|_| ArchiveError::Unfit("a value cannot be encrypted".to_owned()))?;
        work.sealed.clear();
        work.sealed.extend_from_slice(&self.id.to_be_bytes());
        work.sealed.extend_from_slice(&nonce);
        work.sealed.extend_from_slice(&work.text);
        Ok(&work.sealed)
    }

    /// Decrypts what [`PersonKey::seal`] encrypted.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when it is not this key's, or not bound to that.
    pub fn open<'w>(&self, sealed: &[u8], bound: Bound, work: &'w mut Workspace) -> Result<&'w [u8], ArchiveError> {
        let damaged = || ArchiveError::Damaged(format!("{} of payment {} does not open", bound.column, bound.payment));
        let (head, sealed) = sealed.split_first_chunk::<HEAD_BYTES>().ok_or_else(damaged)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(&head[8..]).map_err(|_| damaged())?;
        bound.write(&mut work.bound);
        work.text.clear();
        work.text.extend_from_slice(sealed);
        self.cipher.decrypt_in_place(&XNonce::from(nonce), &work.bound, &mut *work.text).map_err(|_| damaged())?;
        Ok(&work.text)
    }
}

/// The number of the key that a ciphertext was made with.
///
/// # Errors
/// [`ArchiveError::Damaged`] when it is too short to be one.
pub fn key_of(sealed: &[u8]) -> Result<u64, ArchiveError> {
    sealed
        .split_first_chunk::<8>()
        .map(|(id, _)| u64::from_be_bytes(*id))
        .ok_or_else(|| ArchiveError::Damaged("an encrypted value is too short".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound = Bound { history: "payments", user: UserId(7), payment: 12, column: "payer_name" };

    fn key(master: &MasterKey, id: u64) -> PersonKey {
        let wrapped = master.new_key("payments", UserId(7)).unwrap();
        master.unwrap("payments", UserId(7), id, &wrapped).unwrap()
    }

    fn master() -> MasterKey {
        MasterKey::from_hex(&"0f".repeat(32)).unwrap()
    }

    #[test]
    fn a_value_opens_with_its_key_in_its_place_alone() {
        let (one, other) = (key(&master(), 3), key(&master(), 3));
        let mut work = Workspace::default();
        let sealed = one.seal("Zoë".as_bytes(), BOUND, &mut work).unwrap().to_vec();
        assert!(!sealed.windows(2).any(|part| part == b"Zo") && key_of(&sealed).unwrap() == 3);
        assert_eq!(one.open(&sealed, BOUND, &mut work).unwrap(), "Zoë".as_bytes());
        assert!(other.open(&sealed, BOUND, &mut work).is_err());
        for elsewhere in [
            Bound { history: "other", ..BOUND },
            Bound { user: UserId(8), ..BOUND },
            Bound { payment: 13, ..BOUND },
            Bound { column: "payer_email", ..BOUND },
        ] {
            assert!(one.open(&sealed, elsewhere, &mut work).is_err(), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_wrapped_key_opens_with_its_master_key_for_its_person_alone() {
        let wrapped = master().new_key("payments", UserId(7)).unwrap();
        assert!(master().unwrap("payments", UserId(7), 1, &wrapped).is_ok());
        assert!(master().unwrap("payments", UserId(8), 1, &wrapped).is_err());
        assert!(master().unwrap("other", UserId(7), 1, &wrapped).is_err());
        assert!(MasterKey::from_hex(&"f0".repeat(32)).unwrap().unwrap("payments", UserId(7), 1, &wrapped).is_err());
    }

    #[test]
    fn no_key_is_ever_printed() {
        let printed = format!("{:?} {:?}", master(), key(&master(), 1));
        assert_eq!(printed, "MasterKey PersonKey(1)");
        assert!(!MasterKey::from_hex("secret").unwrap_err().to_string().contains("secret"));
    }
}
