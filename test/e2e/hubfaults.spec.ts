/** Every fault of the mock Hub under a merge in real Chromium: the same bytes, or a sentence and nothing that looks complete. */
import { expect, type Page, test } from "@playwright/test";
import type { Fault } from "../support/hub/server.mjs";
import { add, bytesOf, digest, looksComplete, merge, recipe, start, write } from "./hub.ts";
import { holdAt } from "./kept.ts";
import { mockHub } from "./mock.ts";
import { pickPrivately, stopOnErrors } from "./page.ts";

test.beforeEach(async ({ page }) => {
  await mockHub.reset();
  stopOnErrors(page);
  await pickPrivately(page);
  await page.goto("/");
  await add(page, "weightloom/base", "weightloom/adder", "weightloom/sorter");
  await page.keyboard.press("r");
  await write(page, recipe("weightloom/"));
});

test.afterEach(async () => {
  expect((await mockHub.log()).filter(({ host, authorized }) => host === "storage" && authorized)).toEqual([]);
});

/** The Hub's waits are shown; half a second at most here. */
const PASSING: readonly (readonly [string, ...Fault[]])[] = [
  ["busy, with Retry-After", { kind: "busy", where: "cdn", after: 1, times: 1 }],
  ["busy, with a window", { kind: "busy", where: "cdn", window: 1, times: 1 }],
  ["busy, without a word", { kind: "busy", where: "cdn", times: 1 }],
  ["broken", { kind: "broken", where: "cdn", times: 1 }],
  ["cut", { kind: "reset", where: "cdn", bytes: 100_000, times: 3 }],
  ["short", { kind: "short", where: "cdn", bytes: 50_000, times: 3 }],
  ["part", { kind: "part", where: "cdn", bytes: 70_001, times: 3 }],
  ["wrong range", { kind: "shifted", where: "cdn", times: 1 }],
  ["whole file", { kind: "whole", where: "cdn", times: 1 }],
  ["expired", { kind: "expired", where: "cdn", times: 2 }],
  ["headers that a page may not read", { kind: "hidden" }],
  ["gone for a moment", { kind: "offline", times: 1 }],
  ["slow", { kind: "slow", where: "cdn", rate: 4_000_000 }],
];

test("faults that pass are waited out: the same bytes", async ({ page }) => {
  test.setTimeout(240_000);
  await merge(page, "clean");
  const clean = await digest(page, "clean");
  for (const [i, [name, ...faults]] of PASSING.entries()) {
    await mockHub.set(...faults);
    await merge(page, `fault ${i}`);
    expect(await digest(page, `fault-${i}`), name).toBe(clean);
  }
  await mockHub.set();
  await mockHub.signFor(300);
  await merge(page, "short lives");
  expect(await digest(page, "short-lives"), "addresses of 0.3 s").toBe(clean);
});

test("faults while the result is checked against the models on the Hub: waited out, the same bytes", async ({
  page,
}) => {
  await merge(page, "clean");
  const hold = await holdAt(page, "check");
  await start(page, "later");
  await hold.reached();
  const before = await bytesOf();
  await mockHub.set({ kind: "reset", where: "cdn", bytes: 30_000, times: 2 }, { kind: "busy", where: "cdn", times: 1 });
  await hold.go();
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });
  expect(await bytesOf()).toBeGreaterThan(before);
  expect(await digest(page, "later")).toBe(await digest(page, "clean"));
});

async function fails(page: Page, title: string, sentence: RegExp): Promise<void> {
  await start(page, title);
  await expect(page.getByRole("heading", { name: /The merge (failed|stopped)/ })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("alert").filter({ hasText: "The merge" })).toContainText(sentence);
  expect(await looksComplete(page, title), title).toBe(false);
  await mockHub.set();
}

test("what does not pass ends with a sentence, and nothing looks complete", async ({ page }) => {
  await mockHub.set({ kind: "etag", where: "cdn" });
  await fails(page, "etag", /is not the file it was: its etag/);
  await mockHub.set({ kind: "expired", where: "cdn" });
  await fails(page, "refused", /refused \d addresses in a row/);
  await mockHub.set({ kind: "busy", where: "cdn", after: 3600 });
  await fails(page, "busy", /asks to wait 60 minutes/);
  await mockHub.replace("weightloom/sorter");
  await fails(page, "gone", /no longer has that commit|is not the file it was|there is no file/);
});

test("a slow link says what it waits for, and is given up at once", async ({ page }) => {
  await mockHub.set({ kind: "slow", where: "cdn", rate: 40_000 });
  await start(page, "slow");
  await expect(page.getByRole("contentinfo")).toContainText(/from the Hub/);
  await page.getByRole("contentinfo").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Cancelled. Nothing was left behind.")).toBeVisible();
  expect(await looksComplete(page, "slow")).toBe(false);
  await mockHub.set({ kind: "busy", where: "cdn", after: 5, times: 6 });
  await start(page, "waits");
  await expect(page.getByText(/The Hub asks to wait [1-5] s \(too many requests\)/)).toBeVisible();
  await page.getByRole("contentinfo").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Cancelled. Nothing was left behind.").first()).toBeVisible();
});
