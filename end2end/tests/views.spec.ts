// How a list is shown and kept, and personal data in clear.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

test.use({ demoName: "views" });

interface Row {
  payment_id: string;
  amount: string;
}

const newest = (demo: { command<T>(args: string[]): T }) =>
  demo.command<{ payments: Row[] }>(["payments", "list"]).payments[0]!.payment_id;
const headings = (page: Page) => page.getByRole("region", { name: /^Payments, / }).getByRole("columnheader").allTextContents();

test("a list goes by amount within a month and a currency, and says why not otherwise", async ({ page, demo }) => {
  const asked = ["--currency", "EUR", "--from", "month-1", "--to", "month-1"];
  const { payments } = demo.command<{ payments: Row[] }>(["payments", "list", "--sort", "largest", ...asked]);
  await open(page, "/payments?currency=EUR&from=month-1&to=month-1");
  await page.getByLabel("Order of the list").selectOption("Largest first");
  await page.getByRole("button", { name: "Show payments" }).click();
  await expect(page).toHaveURL("/payments?currency=EUR&from=month-1&to=month-1&sort=largest");
  const rows = page.getByRole("region", { name: "Payments, largest first" }).locator("tbody tr");
  await expect(rows).toHaveCount(50);
  const shown = await rows.evaluateAll((rows) => rows.map((row) => row.querySelector('a[href^="/payments/"]')!.textContent));
  expect(shown).toEqual(payments.map((payment) => payment.payment_id));
  await page.getByRole("link", { name: "Smaller", exact: true }).click();
  await page.getByRole("link", { name: "Larger", exact: true }).click();
  await expect(rows.first()).toContainText(payments[0]!.payment_id);
});

test.describe("with wrong input", () => {
  test.use({ expectedComplaint: /status of 4(00|22)/ });

  test("amounts of several currencies are not put in an order", async ({ page }) => {
    await open(page, "/payments?sort=largest&from=month&to=month");
    await expect(page.getByLabel("Order of the list")).toHaveAccessibleDescription(/choose a currency/);
  });
});

test("columns and density are chosen, are in the address, and survive paging", async ({ page }) => {
  await open(page, "/payments");
  const usual = await headings(page);
  await page.getByText("Columns and density").click();
  await page.getByRole("checkbox", { name: "Method", exact: true }).uncheck();
  await page.getByRole("checkbox", { name: "Reference", exact: true }).check();
  await page.getByRole("checkbox", { name: "More rows on the screen" }).check();
  await page.getByRole("button", { name: "Show payments" }).click();
  await expect(page).toHaveURL(/columns=.*reference.*density=compact/);
  const chosen = usual.filter((heading) => heading !== "Method");
  chosen.splice(chosen.indexOf("Shard, month"), 0, "Reference");
  await expect.poll(() => headings(page)).toEqual(chosen);
  await page.getByRole("link", { name: "Older", exact: true }).click();
  await expect(page).toHaveURL(/cursor=.*density=compact/);
  await expect.poll(() => headings(page)).toEqual(chosen);
});

test("a view is saved, shared, found by another operator and forgotten by its owner alone", async ({ page, demo, browser, viewerState }) => {
  await open(page, "/payments?status=FAILED&from=today-6&to=today");
  await page.getByText("Save this view").click();
  await page.getByLabel("Name of the view").fill("실패 – this week");
  await page.getByRole("checkbox", { name: "for everybody" }).check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const saved = (page: Page) => page.getByRole("list", { name: "Saved views" }).getByRole("link", { name: "실패 – this week" });
  await expect(saved(page)).toHaveAttribute("aria-current", "true");
  await expect(page.getByText("Save this view"), "it is saved already").toHaveCount(0);
  await open(page, "/payments");
  await saved(page).click();
  await expect(page).toHaveURL("/payments?status=FAILED&from=today-6&to=today");

  const unshared = (page: Page) => page.getByRole("list", { name: "Saved views" }).getByRole("link", { name: "mine alone" });
  await open(page, "/payments?status=PENDING");
  await page.getByText("Save this view").click();
  await page.getByLabel("Name of the view").fill("mine alone");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(unshared(page)).toBeVisible();

  const other = await browser.newContext({ baseURL: demo.url, storageState: viewerState });
  const viewer = await other.newPage();
  await open(viewer, "/payments");
  await expect(saved(viewer)).toBeVisible();
  await expect(unshared(viewer), "it is not for everybody").toHaveCount(0);
  await saved(viewer).click();
  await expect(viewer).toHaveURL("/payments?status=FAILED&from=today-6&to=today");
  await expect(viewer.getByRole("button", { name: /Forget the view/ })).toHaveCount(0);
  await page.getByRole("button", { name: "Forget the view 실패 – this week" }).click();
  await expect(saved(page)).toHaveCount(0);
  await viewer.reload();
  await expect(saved(viewer)).toHaveCount(0);
  await other.close();
});

test("personal data is shown in clear after a reason, and the timeline says so", async ({ page, demo, browser, viewerState }) => {
  const id = newest(demo);
  const { payment } = demo.command<{ payment: { payer_email: string } }>(["payments", "show", id, "--reveal", "end-to-end test"]);
  expect(payment.payer_email).toContain("@");
  const payer = (page: Page) => page.getByRole("heading", { name: "Payer" }).locator("..");
  await open(page, `/payments/${id}`);
  await expect(payer(page)).not.toContainText(payment.payer_email);
  await page.getByLabel("Why you need to see it").fill("the customer is on the phone");
  await page.getByRole("button", { name: "Show in clear" }).click();
  await expect(payer(page)).toContainText(payment.payer_email);
  await expect(page.getByText("In clear for you until")).toBeVisible();
  const happened = page.getByRole("heading", { name: "What happened, and what will" }).locator("..");
  await expect(happened).toContainText("the customer is on the phone");

  const other = await browser.newContext({ baseURL: demo.url, storageState: viewerState });
  const viewer = await other.newPage();
  await open(viewer, `/payments/${id}`);
  await expect(payer(viewer)).not.toContainText(payment.payer_email);
  await expect(viewer.getByRole("button", { name: "Show in clear" })).toHaveCount(0);
  await other.close();

  await open(page, "/payments");
  await page.getByRole("searchbox").fill(payment.payer_email);
  await page.getByRole("searchbox").press("Enter");
  await expect(page).toHaveURL(/(user=|search=)/);
  await expect(page.getByText("e-mail address").or(page.getByLabel("User id")).first()).toBeVisible();
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false, expectedComplaint: /preloaded using link preload but not used/ });

  test("a view is saved, and a payment shown in clear", async ({ page, demo }) => {
    await page.goto("/payments?status=REFUNDED");
    await page.getByText("Save this view").click();
    await page.getByLabel("Name of the view").fill("refunds");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(page.getByRole("list", { name: "Saved views" }).getByRole("link", { name: "refunds" })).toBeVisible();
    const { payments } = demo.command<{ payments: Row[] }>(["payments", "list"]);
    await page.goto(`/payments/${payments[1]!.payment_id}`);
    await page.getByLabel("Why you need to see it").fill("no scripts");
    await page.getByRole("button", { name: "Show in clear" }).click();
    await expect(page.getByText("In clear for you until")).toBeVisible();
  });
});
