//! Codes that people read in a mail and type: eight decimal digits, under 27 bits.
//!
//! A code alone withstands no guessing. It is worth something beside a bounded number of tries and a handle that only
//! whoever asked for it has (SECURITY OT-12); a store keeps it as a keyed digest
//! ([`Tokens::keyed`](crate::opaque::Tokens::keyed)), never by a plain hash.

use std::fmt;

use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::secret::SecretText;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The digits of a code.
const DIGITS: usize = 8;
/// How many codes there are.
const CODES: u32 = 100_000_000;
/// The most bytes that are looked at of what somebody typed.
const TYPED_MAX_BYTES: usize = 64;

/// A code of eight decimal digits, each code as likely as any other. Wiped when dropped and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MailedCode([u8; DIGITS]);

/// The text is no code of eight decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a code: expected 8 decimal digits")]
pub struct CodeError;

impl MailedCode {
    /// A new code.
    ///
    /// # Errors
    /// [`EntropyError`] where the source of randomness fails, or gives nothing but numbers that must be thrown away.
    pub fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        // The numbers above the last whole round of codes would make some of them likelier: they are drawn again. One
        // in 43 is; 64 in a row are no source of randomness.
        let whole = u32::MAX - u32::MAX % CODES;
        for _ in 0..64 {
            let number = u32::from_be_bytes(random_bytes(entropy)?);
            if number < whole {
                return Ok(Self::of(number % CODES));
            }
        }
        Err(EntropyError)
    }

    fn of(mut number: u32) -> Self {
        let mut digits = [b'0'; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        Self(digits)
    }

    /// Reads what somebody typed. Spaces and dashes between digits are theirs to put; anything else is no code, digits
    /// of other scripts too.
    ///
    /// # Errors
    /// [`CodeError`] for what has not exactly eight digits, and for what is longer than anybody types.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        if typed.len() > TYPED_MAX_BYTES {
            return Err(CodeError);
        }
        let mut code = Self([0; DIGITS]);
        let mut places = code.0.iter_mut();
        for character in typed.chars() {
            if character.is_whitespace() || is_dash(character) {
                continue;
            }
            let digit = u8::try_from(character).ok().filter(u8::is_ascii_digit);
            *places.next().ok_or(CodeError)? = digit.ok_or(CodeError)?;
        }
        match places.next() {
            None => Ok(code),
            Some(_) => Err(CodeError),
        }
    }

    /// The digits, for a digest; every call site is a place where a secret leaves its wrapper.
    #[must_use]
    pub const fn digits(&self) -> &[u8; DIGITS] {
        &self.0
    }

    /// As a mail shows it: two groups of four, `1234 5678`.
    #[must_use]
    pub fn grouped(&self) -> SecretText {
        let mut text = String::with_capacity(DIGITS + 1);
        for (at, digit) in self.0.iter().enumerate() {
            if at == DIGITS / 2 {
                text.push(' ');
            }
            text.push(char::from(*digit));
        }
        SecretText::new(text)
    }
}

/// What stands between groups of digits: the dashes that keyboards and mail programs write.
const fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

impl fmt::Debug for MailedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedCode([redacted])")
    }
}

#[cfg(test)]
mod tests;
