//! Personal fields are masked before they leave the server: enough to recognise, too little to identify.

use payhist_types::payment::Payment;

const DOTS: &str = "•••";

/// The payment with its personal fields masked.
pub(super) fn masked(mut payment: Payment) -> Payment {
    payment.payer_name =
        payment.payer_name.map(|name| name.split_whitespace().map(initial).collect::<Vec<_>>().join(" "));
    payment.payer_email = payment.payer_email.map(|email| match email.split_once('@') {
        Some((local, domain)) => format!("{}@{domain}", initial(local)),
        None => DOTS.to_owned(),
    });
    payment
}

fn initial(word: &str) -> String {
    word.chars().take(1).collect::<String>() + DOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_initials_and_the_mail_domain_is_left() {
        assert_eq!(initial("Ada"), "A•••");
        assert_eq!(initial("김민준"), "김•••");
        assert_eq!(initial(""), "•••");
    }
}
