//! Every page and its address. Each is rendered completely before it is sent, so that it works without JavaScript.

use crate::components::Frame;
use crate::pages::{
    DatabasePage, DeadlockPage, ExportPage, ExportsPage, HoldsPage, JobPage, JobsPage, LoginPage, MonthPage,
    NotFoundPage, OverviewPage, PartitionsPage, PaymentPage, PaymentsPage, PlanPage, RunPage, SettingsPage,
    SimulationPage, SummaryPage, TokensPage,
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::SsrMode;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

/// The application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title| format!("{title} · payhist") />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=OverviewPage ssr=SsrMode::Async />
                    <Route path=path!("/payments") view=PaymentsPage ssr=SsrMode::Async />
                    <Route path=path!("/payments/summary") view=SummaryPage ssr=SsrMode::Async />
                    <Route path=path!("/payments/export") view=ExportPage ssr=SsrMode::Async />
                    <Route path=path!("/payments/exports") view=ExportsPage ssr=SsrMode::Async />
                    <Route path=path!("/payments/:id") view=PaymentPage ssr=SsrMode::Async />
                    <Route path=path!("/partitions") view=PartitionsPage ssr=SsrMode::Async />
                    <Route path=path!("/partitions/plan") view=PlanPage ssr=SsrMode::Async />
                    <Route path=path!("/partitions/simulate") view=SimulationPage ssr=SsrMode::Async />
                    <Route path=path!("/partitions/runs/:id") view=RunPage ssr=SsrMode::Async />
                    <Route path=path!("/partitions/:history/:month") view=MonthPage ssr=SsrMode::Async />
                    <Route path=path!("/holds") view=HoldsPage ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async />
                    <Route path=path!("/settings/tokens") view=TokensPage ssr=SsrMode::Async />
                    <Route path=path!("/jobs") view=JobsPage ssr=SsrMode::Async />
                    <Route path=path!("/jobs/:name") view=JobPage ssr=SsrMode::Async />
                    <Route path=path!("/database") view=DatabasePage ssr=SsrMode::Async />
                    <Route path=path!("/database/deadlocks/:id") view=DeadlockPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
