//! One module a page.

mod database;
mod deadlock;
mod holds;
mod job;
mod jobs;
mod login;
mod month;
mod not_found;
mod overview;
mod partitions;
mod payment;
mod payments;
mod plan;
mod run;
mod settings;
mod simulation;
mod tokens;

pub(crate) use database::DatabasePage;
pub(crate) use deadlock::DeadlockPage;
pub(crate) use holds::HoldsPage;
pub(crate) use job::JobPage;
pub(crate) use jobs::JobsPage;
pub(crate) use login::LoginPage;
pub(crate) use month::MonthPage;
pub(crate) use not_found::NotFoundPage;
pub(crate) use overview::OverviewPage;
pub(crate) use partitions::PartitionsPage;
pub(crate) use payment::PaymentPage;
pub(crate) use payments::PaymentsPage;
pub(crate) use plan::PlanPage;
pub(crate) use run::RunPage;
pub(crate) use settings::SettingsPage;
pub(crate) use simulation::SimulationPage;
pub use tokens::TokenMade;
pub(crate) use tokens::TokensPage;
