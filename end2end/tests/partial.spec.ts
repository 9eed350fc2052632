// A history on two servers, one of which is stopped in the middle: what is missing is named, the rest is shown.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Page } from "@playwright/test";
import { BINARY, Demo, processesOf } from "./demo.ts";
import { expect, open, test } from "./fixtures.ts";

test.describe.configure({ mode: "serial" });
test.use({
  demoName: "partial",
  storageState: { cookies: [], origins: [] },
  expectedComplaint: /a request to another site: http:\/\/127\.0\.0\.1:/, // the server of this file, not the demo's
});

const OPERATOR = { login: "omar", password: "looks-at-two-servers" };
const HERE = [0, 1, 2, 3, 4];
const THERE = [5, 6, 7, 8, 9];

let far: Demo;
let folder: string;
let serve: ChildProcess;
let url: string;

const sql = (demo: Demo, statements: string) =>
  execFileSync("mariadb", ["--no-defaults", "--user=root", `--socket=${demo.socket}`], { input: statements, encoding: "utf8" });
const source = (demo: Demo, schema = "") => `mysql://root@localhost/${schema}?socket=${encodeURIComponent(demo.socket)}`;
const drop = (shards: number[]) => shards.map((shard) => `DROP TABLE payhist_payments.payment_history_shard_${shard};`).join("\n");

test.beforeAll(async ({ demo }) => {
  test.setTimeout(240_000);
  far = await Demo.start();
  sql(demo, `CREATE DATABASE payhist_two;\n${drop(THERE)}`);
  sql(far, drop(HERE));
  folder = mkdtempSync(join(tmpdir(), "payhist-partial-"));
  const config = join(folder, "payhist.toml");
  const history = `name = "payments"\nschema = "payhist_payments"\ntable_pattern = "payment_history_shard_{shard}"
source = { main = "0-4", far = "5-9" }\nroute = { kind = "modulo", shards = 10 }\n[history.policy]\nzone = "UTC"`;
  writeFileSync(
    config,
    `[server]\nbind = "127.0.0.1:0"\nsecure_cookie = false\n[control]\nurl = "${source(demo, "payhist_two")}"
[[source]]\nname = "main"\nurl = "${source(demo)}"\n[[source]]\nname = "far"\nurl = "${source(far)}"\n[[history]]\n${history}\n`,
  );
  execFileSync(BINARY, ["operator", "add", OPERATOR.login, "--role", "operator", "--config", config], { input: OPERATOR.password });
  serve = spawn(BINARY, ["serve", "--config", config], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, PAYHIST_LOG: "info" } });
  url = await new Promise((done, failed) => {
    serve.once("exit", (code) => failed(new Error(`payhist serve ended with ${code}`)));
    createInterface({ input: serve.stderr! }).on("line", (line) => {
      const address = /serving on (http[^\s"]+)/.exec(line);
      if (address) done(address[1]!);
    });
  });
});

test.afterAll(async () => {
  serve?.kill("SIGKILL");
  if (folder) rmSync(folder, { recursive: true });
  await far?.stop().catch(() => rmSync(far.dir, { recursive: true })); // its server is killed by the test
});

const rows = (page: Page) => page.getByRole("region", { name: "Payments, newest first" }).locator("tbody tr");
const shards = async (page: Page) => {
  await expect(rows(page).first()).toBeVisible();
  const cells = await rows(page).evaluateAll((rows) => rows.map((row) => row.lastElementChild!.textContent!));
  return new Set(cells.map((cell) => Number(cell.split(",")[0])));
};

test("a source that is stopped is named with its shards, and the others are shown", async ({ page }) => {
  await page.goto(`${url}/login`);
  await page.getByLabel("Name").fill(OPERATOR.login);
  await page.getByLabel("Password").fill(OPERATOR.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await open(page, `${url}/payments`);
  const before = await shards(page);
  expect([...before].some((shard) => THERE.includes(shard)), "both servers answer").toBe(true);
  await expect(page.getByText(/^Incomplete:/)).toHaveCount(0);

  for (const server of processesOf(far.dir).filter((line) => /mariadbd|mysqld/.test(line))) process.kill(Number(server.split(" ")[0]), "SIGKILL");
  await page.getByRole("link", { name: "Older", exact: true }).click();
  await expect(page.getByText("Incomplete: 5 of 10 shards did not answer. Their payments are not in this list.")).toBeVisible();
  for (const shard of THERE) await expect(page.getByText(`Shard ${shard} on far: `)).toBeVisible();
  expect([...(await shards(page))].every((shard) => HERE.includes(shard)), "what is shown is of the other server").toBe(true);
  const again = page.getByRole("link", { name: "Ask again" });
  await expect(again).toBeVisible();
  const asked = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/payments");
  await again.click();
  await asked;
  await expect(page.getByText(/^Incomplete: 5 of 10/)).toBeVisible();

  const answer = await page.request.get(`${url}/api/v1/payments`);
  const body = (await answer.json()) as { complete: boolean; missing: { shard: number; source: string }[] };
  expect([body.complete, body.missing.map(({ shard, source }) => `${shard} ${source}`)]).toEqual([false, THERE.map((shard) => `${shard} far`)]);
});
