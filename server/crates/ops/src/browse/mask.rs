//! Personal fields are masked before they leave the server: enough to recognise, too little to identify.

use payhist_storage::payments::PaymentRef;
use payhist_types::payment::Payment;

const DOTS: &str = "•••";

/// The payment with its personal fields masked.
pub(super) fn masked(mut payment: Payment) -> Payment {
    let Masks { name: masked_name, email: masked_email } = &mut Masks::default();
    payment.payer_name = payment.payer_name.map(|clear| written(masked_name, name, &clear).to_owned());
    payment.payer_email = payment.payer_email.map(|clear| written(masked_email, email, &clear).to_owned());
    payment
}

/// Masks one payment after the other.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    name: String,
    email: String,
}

impl Masks {
    /// The payment with its personal fields masked.
    pub(crate) fn masked<'r>(&'r mut self, payment: PaymentRef<'r>) -> PaymentRef<'r> {
        let Self { name: masked_name, email: masked_email } = self;
        PaymentRef {
            payer_name: payment.payer_name.map(|clear| written(masked_name, name, clear)),
            payer_email: payment.payer_email.map(|clear| written(masked_email, email, clear)),
            ..payment
        }
    }
}

fn written<'a>(masked: &'a mut String, mask: fn(&mut String, &str), clear: &str) -> &'a str {
    masked.clear();
    mask(masked, clear);
    masked
}

/// Appends a masked name.
fn name(masked: &mut String, name: &str) {
    for (place, word) in name.split_whitespace().enumerate() {
        if place > 0 {
            masked.push(' ');
        }
        initial(masked, word);
    }
}

/// Appends a masked address.
fn email(masked: &mut String, email: &str) {
    match email.split_once('@') {
        Some((local, domain)) => {
            initial(masked, local);
            masked.push('@');
            masked.push_str(domain);
        }
        None => masked.push_str(DOTS),
    }
}

fn initial(masked: &mut String, word: &str) {
    masked.extend(word.chars().next());
    masked.push_str(DOTS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mask: fn(&mut String, &str), text: &str) -> String {
        let mut masked = String::new();
        mask(&mut masked, text);
        masked
    }

    #[test]
    fn nothing_but_initials_and_the_mail_domain_is_left() {
        for (text, masked) in [("Ada", "A•••"), ("김민준", "김•••"), ("Ada  Lovelace", "A••• L•••"), ("", "")]
        {
            assert_eq!(of(name, text), masked);
        }
        for (text, masked) in [("ada@example.com", "a•••@example.com"), ("@x", "•••@x"), ("ada", "•••")]
        {
            assert_eq!(of(email, text), masked);
        }
    }
}
