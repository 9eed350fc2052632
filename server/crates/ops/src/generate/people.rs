//! Made-up people: what a user pays with, and what the payer is called. All of it follows from the seed and the user.

use super::dice::scatter;
use payhist_types::UserId;
use payhist_types::money::Currency;

/// Where somebody pays: currency, price range in the currency's smallest unit shown, and the providers with methods.
pub(super) struct Market {
    /// The currency.
    pub(super) currency: Currency,
    /// Lowest price.
    pub(super) price_min: u64,
    /// Highest price.
    pub(super) price_max: u64,
    /// Prices are multiples of it.
    pub(super) price_step: u64,
    /// Provider and method; the first ones are the usual ones.
    pub(super) ways: &'static [(&'static str, &'static str)],
    /// Family names come first, as Korean and Japanese write them.
    family_first: bool,
    family: &'static [(&'static str, &'static str)],
    given: &'static [(&'static str, &'static str)],
}

const KOREA: Market = Market {
    currency: Currency::KRW,
    price_min: 1_000,
    price_max: 900_000,
    price_step: 100,
    ways: &[
        ("kakaopay", "wallet"),
        ("tosspayments", "card"),
        ("naverpay", "wallet"),
        ("tosspayments", "bank_transfer"),
        ("nicepay", "card"),
        ("nicepay", "virtual_account"),
    ],
    family_first: true,
    family: &[
        ("김", "kim"),
        ("이", "lee"),
        ("박", "park"),
        ("최", "choi"),
        ("정", "jung"),
        ("강", "kang"),
        ("조", "cho"),
        ("윤", "yoon"),
        ("장", "jang"),
        ("임", "lim"),
        ("한", "han"),
        ("오", "oh"),
    ],
    given: &[
        ("민준", "minjun"),
        ("서연", "seoyeon"),
        ("도윤", "doyun"),
        ("지우", "jiwoo"),
        ("하은", "haeun"),
        ("준호", "junho"),
        ("수빈", "subin"),
        ("예진", "yejin"),
        ("현우", "hyunwoo"),
        ("지민", "jimin"),
        ("태양", "taeyang"),
        ("은지", "eunji"),
    ],
};

const AMERICA: Market = Market {
    currency: Currency::USD,
    price_min: 99,
    price_max: 120_000,
    price_step: 1,
    ways: &[("stripe", "card"), ("paypal", "wallet"), ("adyen", "card"), ("stripe", "bank_transfer")],
    family_first: false,
    family: &[
        ("Miller", "miller"),
        ("Johnson", "johnson"),
        ("Garcia", "garcia"),
        ("Brown", "brown"),
        ("O’Neill", "oneill"),
        ("Nguyen", "nguyen"),
        ("Davis", "davis"),
        ("Lopez", "lopez"),
    ],
    given: &[
        ("Emma", "emma"),
        ("Liam", "liam"),
        ("Olivia", "olivia"),
        ("Noah", "noah"),
        ("Ava", "ava"),
        ("Ethan", "ethan"),
        ("Mia", "mia"),
        ("Lucas", "lucas"),
    ],
};

const EUROPE: Market = Market {
    currency: Currency::EUR,
    price_min: 99,
    price_max: 95_000,
    price_step: 1,
    ways: &[("adyen", "card"), ("paypal", "wallet"), ("adyen", "sepa_debit"), ("stripe", "card"), ("adyen", "ideal")],
    family_first: false,
    family: &[
        ("Müller", "mueller"),
        ("Schmidt", "schmidt"),
        ("Rossi", "rossi"),
        ("García", "garcia"),
        ("Lefèvre", "lefevre"),
        ("de Vries", "devries"),
        ("Nowak", "nowak"),
        ("Jørgensen", "jorgensen"),
    ],
    given: &[
        ("Léa", "lea"),
        ("Jonas", "jonas"),
        ("Sofía", "sofia"),
        ("Matteo", "matteo"),
        ("Zoë", "zoe"),
        ("Łukasz", "lukasz"),
        ("Anna", "anna"),
        ("Søren", "soren"),
    ],
};

const JAPAN: Market = Market {
    currency: Currency::JPY,
    price_min: 110,
    price_max: 98_000,
    price_step: 10,
    ways: &[("stripe", "card"), ("paypay", "wallet"), ("gmo", "konbini"), ("gmo", "card")],
    family_first: true,
    family: &[
        ("佐藤", "sato"),
        ("鈴木", "suzuki"),
        ("高橋", "takahashi"),
        ("田中", "tanaka"),
        ("伊藤", "ito"),
        ("渡辺", "watanabe"),
    ],
    given: &[
        ("陽菜", "hina"),
        ("蓮", "ren"),
        ("結衣", "yui"),
        ("大翔", "hiroto"),
        ("美咲", "misaki"),
        ("悠真", "yuma"),
    ],
};

/// Somebody who pays.
pub(super) struct Person {
    /// Where they pay.
    pub(super) market: &'static Market,
    /// Their name, as they write it.
    pub(super) name: String,
    /// Their address, below a domain that nobody can own.
    pub(super) email: String,
}

/// The person of a user id.
pub(super) fn person(seed: u64, user: UserId) -> Person {
    let bits = scatter(seed ^ scatter(user.0));
    let market: &'static Market = match bits % 20 {
        0..=10 => &KOREA,
        11..=14 => &AMERICA,
        15..=17 => &EUROPE,
        _ => &JAPAN,
    };
    let (family, family_latin) = one_of(market.family, bits >> 8);
    let (given, given_latin) = one_of(market.given, bits >> 24);
    let (_, domain) = one_of(&[("", "example.com"), ("", "example.org"), ("", "example.net")], bits >> 40);
    let name = match (market.family_first, market.currency) {
        (true, Currency::KRW) => format!("{family}{given}"),
        (true, _) => format!("{family} {given}"),
        (false, _) => format!("{given} {family}"),
    };
    Person { market, name, email: format!("{given_latin}.{family_latin}{}@{domain}", user.0) }
}

fn one_of(list: &[(&'static str, &'static str)], bits: u64) -> (&'static str, &'static str) {
    list[usize::try_from(bits % list.len() as u64).unwrap_or(0)]
}
