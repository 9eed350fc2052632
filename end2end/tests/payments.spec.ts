// Payments are found, paged through and opened.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

interface Payment {
  payment_id: string;
  user_id: string;
  status: string;
}
interface PaymentPage {
  payments: Payment[];
}

const LIST = "Payments, newest first";

/** The ids of the list, from top to bottom. */
async function ids(page: Page): Promise<string[]> {
  const rows = page.getByRole("region", { name: LIST }).locator("tbody tr");
  await expect(rows.first()).toBeVisible();
  return rows.evaluateAll((rows) => rows.map((row) => row.querySelector('a[href^="/payments/"]')!.textContent!));
}

const pager = (page: Page, name: string) => page.getByRole("navigation", { name: "Pages of payments" }).getByRole("link", { name, exact: true });

test("the newest payments of all shards come first, and pages lead to older ones and back to the same rows", async ({ page, demo }) => {
  await open(page, "/payments");
  const newest = await ids(page);
  const { payments } = demo.command<PaymentPage>(["payments", "list", "--limit", "150"]);
  const expected = payments.map((payment) => payment.payment_id);
  expect(newest).toEqual(expected.slice(0, 50));
  await expect(pager(page, "Newer")).toHaveCount(0);

  await pager(page, "Older").click();
  await expect(page).toHaveURL(/cursor=/);
  await expect.poll(() => ids(page)).toEqual(expected.slice(50, 100));
  await pager(page, "Older").click();
  await expect.poll(() => ids(page)).toEqual(expected.slice(100, 150));
  await pager(page, "Newer").click();
  await expect.poll(() => ids(page)).toEqual(expected.slice(50, 100));
  await pager(page, "Newer").click();
  await expect.poll(() => ids(page)).toEqual(newest);

  await page.goBack();
  await expect.poll(() => ids(page)).toEqual(expected.slice(50, 100));
  await page.reload();
  expect(await ids(page), "the address is the page's whole state").toEqual(expected.slice(50, 100));
});

test("a filter by user and status shows exactly those payments, at an address that can be shared", async ({ page, demo }) => {
  const heaviest = heaviestUser(demo.command<PaymentPage>(["payments", "list", "--limit", "500"]).payments);
  await open(page, "/payments");
  await page.getByLabel("User id").fill(heaviest);
  await page.getByRole("checkbox", { name: "Paid", exact: true }).check();
  await page.getByRole("checkbox", { name: "Failed", exact: true }).check();
  await page.getByRole("button", { name: "Show payments" }).click();
  await expect(page).toHaveURL(`/payments?user=${heaviest}&status=PAID,FAILED`);

  const { payments } = demo.command<PaymentPage>(["payments", "list", "--user", heaviest, "--status", "PAID,FAILED"]);
  expect(payments.length, "a user with payments").toBeGreaterThan(0);
  await expect.poll(() => ids(page)).toEqual(payments.map((payment) => payment.payment_id));
  await expect(page.getByLabel("User id")).toHaveValue(heaviest);
  await expect(page.getByRole("checkbox", { name: "Paid", exact: true })).toBeChecked();
  await expect(page.getByText("Read shard ", { exact: false }), "one user lives on one shard").toBeVisible();

  await page.getByRole("link", { name: "Clear", exact: true }).click();
  await expect(page).toHaveURL("/payments");
  await expect(page.getByLabel("User id")).toHaveValue("");
});

function heaviestUser(payments: Payment[]): string {
  const counts = new Map<string, number>();
  for (const { user_id } of payments) counts.set(user_id, (counts.get(user_id) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]![0];
}

test("provider, currency and amount combine, and stay in sight while in use", async ({ page, demo }) => {
  await open(page, "/payments");
  await expect(page.getByLabel("Currency")).toBeHidden();
  await page.getByText("Reference, provider, method, amount").click();
  await page.getByRole("textbox", { name: "Provider", exact: true }).fill("stripe");
  await page.getByLabel("Currency").fill("EUR");
  await page.getByLabel("Least amount").fill("10");
  await page.getByLabel("Greatest amount").fill("20");
  await page.getByRole("button", { name: "Show payments" }).click();
  await expect(page).toHaveURL("/payments?provider=stripe&currency=EUR&min=10&max=20");
  const asked = ["payments", "list", "--provider", "stripe", "--currency", "EUR", "--min", "10", "--max", "20"];
  const expected = demo.command<PaymentPage>(asked).payments.map((payment) => payment.payment_id);
  expect(expected.length, "such payments").toBeGreaterThan(0);
  await expect.poll(() => ids(page)).toEqual(expected);
  await expect(page.getByLabel("Greatest amount")).toHaveValue("20");
});

test("an empty answer says what was looked for and how to widen it", async ({ page }) => {
  await open(page, "/payments?order=no-such-order");
  await expect(page.getByText("No payments of order no-such-order")).toBeVisible();
  await page.getByRole("link", { name: "Clear the filter" }).click();
  expect(await ids(page)).toHaveLength(50);
});

test.describe("with wrong input", () => {
  test.use({ expectedComplaint: /status of 4(00|22)/ });

  test("a bad id is named beside its field, and what was typed is kept", async ({ page }) => {
    await open(page, "/payments");
    await page.getByLabel("User id").fill("forty-two");
    await page.getByLabel("Order id").fill("ORD 7&x=1");
    await page.getByRole("checkbox", { name: "Refunded", exact: true }).check();
    await page.getByRole("button", { name: "Show payments" }).click();

    const user = page.getByLabel("User id");
    await expect(user).toHaveAttribute("aria-invalid", "true");
    await expect(user).toHaveAccessibleDescription(/forty-two/);
    await expect(user).toHaveValue("forty-two");
    await expect(page.getByLabel("Order id")).toHaveValue("ORD 7&x=1");
    await expect(page.getByLabel("Order id")).not.toHaveAttribute("aria-invalid", "true");
    await expect(page.getByRole("checkbox", { name: "Refunded", exact: true })).toBeChecked();

    await user.fill("");
    await page.getByLabel("Order id").fill("");
    await page.getByRole("button", { name: "Show payments" }).click();
    await expect(page).toHaveURL("/payments?status=REFUNDED");
    await expect(user).not.toHaveAttribute("aria-invalid", "true");
  });

  test("each wrong field is named", async ({ page }) => {
    await open(page, "/payments?id=x&from=yesterday&to=2026-13-01&status=PAYED&max=12,50");
    for (const label of ["Payment id", "From", "To, that day included", "Greatest amount"]) {
      await expect(page.getByLabel(label), label).toHaveAccessibleDescription(/./);
    }
    await expect(page.getByRole("group", { name: /^Status/ })).toContainText("PAYED");
  });

  test("a broken cursor is refused with the way back", async ({ page }) => {
    await open(page, "/payments?cursor=broken");
    await expect(page.getByRole("alert")).toContainText("cursor");
  });
});

test("a payment is opened from its row and says what it is and where it lives", async ({ page, demo }) => {
  await open(page, "/payments");
  const [id] = await ids(page);
  await page.getByRole("link", { name: id!, exact: true }).click();
  await expect(page).toHaveURL(`/payments/${id}`);
  await expect(page).toHaveTitle(`Payment ${id} · payhist`);

  const { location } = demo.command<{ location: Record<string, string> }>(["payments", "show", id!]);
  const place = page.getByRole("heading", { name: "Where it lives" }).locator("..");
  await expect(place).toContainText(`${location.schema}.${location.table}`);
  await expect(place).toContainText(location.partition!);
  await page.getByText("The row as JSON").click();
  await expect(page.getByRole("region", { name: "The row as JSON" })).toContainText(`"payment_id": "${id}"`);
  await expect(page.getByText("(masked)").first(), "personal fields leave the server masked").toBeVisible();
});

test.describe("where there is nothing", () => {
  test.use({ expectedComplaint: /status of 404/ });

  test("an unknown payment is a 404 page with a way back", async ({ page }) => {
    const answer = await page.goto("/payments/1");
    expect(answer!.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("No such payment");
    await page.getByRole("link", { name: "Look among all payments" }).click();
    expect(await ids(page)).toHaveLength(50);
  });

  test("an unknown address is a 404 page with a way back", async ({ page }) => {
    const answer = await page.goto("/no/such/page");
    expect(answer!.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is no such page");
    await page.getByRole("link", { name: "Go to the overview" }).click();
    await expect(page).toHaveURL("/");
  });
});
