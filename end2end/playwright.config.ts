// Browser tests against the real thing: the debug binary, its private database and Debian's Chromium.
// `make build` comes first. One test alone: `npx playwright test payments -g "bad id"`.

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  // Each worker has a demo of its own, with a database server: one at a time leaves the other core to them.
  workers: 1,
  // Generous: two cores compress and compile a debug build's WASM again for each test's fresh browser, and apply sixty
  // quarantines while other programs run.
  timeout: 240_000,
  expect: { timeout: 20_000 },
  forbidOnly: !!process.env.CI,
  reporter: "list",
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: "/usr/bin/chromium",
      args: [
        "--no-sandbox", // the tests run as root in containers, and open nothing but our own pages
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
