// What scripts add to pages that work without them: answers without a reload, parts that follow what happens, and honesty
// when the server does not answer.

import { type Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

/** Marks the document: a reload loses the mark. */
const mark = (page: Page) => page.evaluate(() => document.documentElement.setAttribute("data-marked", ""));
const expectNoReload = (page: Page) => expect(page.locator("html[data-marked]"), "the page was not reloaded").toBeAttached();
const trouble = (page: Page) => page.locator(".trouble");

test("links are answered in place: title, address, focus, and back to where one was", async ({ page }) => {
  await open(page, "/payments");
  await mark(page);
  await page.evaluate(() => window.scrollTo(0, 900));
  const row = page.locator("tbody tr").nth(20).getByRole("link").first();
  const id = await row.textContent();
  await row.click();
  await expect(page).toHaveTitle(`Payment ${id} · payhist`);
  await expect(page).toHaveURL(`/payments/${id}`);
  await expect(page.locator("main")).toBeFocused();
  expect(await page.evaluate(() => window.scrollY)).toBe(0);

  await page.goBack();
  await expect(page).toHaveTitle("Payments · payhist");
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(500);
  await page.goForward();
  await expect(page).toHaveTitle(`Payment ${id} · payhist`);
  await expectNoReload(page);
});

test("a form keeps the place and the focus of who sent it", async ({ page }) => {
  await open(page, "/jobs");
  await mark(page);
  const pause = page.getByRole("button", { name: "Pause runway-check" });
  await pause.focus();
  await page.keyboard.press("Enter");
  const resume = page.getByRole("button", { name: "Resume runway-check" });
  await expect(resume).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(pause).toBeFocused();
  await expect(page).toHaveURL("/jobs");
  await expectNoReload(page);
});

test("a refused form says why, keeps what was typed, and leaves no error in the address", async ({ page }) => {
  await open(page, "/partitions");
  await mark(page);
  const name = page.getByLabel(/to allow it$/);
  await name.evaluate((field) => field.removeAttribute("pattern"));
  await name.fill("payment");
  await page.getByRole("button", { name: "Turn drop on" }).click();
  await expect(page.getByRole("alert")).toContainText("the name does not match. Nothing was changed.");
  await expect(page.getByRole("alert")).toBeInViewport();
  await expect(name).toHaveValue("payment");
  await expect(page).toHaveURL("/partitions");
  await expectNoReload(page);
  await page.reload();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("an id is copied, and the button says so", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, "/payments");
  await page.locator(".row-link").first().click(); // its page came in later: the button works all the same
  await page.getByRole("button", { name: /^Copy / }).first().click();
  await expect(page.getByRole("button", { name: /^Copied / })).toHaveCount(1);
  expect(page.url()).toContain(await page.evaluate(() => navigator.clipboard.readText()));
});

test("a part that follows what happens keeps focus, opened details and scroll position", async ({ page }) => {
  await open(page, "/database");
  const figures = page.getByText("Figures", { exact: true }).first();
  await figures.focus();
  await page.keyboard.press("Enter");
  await page.evaluate(() => window.scrollTo(0, 150));
  const read = page.locator("main time").first();
  const first = await read.getAttribute("datetime");
  await expect(read).not.toHaveAttribute("datetime", first!, { timeout: 15_000 });
  await expect(figures).toBeFocused();
  await expect(page.locator("details").first()).toHaveAttribute("open");
  expect(await page.evaluate(() => window.scrollY)).toBe(150);
});

test("nothing is asked for a page that nobody sees", async ({ page }) => {
  await page.clock.install();
  await open(page, "/database");
  await page.evaluate(() => Object.defineProperty(document, "hidden", { value: true, configurable: true }));
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.clock.runFor("01:00");
  expect(asked).toEqual([]);
  await page.evaluate(() => Object.defineProperty(document, "hidden", { value: false }));
  await page.clock.runFor("00:10");
  await expect.poll(() => asked.length).toBeGreaterThan(0);
});

test.describe("when the server does not answer", () => {
  test.use({ expectedComplaint: /ERR_FAILED|status of 503/ });

  test("the figures say since when they are stale, until they are not", async ({ page }) => {
    await open(page, "/database");
    await page.route("/database", (route) => route.abort());
    await expect(trouble(page)).toContainText(/^Not updated since \d\d:\d\d:\d\d .*payhist does not answer/, { timeout: 15_000 });
    await page.unroute("/database");
    await page.route("/database", (route) => route.fulfill({ status: 503, body: "busy" }));
    await expect(trouble(page)).toContainText("answers with an error", { timeout: 15_000 });
    await page.unroute("/database");
    await expect(trouble(page)).toBeEmpty({ timeout: 15_000 });
  });

  test("a form is not sent twice, and what is not known is said", async ({ page }) => {
    await open(page, "/jobs");
    let sent = 0;
    await page.route("/api/ui/jobs/pause", (route) => {
      sent += 1;
      return route.abort();
    });
    await page.getByRole("button", { name: "Pause runway-check" }).click();
    await expect(trouble(page)).toContainText("Whether the change was made is not known");
    expect(sent).toBe(1);
    await trouble(page).getByRole("link", { name: "Reload" }).click();
    await expect(trouble(page)).toBeEmpty();
    await expect(page.getByRole("button", { name: "Pause runway-check" })).toBeVisible();
  });
});

test("a form sent after the session has ended leads to the login, which says so, and back", async ({ page, context, demo }) => {
  await open(page, "/jobs");
  await context.clearCookies();
  await page.getByRole("button", { name: "Pause runway-check" }).click();
  await expect(page.getByRole("alert")).toContainText("The session has ended. Nothing was changed");
  await page.getByLabel("Name").fill(demo.operator);
  await page.getByLabel("Password").fill(demo.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL("/jobs");
  await expect(page.getByRole("button", { name: "Pause runway-check" })).toBeVisible();
});
