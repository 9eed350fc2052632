// Jobs are seen, run and paused.

import { type Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

interface Job {
  name: string;
  purpose: string;
  paused: boolean;
  next: string[];
  runs: { id: number; trigger: string }[];
}

const job = (jobs: Job[], name: string) => jobs.find((job) => job.name === name)!;
const rowOf = (page: Page, name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });

test("every job is listed with its schedule", async ({ page, demo }) => {
  const jobs = demo.command<Job[]>(["jobs", "list"]);
  expect(jobs.map((job) => job.name)).toEqual(expect.arrayContaining(["premake", "expire", "runway-check", "deadlock-capture"]));
  await open(page, "/jobs");
  for (const { name, purpose } of jobs) await expect(rowOf(page, name)).toContainText(purpose);
  await rowOf(page, "premake").getByRole("link", { name: "premake" }).click();
  await expect(page).toHaveURL("/jobs/premake");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Job premake");
});

test("a job that is run now appears as succeeded, with who asked for it", async ({ page, demo }) => {
  await open(page, "/jobs");
  await page.getByRole("button", { name: "Run session-cleanup now" }).click();
  await expect(rowOf(page, "session-cleanup").getByText("succeeded", { exact: true })).toBeVisible();

  await rowOf(page, "session-cleanup").getByRole("link", { name: "session-cleanup" }).click();
  const latest = page.getByRole("region", { name: "Runs" }).locator("tbody tr").first();
  await expect(latest).toContainText("succeeded");
  await expect(latest).toContainText("deleted");
  await expect(latest).toContainText(demo.operator);
});

test("a paused job has no next run until it is resumed", async ({ page, demo }) => {
  const premake = () => job(demo.command<Job[]>(["jobs", "list"]), "premake");
  await open(page, "/jobs");
  await page.getByRole("button", { name: "Pause premake" }).click();
  await expect(rowOf(page, "premake").getByText("paused", { exact: true })).toBeVisible();
  expect(premake()).toMatchObject({ paused: true, next: [] });

  await page.getByRole("button", { name: "Resume premake" }).click();
  await expect(rowOf(page, "premake").getByText("paused", { exact: true })).toHaveCount(0);
  expect(premake().paused).toBe(false);
});

test.describe("somebody who may only look", () => {
  test.use({ storageState: async ({ viewerState }, use) => use(viewerState) });

  test("sees jobs without buttons, and the server refuses what he sends", async ({ page, request, demo }) => {
    await open(page, "/jobs");
    await expect(rowOf(page, "premake")).toBeVisible();
    await expect(page.getByRole("button", { name: /premake/ })).toHaveCount(0);
    await open(page, "/jobs/premake");
    await expect(page.getByRole("button", { name: /premake/ })).toHaveCount(0);

    const before = job(demo.command<Job[]>(["jobs", "list"]), "premake");
    for (const [path, form] of [["run", { name: "premake" }], ["pause", { name: "premake", paused: "true" }]] as const) {
      const answer = await request.post(`/api/ui/jobs/${path}`, { form, headers: { accept: "application/json" } });
      expect(answer.status(), path).toBe(403);
    }
    const after = job(demo.command<Job[]>(["jobs", "list"]), "premake");
    expect([after.paused, after.runs]).toEqual([before.paused, before.runs]);
  });
});

test.describe("a job that is not there", () => {
  test.use({ expectedComplaint: /status of 404/ });

  test("is a 404 page", async ({ page }) => {
    const answer = await page.goto("/jobs/no-such-job");
    expect(answer!.status()).toBe(404);
    await expect(page.getByRole("alert")).toContainText("no-such-job");
  });
});
