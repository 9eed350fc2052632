// Legal holds: place one, see what it keeps, and end it by two people.

import { type Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

// The steps of one story on one history: each begins where the last one ended.
test.describe.configure({ mode: "serial" });
test.use({ demoName: "holds" });

interface Plan {
  steps: { action: { kind: string; month: string }; blocked_by: { kind: string; hold?: number }[] }[];
}
interface HoldList {
  holds: { id: number; active: boolean; release_asked: { by: string } | null; released: { by: string } | null }[];
}

const CLEO = { login: "cleo", password: "two-pairs-of-eyes" };
const inForce = (page: Page) => page.getByRole("region", { name: "Holds in force" });

test.describe("somebody who may only look", () => {
  test.use({ storageState: async ({ viewerState }, use) => use(viewerState) });

  test("sees no forms, and the server refuses what he sends", async ({ page, request, demo }) => {
    await open(page, "/holds");
    await expect(page.getByText("Nothing is held.")).toBeVisible();
    await expect(page.getByText("Your role may look at holds")).toBeVisible();
    await expect(page.getByRole("button", { name: "Place the hold" })).toHaveCount(0);
    const form = { history: "payments", kind: "history", which: "", case_number: "1", reason: "forged" };
    const answer = await request.post("/api/ui/holds/place", { form, headers: { accept: "application/json" } });
    expect(answer.status()).toBe(403);
    expect(demo.command<HoldList>(["holds", "list"]).holds).toEqual([]);
  });
});

test("a hold on a month is placed by the form, marked on the map, and blocks the plan", async ({ page, demo }) => {
  demo.command(["partitions", "switch", "drop", "on"]);
  demo.command(["partitions", "apply"]); // what is overdue goes to quarantine; next comes its final drop
  const drop = demo.command<Plan>(["partitions", "plan"]).steps.find((step) => step.action.kind === "drop_quarantined")!;

  await open(page, "/holds");
  await page.getByLabel("Hold", { exact: true }).selectOption("month");
  await page.getByLabel("Which one").fill(drop.action.month);
  await page.getByLabel("Case number").fill("2026/88");
  await page.getByLabel("Reason").fill("tax audit");
  await page.getByRole("button", { name: "Place the hold" }).click();
  const row = inForce(page).getByRole("row", { name: /^1 / });
  await expect(row).toContainText(`month ${drop.action.month}`);
  await expect(row).toContainText("1 month, ≈");

  const held = demo.command<Plan>(["partitions", "plan"]).steps.filter((step) => step.action.kind === "drop_quarantined");
  expect(held.every((step) => step.blocked_by[0]!.kind === "held" && step.blocked_by[0]!.hold === 1)).toBe(true);
  await open(page, "/partitions/plan");
  await expect(page.getByText("hold 1 (case 2026/88) keeps it until it is released").first()).toBeVisible();
  await open(page, "/partitions");
  await expect(page.getByRole("region", { name: "Partition map" }).locator(`td.held[title^="${drop.action.month}"]`)).toHaveCount(10);
});

test("what cannot be held is said beside its field, and nothing is placed", async ({ page, demo }) => {
  await open(page, "/holds");
  await page.getByLabel("Which one").fill("nobody");
  await page.getByLabel("Case number").fill("1");
  await page.getByLabel("Reason").fill("r");
  await page.getByRole("button", { name: "Place the hold" }).click();
  await expect(page.getByText('"nobody" is no user id')).toBeVisible();
  expect(demo.command<HoldList>(["holds", "list"]).holds).toHaveLength(1);
});

test("one asks for the release, another approves, and never the same", async ({ page, demo, browser, watch, baseURL }) => {
  await open(page, "/holds");
  await page.getByText("Ask for release").click();
  await page.getByLabel("Why hold 1 may end").fill("case closed");
  await page.getByRole("button", { name: "Ask to release hold 1" }).click();
  await expect(page.getByText("You asked: another operator approves.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Approve/ })).toHaveCount(0);
  const forged = await page.request.post("/api/ui/holds/approve-release", { form: { hold: "1" }, headers: { accept: "application/json" } });
  expect(forged.status(), "not by who asked").toBe(409);
  expect(demo.command<HoldList>(["holds", "list"]).holds[0]!.active).toBe(true);

  demo.command(["operator", "add", CLEO.login, "--role", "compliance"], CLEO.password);
  const context = await browser.newContext({ baseURL });
  watch(context);
  await context.request.post("/login", { form: CLEO, maxRedirects: 0 });
  const other = await context.newPage();
  await open(other, "/holds");
  await other.getByRole("button", { name: "Approve: end hold 1" }).click();
  await expect(other.getByRole("region", { name: "Ended holds" })).toContainText("by operator cleo");
  await context.close();
  const [hold] = demo.command<HoldList>(["holds", "list"]).holds;
  expect([hold!.active, hold!.released!.by]).toEqual([false, "operator cleo"]);
  const free = demo.command<Plan>(["partitions", "plan"]).steps.filter((step) => step.action.kind === "drop_quarantined");
  expect(free.every((step) => step.blocked_by.length === 0), "its drop may run again").toBe(true);
});
