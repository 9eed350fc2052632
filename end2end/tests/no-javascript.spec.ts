// All of it works in a browser that runs no scripts.

import { type Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

// The steps of one story: each begins where the last one ended.
test.describe.configure({ mode: "serial" });
test.use({
  demoName: "no-javascript",
  javaScriptEnabled: false,
  expectedComplaint: /preloaded using link preload but not used/, // by scripts that do not run
});

const DONE = /^Every step .*done, and the catalogue says so\.$/;
const rows = (page: Page) => page.getByRole("region", { name: "Payments, newest first" }).locator("tbody tr");

test.describe("without a session", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("login and logout", async ({ page, demo }) => {
    await page.goto("/jobs");
    await page.getByLabel("Name").fill(demo.operator);
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByRole("alert")).toContainText("wrong");
    await page.getByLabel("Name").fill(demo.operator);
    await page.getByLabel("Password").fill(demo.password);
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page).toHaveURL("/jobs");
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page).toHaveURL("/login");
  });
});

test("filter, page and open payments", async ({ page }) => {
  await page.goto("/payments");
  await expect(rows(page)).toHaveCount(50);
  await page.getByRole("checkbox", { name: "Paid", exact: true }).check();
  await page.getByRole("checkbox", { name: "Refunded", exact: true }).check();
  await page.getByRole("button", { name: "Show payments" }).click();
  await expect(page).toHaveURL("/payments?status=PAID,REFUNDED");
  const newest = await rows(page).allTextContents();
  expect(newest).toHaveLength(50);
  for (const row of newest) expect(row).toMatch(/Paid|Refunded/);

  await page.getByRole("link", { name: "Older", exact: true }).click();
  await expect(page).toHaveURL(/cursor=/);
  const older = await rows(page).allTextContents();
  expect(older.filter((row) => newest.includes(row)), "pages do not overlap").toEqual([]);
  await page.getByRole("link", { name: "Newer", exact: true }).click();
  expect(await rows(page).allTextContents()).toEqual(newest);

  const first = rows(page).first().locator("a[href^='/payments/']");
  const id = await first.textContent();
  await first.click();
  await expect(page).toHaveURL(`/payments/${id}`);
  await expect(page.getByRole("heading", { name: "Where it lives" })).toBeVisible();
});

test.describe("with wrong input", () => {
  test.use({ expectedComplaint: /status of 4(00|22)|preloaded using link preload but not used/ });

  test("what is wrong is said beside its field", async ({ page }) => {
    await page.goto("/payments");
    await page.getByLabel("User id").fill("forty-two");
    await page.getByRole("button", { name: "Show payments" }).click();
    await expect(page.getByLabel("User id")).toHaveValue("forty-two");
    await expect(page.getByLabel("User id")).toHaveAccessibleDescription(/forty-two/);
  });
});

test("plan and apply", async ({ page }) => {
  await page.goto("/partitions");
  await page.getByRole("link", { name: /^Plan: / }).click();
  await page.getByRole("button", { name: /^Apply \d+ steps$/ }).click();
  await expect(page).toHaveURL(/\/partitions\/runs\/\d+/);
  await expect(page.getByText(DONE)).toBeVisible({ timeout: 180_000 });
});

test("a refused switch says why, the confirmed one turns", async ({ page }) => {
  await page.goto("/partitions");
  // Browsers that check nothing themselves are answered by the server.
  await page.getByLabel(/to allow it$/).evaluate((field) => field.removeAttribute("pattern"));
  await page.getByLabel(/to allow it$/).fill("payment");
  await page.getByRole("button", { name: "Turn drop on" }).click();
  await expect(page).toHaveURL(/\/partitions/);
  await expect(page.getByRole("alert")).toContainText("the name does not match. Nothing was changed.");
  await expect(page.getByRole("heading", { name: /^Drop expired months/ })).toContainText("off");

  await page.getByLabel(/to allow it$/).fill("payments");
  await page.getByRole("button", { name: "Turn drop on" }).click();
  await expect(page.getByRole("heading", { name: /^Drop expired months/ })).toContainText("on");
  await expect(page.getByRole("alert"), "the old error is gone").toHaveCount(0);
});

test("quarantine what has expired, then drop it", async ({ page }) => {
  await page.goto("/partitions/plan");
  await page.getByRole("button", { name: /^Apply \d+ steps$/ }).click();
  await expect(page).toHaveURL(/\/partitions\/runs\/\d+/);
  await expect(page.getByText(DONE)).toBeVisible({ timeout: 180_000 });
  await page.goto("/partitions/plan");
  await page.getByLabel(/to confirm$/).fill("payments");
  await page.getByRole("button", { name: /^Apply \d+ steps$/ }).click();
  await expect(page).toHaveURL(/\/partitions\/runs\/\d+/);
  await expect(page.getByText(DONE)).toBeVisible({ timeout: 180_000 });
  await page.goto("/partitions/plan");
  await expect(page.getByText("Nothing to do: every shard is as the policy asks.")).toBeVisible();
});

test("run and pause a job", async ({ page, demo }) => {
  await page.goto("/jobs");
  await page.getByRole("button", { name: "Run session-cleanup now" }).click();
  await expect(page).toHaveURL(/\/jobs\??$/);
  await page.getByRole("button", { name: "Pause premake" }).click();
  await expect(page.getByRole("button", { name: "Resume premake" })).toBeVisible();
  await expect
    .poll(() => demo.command<{ name: string; runs: { status: string }[] }[]>(["jobs", "list"]).find((job) => job.name === "session-cleanup")!.runs[0]?.status)
    .toBe("succeeded");
});

test("every page is complete", async ({ page }) => {
  for (const [path, title] of [["/", "Overview"], ["/database", "Database"], ["/jobs", "Jobs"], ["/partitions", "Partitions"]] as const) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
    await expect(page.getByLabel("Loading"), path).toHaveCount(0);
    await expect(page.locator("main table").filter({ visible: true }).first(), path).toBeVisible();
  }
});
