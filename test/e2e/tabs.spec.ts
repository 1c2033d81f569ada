/** One merge in two tabs: whoever holds its journal goes on with it, and the other is told. */
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import {
  crash,
  hashes,
  holdAt,
  mergeButton,
  merged,
  ready,
  reopened,
  resume,
  start,
  undisturbed,
  unfinished,
} from "./kept.ts";

test.setTimeout(90_000);

/** Tabs that offer the merge of one that crashed. */
async function offered(context: BrowserContext, tabs: number): Promise<Page[]> {
  const page = await ready(context, null, 12);
  const hold = await holdAt(page, "config.json");
  await start(page, "private");
  await hold.reached();
  await crash(page);
  const found: Page[] = [];
  for (let i = 0; i < tabs; i++) found.push(await reopened(context));
  for (const tab of found) await expect(unfinished(tab)).toBeVisible();
  return found;
}

test("the second tab is refused in a sentence, and takes nothing from the first, which ends well", async ({
  context,
}) => {
  const [first, second, third] = (await offered(context, 3)) as [Page, Page, Page];
  const hold = await holdAt(first, "check");
  await resume(first);
  await hold.reached();
  await resume(second);
  await expect(second.getByText('"Kept mix" is going on in another tab or window.')).toBeVisible();
  await expect(unfinished(second)).toHaveCount(0);
  // Nor does another merge take its place.
  await second.getByRole("button", { name: "Reopen" }).click();
  await expect(mergeButton(second)).toBeEnabled();
  await start(second, "private");
  await expect(second.getByText("is being merged to private storage in another tab")).toBeVisible();
  await third.getByRole("button", { name: "Discard" }).click();
  await expect(third.getByText("This merge is going on in another tab or window.")).toBeVisible({ timeout: 20_000 });
  // What was refused has not been forgotten: a crash now is gone on with.
  await crash(first);
  const again = await reopened(context);
  await second.reload();
  await expect(unfinished(second)).toBeVisible();
  await resume(again);
  await merged(again);
  const resumed = await hashes(again, "weightloom-result");
  // And what is over is not begun anew over its own result.
  await resume(second);
  await expect(
    second.getByText('"Kept mix" was finished, cancelled or discarded in another tab or window.'),
  ).toBeVisible();
  expect(await hashes(again, "weightloom-result")).toEqual(resumed);
  expect(resumed).toEqual(await undisturbed(again));
});

test("two that press Resume in the same moment: one merges, the other is refused or finds it done", async ({
  context,
}) => {
  const tabs = await offered(context, 2);
  await Promise.all(tabs.map(resume));
  const ended = (tab: Page) =>
    Promise.race([
      merged(tab).then(() => "merged" as const),
      expect(tab.getByText(/in another tab or window( meanwhile)?\./).first())
        .toBeVisible({ timeout: 40_000 })
        .then(() => "refused" as const),
    ]);
  const [a, b] = await Promise.all(tabs.map(ended));
  expect([a, b]).toContain("merged");
  const winner = (a === "merged" ? tabs[0] : tabs[1])!;
  const resumed = await hashes(winner, "weightloom-result");
  expect(resumed).toEqual(await undisturbed(winner));
});
