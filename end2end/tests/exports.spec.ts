// Exports: from the filtered list to a file whose manifest is its own.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Download, type Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

interface Manifest {
  state: string;
  rows: number;
  bytes: number;
  sha256: string;
  reveal_reason: string | null;
}

const exported = (page: Page) => page.getByRole("region", { name: "Exports" }).locator("tbody tr");

async function fileOf(download: Download): Promise<Buffer> {
  return readFileSync((await download.path())!);
}

/** The manifest of the newest export, as its link downloads it. */
async function newestManifest(page: Page): Promise<Manifest> {
  await page.goto("/payments/exports");
  await expect(exported(page).first()).toContainText("complete");
  const download = page.waitForEvent("download");
  await exported(page).first().getByRole("link", { name: /^Manifest/ }).click();
  return JSON.parse((await fileOf(await download)).toString()) as Manifest;
}

function isOf(manifest: Manifest, file: Buffer): void {
  expect(manifest.state).toBe("complete");
  expect(manifest.bytes).toBe(file.length);
  expect(manifest.sha256).toBe(createHash("sha256").update(file).digest("hex"));
}

test("export what a filter shows, masked, and see it among the exports", async ({ page }) => {
  await page.goto("/payments?status=FAILED");
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await expect(page).toHaveURL("/payments/export?status=FAILED");
  await expect(page.getByText("Payments with status FAILED")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const file = await fileOf(await download);
  const lines = file.toString().trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(50);
  for (const line of lines.slice(1)) expect(line).toContain(",FAILED,");
  await expect(exported(page).first(), "the page finds out by itself").toContainText("complete");
  const manifest = await newestManifest(page);
  isOf(manifest, file);
  expect(manifest.rows).toBe(lines.length - 1);
  expect(manifest.reveal_reason).toBeNull();
});

test("personal fields in clear need a reason", async ({ page }) => {
  await page.goto("/payments/export?user=1");
  await page.getByRole("radio", { name: /^NDJSON/ }).check();
  await page.getByRole("radio", { name: /^In clear/ }).check();
  await page.getByRole("button", { name: "Export" }).click();
  await expect(page.getByRole("alert")).toContainText("say why personal fields are needed in clear");
  await expect(page.getByRole("radio", { name: /^NDJSON/ })).toBeChecked();
  await page.getByLabel("Why in clear").fill("dispute 7");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const file = await fileOf(await download);
  expect(file.toString()).not.toContain("•••");
  const manifest = await newestManifest(page);
  isOf(manifest, file);
  expect(manifest.reveal_reason).toBe("dispute 7");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, expectedComplaint: /preloaded using link preload but not used/ });

  test("export a month as Parquet", async ({ page }) => {
    await page.goto("/payments?from=month-1&to=month-1");
    await page.getByRole("link", { name: "Export", exact: true }).click();
    await page.getByRole("radio", { name: /^Parquet/ }).check();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const file = await fileOf(await download);
    expect(file.subarray(-4).toString()).toBe("PAR1");
    isOf(await newestManifest(page), file);
  });
});
