// What surrounds every page: keyboard, search, theme.

import { type Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

test("two keys lead to each page", async ({ page }) => {
  await open(page, "/");
  for (const [key, path] of [["p", "/payments"], ["r", "/partitions"], ["d", "/database"], ["j", "/jobs"]] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page).toHaveURL(path);
    const rail = page.getByRole("navigation", { name: "Pages" });
    await expect(rail.locator("[aria-current=page]")).toHaveAttribute("href", path);
  }
});

test("/ leads to the search, where keys are letters again", async ({ page }) => {
  await open(page, "/jobs");
  await page.keyboard.press("/");
  const search = page.getByRole("searchbox");
  await expect(search).toBeFocused();
  await page.keyboard.type("gp?");
  await expect(search).toHaveValue("gp?");
  await expect(page).toHaveURL("/jobs");
});

test("? shows the shortcuts, Escape puts them away", async ({ page }) => {
  await open(page, "/");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await expect(help).toBeVisible();
  await expect(help).toContainText("Payments");
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
});

test("j and k walk through the rows, Enter opens one", async ({ page }) => {
  await open(page, "/payments");
  const links = page.locator("tbody a[href^='/payments/']");
  await page.keyboard.press("j");
  await expect(links.nth(0)).toBeFocused();
  await page.keyboard.press("j");
  await expect(links.nth(1)).toBeFocused();
  await page.keyboard.press("k");
  await expect(links.nth(0)).toBeFocused();
  const href = await links.nth(0).getAttribute("href");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(href!);
});

test("the first key stroke reaches the way past the rail", async ({ page }) => {
  await open(page, "/payments");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});

test("the search knows a user, a payment, an order and a reference apart, and says where it looked in vain", async ({ page, demo }) => {
  type Found = { payments: { payment_id: string; user_id: string; order_id: string; provider_tx_id: string }[] };
  const { payments } = demo.command<Found>(["payments", "list", "--status", "PAID"]);
  const { payment_id, user_id, order_id, provider_tx_id } = payments[0]!;
  const search = async (page: Page, text: string) => {
    await open(page, "/");
    await page.getByRole("searchbox").fill(text);
    await page.getByRole("searchbox").press("Enter");
  };
  await search(page, user_id);
  await expect(page).toHaveURL(`/payments?user=${user_id}`);
  await search(page, payment_id);
  await expect(page).toHaveURL(`/payments/${payment_id}`);
  await search(page, order_id);
  await expect(page).toHaveURL(`/payments?order=${encodeURIComponent(order_id)}`);
  await expect(page.getByRole("link", { name: payment_id, exact: true })).toBeVisible();
  await search(page, provider_tx_id);
  await expect(page).toHaveURL(`/payments?reference=${encodeURIComponent(provider_tx_id)}`);
  await expect(page.getByRole("link", { name: payment_id, exact: true })).toBeVisible();
  await search(page, "no such thing");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("“no such thing” was not found");
  await expect(page.getByRole("row", { name: /provider reference/ })).toContainText("10 shards");
});

test("the chosen theme is there at the first paint of the next page", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "/");
  const light = await background(page);
  await page.getByRole("button", { name: /theme/i }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await background(page)).not.toBe(light);
  const answer = await page.request.get("/jobs");
  expect(await answer.text(), "the server paints it").toContain('data-theme="dark"');
});

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

test("the frame says where one is: environment, zone and operator", async ({ page, demo }) => {
  await open(page, "/");
  const bar = page.getByRole("banner");
  for (const word of ["demo", "UTC", demo.operator]) await expect(bar.getByText(word, { exact: true })).toBeVisible();
});
