// One month: on each shard, in quarantine, in its archive, and back.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, open, test } from "./fixtures.ts";

// The steps of one story on one history: each begins where the last one ended.
test.describe.configure({ mode: "serial" });
test.use({ demoName: "month" });

interface PartitionMap {
  months: string[];
  retained_from: string;
  rows: unknown[];
}
interface Archive {
  shard: number;
  key: string;
  state: string;
}

const KEY = "5a".repeat(32);

test("the map leads to a month, which says what each shard has of it", async ({ page, demo }) => {
  const map = demo.command<PartitionMap>(["partitions", "list"]);
  const month = map.months[0]!;
  await open(page, "/partitions");
  await page.getByRole("region", { name: "Partition map" }).getByRole("link", { name: month.slice(5) }).first().click();
  await expect(page).toHaveURL(new RegExp(`/partitions/payments/${month}$`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${month} of payments`);
  await expect(page.getByRole("region", { name: "Shards" }).locator("tbody tr")).toHaveCount(map.rows.length);
  await expect(page.getByText("None was written.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Restore/ })).toHaveCount(0);
});

test("an archived month says where each archive is, and one click brings the month back, which outdates them", async ({ page, demo }) => {
  appendFileSync(join(demo.dir, "payhist.toml"), `\n[archive.cold]\nurl = "${join(demo.dir, "cold")}"\n[encryption]\nkey = "${KEY}"\n`);
  const month = demo.command<PartitionMap>(["partitions", "list"]).months[0]!;
  // One month past retention will do.
  demo.command(["partitions", "policy", "set", "--archive", "cold", "--retention", "17"]);
  demo.command(["partitions", "switch", "drop", "on"]);
  demo.command(["partitions", "apply"]); // into quarantine
  demo.command(["partitions", "apply"]); // into the archive
  const archives = demo.command<Archive[]>(["archive", "list"]).filter((archive) => archive.key.includes(`/${month}/`));
  expect(archives.length, "a month of the sample is past its retention").toBeGreaterThan(0);

  await open(page, `/partitions/payments/${month}`);
  const rows = page.getByRole("region", { name: "Archives" }).locator("tbody tr");
  await expect(rows).toHaveCount(archives.length);
  for (const [place, archive] of archives.entries()) {
    await expect(rows.nth(place)).toContainText("verified");
    await expect(rows.nth(place).locator("code")).toHaveText(archive.key);
  }
  await page.getByRole("button", { name: `Restore ${month}` }).click();
  await expect(page.getByRole("region", { name: "Shards" }).getByText("restored").first()).toBeVisible();
  await expect(rows.first()).toContainText("stale");
});

test("a month that nobody has is told apart from what is no month", async ({ page }) => {
  await open(page, "/partitions/payments/1999-12");
  await expect(page.getByText("No shard has this month")).toBeVisible();
});
