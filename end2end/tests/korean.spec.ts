// The payments pages in Korean: chosen by the browser or by hand, on every part of them, with and without scripts.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./fixtures.ts";

const HANGUL = /[가-힣]/;
const LIST = "결제, 최신순";

interface Payments {
  payments: { payment_id: string; user_id: string; status: string }[];
}

const html = (page: Page) => page.locator("html");
const inKorean = (page: Page) => page.getByRole("button", { name: "한국어" });

test.describe("without a session", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("the login page changes to Korean and leads on in Korean", async ({ page, demo }) => {
    await page.goto("/payments?status=PAID");
    await expect(html(page)).toHaveAttribute("lang", "en");
    await inKorean(page).click();
    await expect(page).toHaveURL(/\/login\?next=%2Fpayments%3Fstatus%3DPAID$/);
    await expect(html(page)).toHaveAttribute("lang", "ko");
    await expect(page).toHaveTitle("로그인 · payhist");

    await page.getByLabel("이름").fill(demo.operator);
    await page.getByLabel("비밀번호").fill("not the password");
    await page.getByRole("button", { name: "로그인" }).click();
    await expect(page.getByRole("alert")).toHaveText("이름 또는 비밀번호가 올바르지 않습니다.");
    await page.getByLabel("이름").fill(demo.operator);
    await page.getByLabel("비밀번호").fill(demo.password);
    await page.getByRole("button", { name: "로그인" }).click();
    await expect(page).toHaveURL("/payments?status=PAID");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("결제");
  });
});

test("the top bar changes the language where one is, for good, and back", async ({ page }) => {
  await open(page, "/payments?currency=EUR&from=today-29&to=today&sort=largest");
  await inKorean(page).click();
  await expect(html(page)).toHaveAttribute("lang", "ko");
  await expect(page).toHaveURL("/payments?currency=EUR&from=today-29&to=today&sort=largest");
  await expect(page.getByRole("region", { name: "결제, 금액 큰 순" })).toBeVisible();
  await page.reload();
  await expect(html(page)).toHaveAttribute("lang", "ko");
  await expect(page.getByRole("region", { name: "결제, 금액 큰 순" })).toBeVisible();

  await page.getByRole("button", { name: "English" }).click();
  await expect(html(page)).toHaveAttribute("lang", "en");
  await expect(page.getByRole("region", { name: "Payments, largest first" })).toBeVisible();
});

test("a page that was reached in place is the one that the switch leads back to", async ({ page }) => {
  await open(page, "/");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Payments" }).click();
  await expect(page).toHaveURL("/payments");
  await inKorean(page).click();
  await expect(html(page)).toHaveAttribute("lang", "ko");
  await expect(page).toHaveURL("/payments");
});

test.describe("by the browser's wish", () => {
  test.use({ locale: "ko-KR" });

  test("the list is filtered and a payment opened, all in Korean", async ({ page, demo }) => {
    const { payments } = demo.command<Payments>(["payments", "list", "--status", "FAILED"]);
    await open(page, "/payments");
    await expect(html(page)).toHaveAttribute("lang", "ko");
    await expect(page).toHaveTitle("결제 · payhist");
    await expect(page.getByRole("region", { name: LIST }).getByRole("columnheader")).toHaveText([
      "생성 시각", "금액", "상태", "결제 번호", "사용자", "주문", "결제 수단", "샤드, 월",
    ]);
    await expect(page.getByRole("navigation", { name: "조회 기간" }).getByRole("link")).toHaveText([
      "오늘", "어제", "7일", "30일", "이번 달", "지난달", "전체 기간",
    ]);

    await page.getByRole("checkbox", { name: "실패", exact: true }).check();
    await page.getByRole("button", { name: "결제 조회" }).click();
    await expect(page).toHaveURL("/payments?status=FAILED");
    const rows = page.getByRole("region", { name: LIST }).locator("tbody tr");
    await expect(rows.first()).toContainText("실패");
    await expect(page.locator(".results-foot")).toContainText("조회 범위: 샤드 10개");

    await page.getByRole("link", { name: payments[0]!.payment_id, exact: true }).click();
    await expect(page).toHaveURL(`/payments/${payments[0]!.payment_id}`);
    await expect(page.getByRole("heading", { level: 2 })).toHaveText([
      "결제", "결제자", "저장 위치", "처리 내역과 예정", "같은 주문의 결제", "같은 사용자의 전후 결제",
    ]);
    await expect(page.locator(".timeline")).toContainText("결제 생성");
    await expect(page.locator(".timeline")).toContainText("해당 월의 보관 기간 종료");
  });

  test("payments are exported, all in Korean", async ({ page }) => {
    await open(page, "/payments?status=FAILED&from=month-1&to=month-1");
    await page.getByRole("link", { name: "내보내기", exact: true }).click();
    await expect(page).toHaveTitle("결제 내보내기 · payhist");
    await expect(page.locator("dl.facts dd").first()).toContainText(/^결제 · 상태 FAILED · 시작 \d{4}-\d\d-01 · 종료 \d{4}-\d\d-\d\d/);
    await page.getByRole("radio", { name: /^마스킹 해제/ }).check();
    await page.getByRole("button", { name: "내보내기" }).click();
    await expect(page.getByRole("alert")).toHaveText("내보내지 못했습니다. 마스킹 해제 사유를 500자 이내로 입력하세요.");
    await page.getByLabel("마스킹 해제 사유").fill("분쟁 7");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "내보내기" }).click();
    await download;
    const newest = page.getByRole("region", { name: "내보내기 내역" }).locator("tbody tr").first();
    await expect(newest).toContainText("완료");
    await page.getByRole("link", { name: "전체 내보내기 내역" }).click();
    await expect(page).toHaveURL("/payments/exports");
    await expect(newest).toContainText("마스킹 해제 사유: 분쟁 7");
    await expect(newest.getByRole("link", { name: /^내보내기 \d+ 매니페스트$/ })).toBeVisible();
  });

  test("no word of the list, a search, a payment and exports is left in English", async ({ page, demo }) => {
    const { payments } = demo.command<Payments>(["payments", "list"]);
    for (const path of ["/payments?status=PAID", "/payments/summary", "/payments?order=none", "/payments?search=no+such+thing", `/payments/${payments[0]!.payment_id}`, "/payments/export", "/payments/exports"]) {
      await open(page, path);
      const words = page.locator("h1, h2, th[scope=col], .legend, dt:not(:has(kbd)), label, legend, summary, button, nav a, main p:not(.digest), .badge, caption");
      const english = (await words.allTextContents()).map((text) => text.trim()).filter((text) => text !== "" && !HANGUL.test(text));
      // The brand, the way back, and what is the same in both.
      expect(english.filter((text) => !["English", "payhist", "DB"].includes(text)), path).toEqual([]);
    }
  });

  test("what the browser says itself is Korean", async ({ page }) => {
    await open(page, "/payments");
    const theme = page.locator("button.theme");
    await expect(theme).toHaveAttribute("title", "테마 변경");
    await theme.click();
    await expect(theme).toHaveAttribute("title", "테마: 어둡게");
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "키보드 단축키" })).toContainText("다음 행");
    await page.keyboard.press("Escape");
  });

  test("a page that is not translated is English as a whole, in a Korean frame", async ({ page }) => {
    await open(page, "/jobs");
    await expect(html(page)).toHaveAttribute("lang", "ko");
    await expect(page.getByRole("navigation", { name: "메뉴" })).toContainText("결제");
    await expect(page.locator("main")).toHaveAttribute("lang", "en");
    expect(await page.locator("main").textContent()).not.toMatch(HANGUL);
    await page.getByRole("navigation", { name: "메뉴" }).getByRole("link", { name: "결제" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("결제");
    await expect(page.locator("main[lang]"), "in place, too").toHaveCount(0);
  });

  test("on a telephone nothing runs over the edge or over its neighbour", async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 800 });
    await open(page, "/payments");
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(beyond).toBeLessThanOrEqual(0);
    await expect(page.getByRole("region", { name: LIST }).locator("tbody tr").first()).toContainText("결제 완료");
    const lines = await page.locator(".statuses .badge").evaluateAll((badges) => badges.map((badge) => badge.getClientRects().length));
    expect(new Set(lines), "each status on one line").toEqual(new Set([1]));
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, expectedComplaint: /preloaded using link preload but not used/ });

  test("the switch, the filter and a payment work", async ({ page }) => {
    await page.goto("/payments?status=PAID");
    await inKorean(page).click();
    await expect(page).toHaveURL("/payments?status=PAID");
    await expect(html(page)).toHaveAttribute("lang", "ko");
    await page.getByRole("checkbox", { name: "결제 완료", exact: true }).uncheck();
    await page.getByRole("checkbox", { name: "만료", exact: true }).check();
    await page.getByRole("button", { name: "결제 조회" }).click();
    await expect(page).toHaveURL("/payments?status=EXPIRED");
    await page.locator(".row-link").first().click();
    await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText("결제");
    await expect(page.getByRole("heading", { level: 1 })).toContainText("만료");
  });
});
