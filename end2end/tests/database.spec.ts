// Pools are shown live, and a deadlock is captured and explained.

import { provokeDeadlock } from "./deadlock.ts";
import { expect, open, test } from "./fixtures.ts";

test("each pool says how full it is, and each server what it is", async ({ page }) => {
  await open(page, "/database");
  for (const [pool, most] of [["control", 8], ["main", 16]] as const) {
    const card = page.getByRole("heading", { name: new RegExp(`^${pool} `) }).locator("..");
    const words = await card.getByRole("img", { name: /in use/ }).getAttribute("aria-label");
    const [used, idle, size, max] = words!.match(/\d+/g)!.map(Number) as [number, number, number, number];
    expect(max, pool).toBe(most);
    expect(used + idle, `${pool}: ${words}`).toBe(size);
    expect(size, pool).toBeLessThanOrEqual(max);
    await expect(card.getByText(/^[1-9][\d,]* since start/), `${pool} has been used`).toBeVisible();
  }
  await expect(page.getByRole("region", { name: "Servers" })).toContainText("MariaDB");
});

test("the figures follow what happens, without a reload", async ({ page }) => {
  await open(page, "/database");
  const read = page.locator("main time").first();
  const first = await read.getAttribute("datetime");
  await expect(read).not.toHaveAttribute("datetime", first!, { timeout: 15_000 });
});

test("a real deadlock is captured by its job and shown with both transactions and the victim", async ({ page, demo }) => {
  const { tables, victimWaitedFor } = await provokeDeadlock(demo);
  await open(page, "/jobs/deadlock-capture");
  await page.getByRole("button", { name: "Run deadlock-capture now" }).click();
  const asked = page.getByRole("region", { name: "Runs" }).locator("tbody tr").filter({ hasText: demo.operator });
  await expect(asked.first()).toContainText("succeeded");

  await open(page, "/database");
  const newest = page.getByRole("region", { name: "Deadlocks" }).locator("tbody tr").first();
  for (const table of tables) await expect(newest).toContainText(table.split(".")[1]!);
  await newest.getByRole("link", { name: /^Deadlock \d+$/ }).click();
  await expect(page).toHaveURL(/\/database\/deadlocks\/\d+$/);

  const transactions = page.getByRole("article");
  await expect(transactions).toHaveCount(2);
  const victim = transactions.filter({ hasText: "rolled back" });
  await expect(victim).toHaveCount(1);
  await expect(victim.locator("pre")).toContainText(victimWaitedFor);
  await expect(transactions.filter({ hasText: "went on" })).toHaveCount(1);
  await page.getByText("The server's own report").click();
  await expect(page.getByText("WE ROLL BACK TRANSACTION", { exact: false })).toBeVisible();
});

test.describe("a deadlock that is not there", () => {
  test.use({ expectedComplaint: /status of 404/ });

  test("is a 404 page", async ({ page }) => {
    const answer = await page.goto("/database/deadlocks/999999");
    expect(answer!.status()).toBe(404);
    await expect(page.getByRole("alert")).toContainText("999999");
  });
});
