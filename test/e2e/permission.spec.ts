/** A folder that the browser lets nobody read or write any more: what it answers when it is asked again, and how the merge goes on. */
import { type BrowserContext, expect, test } from "@playwright/test";
import {
  hashes,
  holdAt,
  merged,
  ready,
  resume,
  start,
  stopped,
  times,
  undisturbed,
  unfinished,
  written,
} from "./kept.ts";

test.setTimeout(90_000);

/** What the browser answers when the page asks for a folder: its answer is a person's, whom a test does not have. */
async function answer(
  context: BrowserContext,
): Promise<(to: { write: PermissionState; read: PermissionState }) => Promise<void>> {
  let said = { write: "granted", read: "granted" };
  await context.exposeFunction("answerOf", (mode: "read" | "readwrite") => (mode === "read" ? said.read : said.write));
  await context.addInitScript(() => {
    const page = window as unknown as { answerOf(mode: string): Promise<PermissionState> };
    Object.assign(FileSystemHandle.prototype, {
      requestPermission: ({ mode = "read" } = {}) => page.answerOf(mode),
      queryPermission: ({ mode = "read" } = {}) => page.answerOf(mode),
    });
  });
  return async (to) => {
    said = to;
  };
}

test("a folder that may not be written or read any more: sentences, and nothing is lost; allowed again, it goes on", async ({
  context,
}) => {
  const say = await answer(context);
  const page = await ready(context, 4 << 20);
  await start(page, "folder");
  await written(page, 0.3);
  await page.reload();
  await expect(unfinished(page)).toContainText(/[1-9]\d* of 12 shards are finished and not done again/);
  const before = await times(page, "picked", "Kept-mix");
  // Refused, and not answered, as when the question is closed.
  for (const write of ["denied", "prompt"] as const) {
    await say({ write, read: "granted" });
    await resume(page);
    await expect(page.getByText("The browser may not write to picked. Allow it and try again.")).toBeVisible();
    await page.getByRole("button", { name: "Dismiss" }).click();
  }
  await say({ write: "granted", read: "denied" });
  await resume(page);
  await expect(page.getByText("base, left, right must be open to go on.")).toBeVisible();
  await expect(unfinished(page)).toBeVisible();
  expect(await times(page, "picked", "Kept-mix")).toEqual(before);
  await say({ write: "granted", read: "granted" });
  await resume(page);
  await merged(page);
  expect(await times(page, "picked", "Kept-mix")).toMatchObject(before);
  expect(await hashes(page, "picked")).toEqual(await undisturbed(page));
});

test("permission taken back while it merges and while it closes: a sentence, and with permission it goes on", async ({
  context,
}) => {
  const page = await ready(context, 4 << 20, 12);
  for (const [i, name] of ["model-00002-of-00003.safetensors", "config.json"].entries()) {
    const hold = await holdAt(page, name);
    await (i === 0 ? start(page, "folder") : resume(page));
    await hold.reached();
    await hold.go("NotAllowedError");
    await stopped(page);
    await expect(page.getByRole("alert").filter({ hasText: "The merge stopped" })).toContainText(
      `${name}: writing failed`,
    );
    await expect(page.getByRole("alert").filter({ hasText: "The merge stopped" })).toContainText("may be written");
    await expect(unfinished(page)).toContainText(i === 0 ? "1 of 3 shards" : "3 of 3 shards");
  }
  const before = await times(page, "picked", "Kept-mix");
  expect(Object.keys(before)).toHaveLength(3);
  await resume(page);
  await merged(page);
  expect(await times(page, "picked", "Kept-mix")).toEqual(before);
  expect(await hashes(page, "picked")).toEqual(await undisturbed(page));
});
