// Nobody sees or changes anything without a session.

import { expect, open, test } from "./fixtures.ts";

test.use({ storageState: { cookies: [], origins: [] } });

test("a page without a session leads to the login, and from there back to where one wanted to go", async ({ page, demo }) => {
  await page.goto("/payments?status=PAID");
  await expect(page).toHaveURL(/\/login\?next=/);

  await page.getByLabel("Name").fill(demo.operator);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toHaveText("The name or the password is wrong.");
  await expect(page).toHaveTitle("Log in · payhist");

  await page.getByLabel("Name").fill(demo.operator);
  await page.getByLabel("Password").fill(demo.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL("/payments?status=PAID");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Payments");
});

test("an unknown operator is told no more than one with a wrong password", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("Name").fill("nobody");
  await page.getByLabel("Password").fill("anything");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toHaveText("The name or the password is wrong.");
});

test("a logout ends the session on the server, not only in this browser", async ({ page, context, demo }) => {
  await page.goto("/login");
  await page.getByLabel("Name").fill(demo.operator);
  await page.getByLabel("Password").fill(demo.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL("/");
  await expect(page.getByText(demo.operator, { exact: true })).toBeVisible();
  const stolen = await context.cookies();

  await open(page, "/");
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page).toHaveURL("/login");
  await context.addCookies(stolen);
  await page.goto("/payments");
  await expect(page).toHaveURL(/\/login\?next=/);
});

test("a login never leads to another site", async ({ page, demo }) => {
  await page.goto("/login?next=//example.org/");
  await page.getByLabel("Name").fill(demo.operator);
  await page.getByLabel("Password").fill(demo.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL("/");
});

test("the session's cookie is out of reach of scripts and of other sites' forms", async ({ adminState }) => {
  const session = adminState.cookies.find((cookie) => cookie.name === "payhist_session");
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax" });
});

test("the API answers 401 without a session", async ({ request }) => {
  for (const path of ["/api/v1/payments", "/api/ui/payments"]) {
    const answer = await request.get(path, { maxRedirects: 0 });
    expect(answer.status(), path).toBe(401);
    expect((await answer.json()).kind, path).toBe("login_required");
  }
});

test.describe("with a session", () => {
  test.use({ storageState: async ({ adminState }, use) => use(adminState) });

  test("a form on another site can change nothing", async ({ request, demo }) => {
    const form = { history: "payments", switch: "create", on: "false" };
    const answer = await request.post("/api/ui/partitions/switch", { form, headers: { "sec-fetch-site": "cross-site", origin: "https://example.org" } });
    expect(answer.status()).toBe(403);
    expect(demo.command<{ switches: { create: boolean } }>(["partitions", "plan"]).switches.create).toBe(true);
  });
});
