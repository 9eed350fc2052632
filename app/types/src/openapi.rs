//! Schemas of the types that JSON carries as a text of a certain form.

use crate::{Currency, Cursor, Month, PaymentId, UserId};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Decimal digits of a 64-bit number.
const ID: &str = "^0*([0-9]{1,19}|1[0-7][0-9]{18})$";

macro_rules! texts {
    ($($name:ident: $pattern:expr, $example:literal, $description:literal;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .description(Some($description))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

texts! {
    PaymentId: ID, "7640338210816000001", "A payment's id: a 64-bit number, as a text since JavaScript numbers lose bits.";
    UserId: ID, "42", "A user's id: a 64-bit number, as a text since JavaScript numbers lose bits.";
    Currency: "^[A-Z]{3}$", "EUR", "A currency code of three letters, as in ISO 4217.";
    Month: "^[0-9]{4}-(0[1-9]|1[0-2])$", "2026-11", "A month in the history's business zone.";
    Cursor: r"^[on]0[0-2][0-9a-f]{30}(_-?(0|[1-9][0-9]{0,14})(\.[0-9]{0,3}[1-9])?)?$", "o0006430a5e5d40006a06ef3c1dc00001", "Where a page begins. Its inside is payhist's own affair.";
}
