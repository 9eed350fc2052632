// What holds for every page: axe finds nothing, in light and dark, wide and narrow; nothing runs over the edge; the
// first paint is small. Each test also fails on console errors and external requests (fixtures.ts).

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import type { AxeResults } from "axe-core";
import { provokeDeadlock } from "./deadlock.ts";
import type { Demo } from "./demo.ts";
import { expect, open, test } from "./fixtures.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** HTML and CSS of one page as they come over the wire. */
const FIRST_PAINT_BYTES_MAX = 40 * 1024;
const WIDTHS = [1280, 390];
const SCHEMES = ["light", "dark"] as const;

const newestPayment = (demo: Demo) => demo.command<{ payments: { payment_id: string }[] }>(["payments", "list"]).payments[0]!.payment_id;

/** Pages by name; where an address depends on what there is, it is made from the demo. */
const PAGES: [string, (demo: Demo) => string | Promise<string>][] = [
  ["overview", () => "/"],
  ["payments", () => "/payments"],
  ["payments, none found", () => "/payments?order=none"],
  ["payments, rarer filters", () => "/payments?provider=stripe&currency=EUR&min=10"],
  ["payments, all unfolded", () => "/payments?currency=EUR&sort=largest&from=today-29&to=today&columns=created,amount,payer&density=compact"],
  ["summary", () => "/payments/summary"],
  ["summary by day, and what is unknown", () => "/payments/summary?by=day&from=2025-01&to=2025-02&currency=EUR"],
  ["search in vain", () => "/payments?search=no+such+thing"],
  ["one payment", (demo) => `/payments/${newestPayment(demo)}`],
  ["one payment, explained", (demo) => `/payments/${newestPayment(demo)}?explain=1`],
  ["export", () => "/payments/export?status=FAILED&personal=clear&refused=reason"],
  ["exports", exportsOfAUser],
  ["partition map", () => "/partitions"],
  ["plan", () => "/partitions/plan"],
  ["rotation run", aRun],
  ["one month", (demo) => `/partitions/payments/${demo.command<{ months: string[] }>(["partitions", "list"]).months[0]}`],
  ["holds", () => "/holds"],
  ["simulation", () => "/partitions/simulate?history=payments&retention=2+years"],
  ["settings", () => "/settings"],
  ["tokens", () => "/settings/tokens"],
  ["jobs", () => "/jobs"],
  ["one job", () => "/jobs/premake"],
  ["database", () => "/database"],
  ["deadlock", aDeadlock],
];

for (const [name, path] of PAGES) {
  test(name, async ({ page, demo }) => {
    await examine(page, await path(demo));
  });
}

test.describe("in Korean", () => {
  test.use({ locale: "ko-KR" });

  for (const [name, path] of PAGES.filter(([name]) => /payment|search|summary|overview/.test(name))) {
    test(name, async ({ page, demo }) => {
      await examine(page, await path(demo));
      await expect(page.locator("html")).toHaveAttribute("lang", "ko");
    });
  }
});

test.describe("without a session", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("login", async ({ page }) => {
    await examine(page, "/login?error=wrong");
  });
});

test.describe("pages of errors", () => {
  test.use({ expectedComplaint: /status of 4(00|04|22)/ });

  for (const [name, path] of [["wrong filter", "/payments?user=x"], ["unknown payment", "/payments/1"], ["unknown address", "/none"]] as const) {
    test(name, async ({ page }) => {
      await examine(page, path);
    });
  }
});

async function examine(page: Page, path: string): Promise<void> {
  const firstPaint = measureFirstPaint(page);
  await open(page, path);
  await expect(page).toHaveTitle(/\S · payhist$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  expect(await firstPaint(), "bytes of HTML and CSS").toBeLessThanOrEqual(FIRST_PAINT_BYTES_MAX);

  await page.locator("details").evaluateAll((all) => all.forEach((details) => ((details as HTMLDetailsElement).open = true)));
  await page.evaluate(AXE);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(beyond, `pixels beyond the edge at ${width} px`).toBeLessThanOrEqual(0);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      expect.soft(await violations(page), `axe at ${width} px, ${colorScheme}`).toEqual([]);
    }
  }
}

/** Counts compressed bytes from now on. */
function measureFirstPaint(page: Page): () => Promise<number> {
  const counted: Promise<number>[] = [];
  page.on("response", (response) => {
    const request = response.request();
    if (!["document", "stylesheet"].includes(request.resourceType()) || response.status() >= 300 && response.status() < 400) return;
    expect(["br", "gzip", "zstd"], `${request.url()} is compressed`).toContain(response.headers()["content-encoding"]);
    counted.push(request.sizes().then((sizes) => sizes.responseBodySize));
  });
  return async () => {
    expect(counted.length, "a document and its stylesheet").toBeGreaterThanOrEqual(2);
    return (await Promise.all(counted)).reduce((sum, bytes) => sum + bytes, 0);
  };
}

/** What axe has against the page: rule, element, why. */
async function violations(page: Page): Promise<string[]> {
  const results = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  return results.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html} ${node.failureSummary}`));
}

/** The run of a plan: applies today's, unless that was done before. */
function aRun(demo: Demo): string {
  demo.command(["partitions", "apply"]);
  return `/partitions/runs/${demo.command<{ id: string | number }[]>(["partitions", "history"])[0]!.id}`;
}

/** The exports, with one that was just made. */
function exportsOfAUser(demo: Demo): string {
  demo.command(["payments", "export", "--user", "1", "--format", "csv", "--clear", "--reason", "dispute 7", "--replace", "--out", `${demo.dir}/user.csv`]);
  return "/payments/exports";
}

async function aDeadlock(demo: Demo): Promise<string> {
  await provokeDeadlock(demo);
  return `/database/deadlocks/${demo.command<{ id: string | number }[]>(["monitor", "deadlocks"])[0]!.id}`;
}
