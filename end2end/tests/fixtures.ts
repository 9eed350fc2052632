// What every test starts from: a demo, a page that is logged in, and a watch over what the browser complains about.

import { type APIRequestContext, type APIResponse, type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { Demo } from "./demo.ts";

export { expect };

/** Adds a viewer, whose password is of no interest to anybody. */
export const VIEWER = { login: "vera", password: "looks-but-does-not-touch" };

interface WorkerFixtures {
  /** Files that change what others look at take a demo of their own by giving it another name. */
  demoName: string;
  demo: Demo;
  /** Cookies of the administrator. */
  adminState: StorageState;
  /** Cookies of an operator who may only look. */
  viewerState: StorageState;
  /**
   * The server's answer for the WASM module, asked for once: each test has a fresh browser profile, and the server
   * would compress a debug build's 11 MB anew for each.
   */
  wasm: APIResponse;
}

interface TestFixtures {
  /** What the browser complains about because the test provokes it: nothing, unless said otherwise. */
  expectedComplaint: RegExp;
  watch: (context: BrowserContext) => void;
}

type StorageState = Awaited<ReturnType<APIRequestContext["storageState"]>>;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  demoName: ["shared", { option: true, scope: "worker" }],
  demo: [
    async ({ demoName: _ }, use) => {
      const demo = await Demo.start();
      await use(demo);
      await demo.stop();
    },
    { scope: "worker", timeout: 180_000 },
  ],
  adminState: [
    async ({ demo, playwright }, use) => use(await logIn(playwright, demo, demo.operator, demo.password)),
    { scope: "worker" },
  ],
  viewerState: [
    async ({ demo, playwright }, use) => {
      demo.command(["operator", "add", VIEWER.login, "--role", "viewer"], VIEWER.password);
      await use(await logIn(playwright, demo, VIEWER.login, VIEWER.password));
    },
    { scope: "worker" },
  ],
  wasm: [
    async ({ demo, playwright }, use) => {
      const request = await playwright.request.newContext({ baseURL: demo.url, extraHTTPHeaders: { "accept-encoding": "identity" } });
      const wasm = await request.get("/pkg/payhist_bg.wasm");
      expect(wasm.ok(), "the site is built: run `make build` first").toBe(true);
      await use(wasm);
      await request.dispose();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ demo }, use) => use(demo.url),
  storageState: async ({ adminState }, use) => use(adminState),

  expectedComplaint: [/(?!)/, { option: true }],
  watch: async ({ demo, expectedComplaint }, use) => {
    const complaints: string[] = [];
    await use((context) => {
      // Violations of the content security policy come as console errors.
      context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(`${message.page()?.url()}: ${message.text()}`);
      });
      context.on("weberror", (problem) => complaints.push(`${problem.page()?.url()}: ${problem.error().stack}`));
      context.on("request", (request) => {
        if (!request.url().startsWith(`${demo.url}/`) && !request.url().startsWith("data:")) {
          complaints.push(`a request to another site: ${request.url()}`);
        }
      });
    });
    const unexpected = complaints.filter((complaint) => !expectedComplaint.test(complaint));
    expect(unexpected, "the browser's console, script errors and external requests").toEqual([]);
  },
  context: async ({ context, watch, wasm }, use) => {
    watch(context);
    await context.route(/\.wasm$/, (route) => route.fulfill({ response: wasm }));
    await use(context);
  },
});

async function logIn(playwright: typeof import("@playwright/test"), demo: Demo, login: string, password: string): Promise<StorageState> {
  // Without the cookies that a test's own requests have: a login takes the session that it comes with.
  const request = await playwright.request.newContext({ baseURL: demo.url, storageState: { cookies: [], origins: [] } });
  const answer = await request.post("/login", { form: { login, password }, maxRedirects: 0 });
  expect(answer.status(), "a login leads on").toBe(303);
  const state = await request.storageState();
  await request.dispose();
  return state;
}

/** Opens a page and waits until its scripts have taken it over: forms and links are then answered in place. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.locator("html[data-hydrated]"), `${path} hydrates`).toBeAttached();
}
