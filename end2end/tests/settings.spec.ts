// A policy: looked at, simulated as another one, saved with the history's name typed, and kept as a version.

import { expect, open, test } from "./fixtures.ts";

test.describe.configure({ mode: "serial" });
test.use({ demoName: "settings" });

interface PolicyView {
  version: number;
  policy: { retention_months: number | null; windows: string[] };
}
interface Simulation {
  steps: { action: string }[];
}

test("a policy is simulated, saved and found among its versions", async ({ page, demo }) => {
  const before = demo.command<PolicyView>(["partitions", "policy", "show"]);
  await open(page, "/settings");
  await page.getByLabel("Kept: months").fill("5 years");
  await page.getByLabel("Maintenance windows").fill("Sat 01:00-05:00\nSun 02:00-04:00");
  await page.getByRole("button", { name: "Simulate 24 months" }).click();

  await expect(page.getByRole("heading", { name: "Simulation" })).toBeVisible();
  await expect(page.getByLabel("Kept: months")).toHaveValue("5 years");
  const simulated = demo.command<Simulation>(["partitions", "simulate", "--retention", "5 years"]);
  const rows = page.getByRole("region", { name: "Simulated steps" }).locator("tbody tr");
  await expect(rows).toHaveCount(simulated.steps.length);
  expect(demo.command<PolicyView>(["partitions", "policy", "show"])).toEqual(before);

  await page.getByLabel("Type payments to confirm").fill("payments");
  await page.getByRole("button", { name: "Save as the policy" }).click();
  await expect(page.getByRole("heading", { name: "Policy of payments, version 2" })).toBeVisible();
  await expect(page.getByText("months kept: 12 → 60; windows: none →")).toBeVisible();
  const after = demo.command<PolicyView>(["partitions", "policy", "show"]);
  expect(after.policy).toMatchObject({ retention_months: 60, windows: ["Sat 01:00-05:00", "Sun 02:00-04:00"] });
});

test.describe("a policy that makes no sense", () => {
  test.use({ expectedComplaint: /status of 4(00|22)/ });

  test("is named by its field, and nothing is saved", async ({ page, demo }) => {
    const before = demo.command<PolicyView>(["partitions", "policy", "show"]);
    await open(page, "/partitions/simulate?history=payments&retention=soon");
    await expect(page.getByRole("alert")).toContainText("retention");
    await expect(page.getByRole("button", { name: "Save as the policy" })).toHaveCount(0);
    expect(demo.command<PolicyView>(["partitions", "policy", "show"])).toEqual(before);
  });
});

test.describe("somebody who may only look", () => {
  test.use({ storageState: async ({ viewerState }, use) => use(viewerState) });

  test("simulates and does not save", async ({ page, request }) => {
    await open(page, "/partitions/simulate?history=payments&retention=1");
    await expect(page.getByText("Your role may simulate policies, not save them")).toBeVisible();
    const form = { history: "payments", version: "2", confirm: "payments", "edit[retention]": "1" };
    const answer = await request.post("/api/ui/policies/set", { form, headers: { accept: "application/json" } });
    expect(answer.status()).toBe(403);
  });
});
