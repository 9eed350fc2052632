// A held user's rows, as an operator follows them: counted where they are, carved out of a month that goes, and still kept.

import { type Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

// The steps of one story on one history: each begins where the last one ended.
test.describe.configure({ mode: "serial" });
test.use({ demoName: "carve-out" });

interface PartitionMap {
  months: string[];
  rows: { cells: { month: string; held_rows: number[] }[] }[];
}
interface Payments {
  payments: { user_id: string; month: string }[];
}
interface Plan {
  steps: { table: string; action: { kind: string } }[];
}
interface HoldList {
  holds: { keeps: { months: number; rows: number; quarantined_rows: number; carved_out_rows: number; not_counted: unknown[] } }[];
}

const DONE = /^Every step .*done, and the catalogue says so\.$/;
const keeps = (page: Page) => page.getByRole("region", { name: "Holds in force" }).getByRole("row", { name: /^1 / });
const words = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** The month that goes, the user who is held, and all that he has paid. */
let month: string;
let user: string;
let rows: number;
let months: number;
let leaving: number;

test("a hold on a user counts the rows that it keeps, and the map marks their months", async ({ page, request, demo }) => {
  month = demo.command<PartitionMap>(["partitions", "list"]).months[0]!;
  const payments = async (query: string) => {
    const answer = await request.get(`/api/v1/payments?limit=500&${query}`);
    return ((await answer.json()) as Payments).payments;
  };
  const oldest = await payments(`from=${month}-01&to=${month}-28`);
  user = oldest[0]!.user_id;
  const all = await payments(`user=${user}`);
  const monthsOf = new Set(all.map((payment) => payment.month));
  [rows, months, leaving] = [all.length, monthsOf.size, all.filter((payment) => payment.month === month).length];

  await open(page, "/holds");
  await page.getByLabel("Which one").fill(user);
  await page.getByLabel("Case number").fill("2026/91");
  await page.getByLabel("Reason").fill("police request");
  await page.getByRole("button", { name: "Place the hold" }).click();
  await expect(keeps(page)).toContainText(`user ${user}`);
  await expect(keeps(page)).toContainText(`${words(rows, "row")} in ${words(months, "month")}`);
  await expect(keeps(page)).not.toContainText("quarantine");

  await open(page, "/partitions");
  const marked = page.getByRole("region", { name: "Partition map" }).locator("td", { hasText: "held rows" });
  await expect(marked).toHaveCount(months);
  await expect(marked.first()).toHaveAttribute("title", /held rows of hold 1$/);
  await open(page, `/partitions/payments/${month}`);
  await expect(page.getByText("The month has held rows of hold 1: they are carved out before it goes.")).toBeVisible();
});

test("the rows are told to be in quarantine with their month", async ({ page, demo }) => {
  // One month past retention will do.
  demo.command(["partitions", "policy", "set", "--retention", "16"]);
  demo.command(["partitions", "switch", "drop", "on"]);
  demo.command(["partitions", "apply"]);
  const { keeps: kept } = demo.command<HoldList>(["holds", "list"]).holds[0]!;
  expect(kept).toMatchObject({ months, rows, carved_out_rows: 0, not_counted: [] });
  expect(kept.quarantined_rows).toBeGreaterThanOrEqual(leaving);
  await open(page, "/holds");
  await expect(keeps(page)).toContainText(`${words(rows, "row")} in ${words(months, "month")}of these, ${kept.quarantined_rows} in quarantine`);
});

test("the plan carves them out before the month goes, and the hold keeps them all the same", async ({ page, demo }) => {
  const { table } = demo.command<Plan>(["partitions", "plan"]).steps.find((step) => step.action.kind === "carve_out")!;
  await open(page, "/partitions/plan");
  const steps = page.locator("details", { hasText: table });
  if (!(await steps.evaluate((details: HTMLDetailsElement) => details.open))) await steps.locator("summary").click();
  const carveOut = steps.getByRole("row", { name: `carve-out ${month}` });
  await expect(carveOut).toHaveCount(1);
  await expect(carveOut).toContainText("will copy held rows");
  await expect(carveOut).toContainText(`\`user_id\` IN (${user})`);
  await page.getByLabel(/to confirm$/).fill("payments");
  await page.getByRole("button", { name: /^Apply \d+ steps$/ }).click();
  await expect(page.getByText(DONE)).toBeVisible({ timeout: 120_000 });
  const copied = page.getByRole("region", { name: "Steps" }).getByRole("row", { name: `carve-out ${month}` });
  await expect(copied.locator('[data-name="rows"]')).toHaveText(String(leaving));

  await open(page, `/partitions/payments/${month}`);
  await expect(page.getByText("No shard has this month")).toBeVisible();
  await open(page, "/holds");
  await expect(keeps(page)).toContainText(`${words(rows, "row")} in ${words(months, "month")}`);
  await expect(keeps(page)).toContainText(`${leaving} carved out`);
  const map = demo.command<PartitionMap>(["partitions", "list"]);
  const marked = map.rows.flatMap((row) => row.cells).filter((cell) => cell.held_rows.includes(1));
  expect(marked.map((cell) => cell.month), "the month is gone, and its mark with it").not.toContain(month);
  expect(marked).toHaveLength(months - 1);
});
