// The summary: charts and tables, by month and by day, in one currency, what is unknown, with and without scripts.

import { type Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

interface Summary {
  complete: boolean;
  months: { month: string; parts: { state: string }[] }[];
  breakdowns: { by: string; rows: { key: string; currency: string; count: number; failed: number }[] }[];
}

const chart = (page: Page, title: string) => page.getByRole("img", { name: title });
const table = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** Payments as the command line counts them. */
function counted(summary: Summary, by: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of summary.breakdowns.find((found) => found.by === by)!.rows) {
    counts.set(row.key, (counts.get(row.key) ?? 0) + row.count);
  }
  return counts;
}

test("charts and tables show what the command line says", async ({ page, demo }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Summary by month, provider and method" }).click();
  await expect(page).toHaveURL("/payments/summary");
  const summary = demo.command<Summary>(["payments", "summary", "--by", "month,provider"]);
  expect(summary.complete).toBe(true);
  const months = counted(summary, "month");
  await expect(chart(page, "Payments per month").locator("rect.bar:not(.failed)")).toHaveCount(summary.months.length);
  await page.getByText("The figures").first().click();
  const rows = table(page, "Payments per month").locator("tbody tr");
  await expect(rows).toHaveCount(summary.months.length);
  const closed = summary.months.at(-2)!.month;
  await expect(rows.nth(1)).toContainText(closed);
  await expect(rows.nth(1)).toContainText(months.get(closed)!.toLocaleString("en"));
  for (const [provider, count] of counted(summary, "provider")) {
    const row = table(page, "By provider").getByRole("row").filter({ hasText: provider });
    await expect(row.getByRole("cell").first()).toHaveText(count.toLocaleString("en"));
  }
});

test("a day, a currency and a range are asked for by the form", async ({ page }) => {
  await page.goto("/payments");
  await page.getByRole("link", { name: "Summary", exact: true }).click();
  await page.getByRole("link", { name: "This month by day" }).click();
  await expect(chart(page, "Payments per day")).toBeVisible();
  await page.getByLabel("Currency", { exact: true }).selectOption("EUR");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(/currency=EUR/);
  await expect(chart(page, "Paid per day")).toBeVisible();
  await expect(table(page, "By provider").locator("tbody .currency").first()).toHaveText("EUR");
  for (const code of await table(page, "By provider").locator("tbody .currency").allTextContents()) {
    expect(code).toBe("EUR");
  }
});

test("months that were never there are not shown as zero", async ({ page }) => {
  await page.goto("/payments/summary?from=2020-01&to=2020-02");
  await expect(page.getByRole("note")).toContainText("2020-01, 2020-02: not in the table");
  await expect(chart(page, "Payments per month").locator("rect.bar.unknown")).toHaveCount(2);
  await page.getByText("The figures").first().click();
  await expect(table(page, "Payments per month").locator("tbody tr").first()).toContainText("not known");
});

test.describe("with wrong input", () => {
  test.use({ expectedComplaint: /status of 400/ });

  test("what is wrong is said, and what was typed stays", async ({ page }) => {
    await page.goto("/payments/summary?from=soon");
    await expect(page.getByRole("alert")).toContainText('"soon" is not a month');
    await expect(page.getByLabel("From month")).toHaveValue("soon");
  });
});

test.describe("on a small screen without scripts", () => {
  test.use({
    javaScriptEnabled: false,
    viewport: { width: 390, height: 844 },
    expectedComplaint: /preloaded using link preload but not used/,
  });

  test("everything is there, and nothing is wider than the screen", async ({ page }) => {
    await page.goto("/payments/summary");
    await expect(chart(page, "Payments per month")).toBeVisible();
    await expect(table(page, "By method")).toBeVisible();
    const overflow = (element: Element) => element.scrollWidth - element.clientWidth;
    expect(await table(page, "By method").evaluate(overflow)).toBe(0);
    await page.getByLabel("Over time").selectOption("day");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(chart(page, "Payments per day")).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByText("The figures").first().click();
    await expect(table(page, "Payments per day")).toBeVisible();
  });
});
