// The main job: see the partitions, read the plan, apply it; drop only what somebody has allowed.

import { type Page } from "@playwright/test";
import { Client } from "./deadlock.ts";
import { expect, open, test } from "./fixtures.ts";

// The steps of one story on one history: each begins where the last one ended.
test.describe.configure({ mode: "serial" });
test.use({ demoName: "partitions" });

interface Plan {
  hash: string;
  switches: { create: boolean; drop: boolean };
  steps: { table: string; sql: string[]; blocked_by: unknown[]; action: { kind: string } }[];
}
interface PartitionMap {
  months: string[];
  current: string;
  retained_from: string;
  rows: { shard: number; cells: { month: string; state: string }[] }[];
}

const SHARDS = 10;
const DONE = /^Every step .*done, and the catalogue says so\.$/;
const heading = (page: Page, name: RegExp) => page.getByRole("heading", { name });
const monthsOf = (map: PartitionMap) => map.rows[0]!.cells.filter((cell) => cell.state !== "missing").map((cell) => cell.month);

test.describe("somebody who may only look", () => {
  test.use({ storageState: async ({ viewerState }, use) => use(viewerState) });

  test("sees map and plan without controls, and the server refuses what he sends", async ({ page, request, demo }) => {
    await open(page, "/partitions");
    await expect(page.getByText("Your role may look at switches, not turn them")).toBeVisible();
    await expect(page.getByRole("button", { name: /^Turn/ })).toHaveCount(0);
    await open(page, "/partitions/plan");
    await expect(page.getByText("Your role may look at plans, not apply them")).toBeVisible();
    await expect(page.getByRole("button", { name: /^Apply/ })).toHaveCount(0);

    const before = demo.command<Plan>(["partitions", "plan"]);
    const forged = [
      ["/api/ui/partitions/switch", { history: "payments", switch: "drop", on: "true", confirm: "payments" }],
      ["/api/ui/partitions/apply", { history: "payments", hash: before.hash, drops: "false", confirm: "" }],
    ] as const;
    for (const [path, form] of forged) {
      const answer = await request.post(path, { form, headers: { accept: "application/json" } });
      expect(answer.status(), path).toBe(403);
      expect((await answer.json()).kind, path).toBe("forbidden");
    }
    const after = demo.command<Plan>(["partitions", "plan"]);
    expect(after.switches).toEqual(before.switches);
    expect(after.hash, "no partition was touched").toBe(before.hash);
  });
});

test("the map shows each shard with each of its months", async ({ page, demo }) => {
  const map = demo.command<PartitionMap>(["partitions", "list"]);
  expect(map.rows).toHaveLength(SHARDS);
  await open(page, "/partitions");
  const region = page.getByRole("region", { name: "Partition map" });
  await expect(region.locator("tbody").getByRole("rowheader")).toHaveText(map.rows.map((row) => String(row.shard)));
  const titles = await region.locator("tbody tr").first().getByRole("cell").evaluateAll((cells) => cells.map((cell) => cell.title.slice(0, 7)));
  expect(titles).toEqual(map.months);
  await page.getByText("The same as a table, month by month").click();
  const months = page.getByRole("region", { name: "Months" }).locator("tbody").getByRole("rowheader");
  await expect(months).toHaveText([...map.months].reverse());
});

test("the plan shows its SQL and who is in its way, and a run that waits for him is followed in place", async ({ page, demo }) => {
  const plan = demo.command<Plan>(["partitions", "plan"]);
  const adds = plan.steps.filter((step) => step.blocked_by.length === 0);
  expect(adds.length, "a new demo has months to make").toBeGreaterThan(0);
  const reader = new Client(demo.socket);
  await reader.run(`BEGIN; SELECT COUNT(*) FROM ${/`[^`]+`\.`[^`]+`/.exec(adds[0]!.sql.join())![0]}`);
  await open(page, "/partitions");
  await page.getByRole("link", { name: /^Plan: / }).click();
  await expect(page).toHaveURL(/\/partitions\/plan/);
  await expect(page.locator("pre.sql").first()).toBeAttached();
  expect(await page.locator("pre.sql").allTextContents()).toEqual(plan.steps.map((step) => step.sql.join(";\n")));

  const holders = page.getByRole("region", { name: "Who holds locks" }).locator("tbody tr");
  await expect(holders).toHaveCount(1);
  await expect(holders).toContainText(adds[0]!.table);
  await expect(holders).toContainText("idle in its transaction");

  const events = page.waitForResponse(/\/api\/ui\/partitions\/runs\/\d+\/events$/);
  await page.getByRole("button", { name: `Apply ${adds.length} steps` }).click();
  await expect(page).toHaveURL(/\/partitions\/runs\/\d+/);
  expect((await events).headers()["content-type"]).toBe("text/event-stream");
  await expect(page.getByText("At work.")).toBeVisible();
  await page.evaluate(() => Object.assign(globalThis, { stays: true })); // gone after a reload
  await reader.end();
  await expectDone(page, adds.length, plan.steps.length);
  expect(await page.evaluate(() => "stays" in globalThis)).toBe(true);

  const map = demo.command<PartitionMap>(["partitions", "list"]);
  const ahead = monthsOf(map).filter((month) => month > map.current);
  expect(ahead, "three months beyond the running one").toHaveLength(3);
  for (const row of map.rows) expect(row.cells.filter((cell) => cell.state === "missing"), `shard ${row.shard}`).toEqual([]);
});

test("afterwards there is nothing to apply: months stay while the drop switch is off", async ({ page, demo }) => {
  await open(page, "/partitions/plan");
  await expect(page.getByText("No step of this plan may run now, so there is nothing to apply.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Apply/ })).toHaveCount(0);
  await expect(page.getByText(/^Would quarantine \d+ partitions .* but the drop switch is off\.$/)).toBeVisible();

  const plan = demo.command<Plan>(["partitions", "plan"]);
  expect(plan.steps.length, "months past retention").toBeGreaterThan(0);
  const forged = { history: "payments", hash: plan.hash, drops: "true", confirm: "payments" };
  await page.request.post("/api/ui/partitions/apply", { form: forged, headers: { accept: "application/json" } });
  expect(demo.command<Plan>(["partitions", "plan"]).hash, "even a forged request takes nothing out").toBe(plan.hash);
});

test("the drop switch is turned on by typing the history's name, and by no other", async ({ page, demo }) => {
  await open(page, "/partitions");
  const name = page.getByLabel(/to allow it$/);
  const turnOn = page.getByRole("button", { name: "Turn drop on" });
  await name.fill("payment");
  await turnOn.click();
  await expect(name, "the browser says so at once").toHaveJSProperty("validity.patternMismatch", true);
  expect(demo.command<Plan>(["partitions", "plan"]).switches.drop).toBe(false);

  const forged = { history: "payments", switch: "drop", on: "true", confirm: "payment" };
  const answer = await page.request.post("/api/ui/partitions/switch", { form: forged, headers: { accept: "application/json" } });
  expect(answer.ok(), "and so does the server").toBe(false);
  expect((await answer.json()).fields[0].field).toBe("confirm");
  expect(demo.command<Plan>(["partitions", "plan"]).switches.drop).toBe(false);
  await expect(heading(page, /^Drop expired months/)).toContainText("off");

  await name.fill("payments");
  await turnOn.click();
  await expect(heading(page, /^Drop expired months/)).toContainText("on");
  await expect(page.getByRole("button", { name: "Turn drop off" })).toBeVisible();
  expect(demo.command<Plan>(["partitions", "plan"]).switches.drop).toBe(true);
});

test("months past retention go to quarantine first, which needs no name", async ({ page, demo }) => {
  const steps = demo.command<Plan>(["partitions", "plan"]).steps;
  await open(page, "/partitions/plan");
  await page.getByRole("button", { name: `Apply ${steps.length} steps` }).click();
  await expect(page).toHaveURL(/\/partitions\/runs\/\d+/);
  await expectDone(page, steps.length, steps.length);

  const map = demo.command<PartitionMap>(["partitions", "list"]);
  expect(monthsOf(map).filter((month) => month < map.retained_from).length).toBeGreaterThan(0);
  const states = map.rows.flatMap((row) => row.cells.filter((cell) => cell.month < map.retained_from).map((cell) => cell.state));
  expect(new Set(states)).toEqual(new Set(["quarantined"]));
});

test("dropping them for good asks for the name, and drops exactly the months past retention", async ({ page, demo }) => {
  const before = demo.command<PartitionMap>(["partitions", "list"]);
  const drops = demo.command<Plan>(["partitions", "plan"]).steps;
  await open(page, "/partitions/plan");
  const apply = page.getByRole("button", { name: `Apply ${drops.length} steps` });
  await apply.click();
  await expect(page, "not without the name").toHaveURL(/\/partitions\/plan/);
  await page.getByLabel(/to confirm$/).fill("payments");
  await apply.click();
  await expect(page).toHaveURL(/\/partitions\/runs\/\d+/);
  await expectDone(page, drops.length, drops.length);

  const after = demo.command<PartitionMap>(["partitions", "list"]);
  expect(monthsOf(after)).toEqual(monthsOf(before).filter((month) => month >= before.retained_from));
  await page.getByRole("link", { name: "See the map" }).click();
  await expect(page.getByRole("link", { name: "Plan: nothing due" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Recent runs" }).locator("tbody tr")).toHaveCount(3);
});

test("the plan then has nothing to do", async ({ page }) => {
  await open(page, "/partitions/plan");
  await expect(page.getByText("Nothing to do: every shard is as the policy asks.")).toBeVisible();
});

test("a month in quarantine is brought back by one click", async ({ page, demo }) => {
  const states = (of: PartitionMap, month: string) => new Set(of.rows.map((row) => row.cells.find((cell) => cell.month === month)?.state));
  const before = demo.command<PartitionMap>(["partitions", "list"]);
  const month = monthsOf(before).find((month) => states(before, month).has("quarantined"))!;
  await open(page, "/partitions");
  await page.getByText("The same as a table, month by month").click();
  await page.getByRole("button", { name: `Restore ${month}` }).click();
  await expect(page.getByRole("button", { name: `Restore ${month}` })).toHaveCount(0, { timeout: 180_000 });
  expect(states(demo.command<PartitionMap>(["partitions", "list"]), month)).toEqual(new Set(["restored"]));
});

test.describe("a run that is not there", () => {
  test.use({ expectedComplaint: /status of 404/ });

  test("is a 404 page", async ({ page }) => {
    const answer = await page.goto("/partitions/runs/999999");
    expect(answer!.status()).toBe(404);
    await expect(page.getByRole("alert")).toContainText("999999");
  });
});

/** The run page follows its run to the end; steps that are blocked are listed as well. */
async function expectDone(page: Page, done: number, listed: number): Promise<void> {
  await expect(page.getByText(`${done} of ${listed} done`)).toBeVisible({ timeout: 180_000 });
  await expect(page.getByText(DONE)).toBeVisible();
  const steps = page.getByRole("region", { name: "Steps" }).locator("tbody");
  await expect(steps.getByRole("row")).toHaveCount(listed);
  await expect(steps.getByText("done", { exact: true })).toHaveCount(done);
}
