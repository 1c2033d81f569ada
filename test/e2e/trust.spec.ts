/** What goes wrong and is said: a GPU that is lost under way, one that computes wrongly, weights that are no numbers. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { loadSamples, pickPrivately, stopOnErrors, violations } from "./page.ts";

const samples = join(import.meta.dirname, "../../public/samples");

test.beforeEach(async ({ page }) => {
  stopOnErrors(page);
  await pickPrivately(page);
  await page.goto("/");
});

const merge = (page: Page) => page.getByRole("button", { name: "Merge", exact: true }).click();

async function onGpu(page: Page): Promise<void> {
  await page.getByRole("combobox", { name: "Compute on" }).selectOption("gpu");
  await expect(page.locator(".badge")).toContainText("GPU", { timeout: 20_000 });
}

/** Tiles that the GPU was given, and how many before the merge that is looked at. */
type Counting = typeof globalThis & { tiles?: number; from?: number };

/** Takes hold of the first device that the page's worker opens. */
async function withDevice(page: Page, how: "destroyed" | "wrong" | "full"): Promise<void> {
  await expect.poll(() => page.workers().length).toBeGreaterThan(0);
  const [worker] = page.workers();
  await worker?.evaluate((how) => {
    const { requestDevice } = GPUAdapter.prototype;
    let devices = 0;
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      if (devices++ > 0) return device;
      const { queue } = device;
      const submit = queue.submit.bind(queue);
      let tiles = 0;
      /** Workgroups of the last tile. */
      let groups = 0;
      let most = 0;
      const dispatch = GPUComputePassEncoder.prototype.dispatchWorkgroups;
      GPUComputePassEncoder.prototype.dispatchWorkgroups = function (x, y = 1, z = 1) {
        most = Math.max(most, x * y * z);
        return dispatch.call(this, x, y, z);
      };
      queue.submit = (commands) => {
        submit(commands);
        if (++tiles === 30 && how === "destroyed") device.destroy();
        scope.tiles = tiles;
        groups = most;
        most = 0;
        return undefined;
      };
      const scopes: GPUErrorFilter[] = [];
      const push = device.pushErrorScope.bind(device);
      const pop = device.popErrorScope.bind(device);
      let isFull = how === "full";
      const scope = self as Counting;
      device.pushErrorScope = (filter) => {
        scopes.push(filter);
        return push(filter);
      };
      // The browser's own answer, once, to a tile in the middle of the merge that is not the smallest there is.
      device.popErrorScope = async () => {
        const isMiddle = tiles - (scope.from ?? tiles) >= 30 && groups >= 3;
        const isNow = scopes.pop() === "out-of-memory" && isFull && isMiddle;
        if (isNow) isFull = false;
        const error = await pop();
        return isNow ? new GPUOutOfMemoryError("Not enough memory left.") : error;
      };
      const create = device.createBuffer.bind(device);
      device.createBuffer = (wanted) => {
        const buffer = create(wanted);
        if (wanted.label !== "readback" || how !== "wrong") return buffer;
        const range = buffer.getMappedRange.bind(buffer);
        buffer.getMappedRange = (offset, size) => {
          const mapped = range(offset, size);
          new Uint8Array(mapped).fill(0x3f, 0, 64);
          return mapped;
        };
        return buffer;
      };
      return device;
    };
  }, how);
}

test("a GPU lost in the middle of a merge: it goes on, is checked, and says what happened", async ({ page }) => {
  await loadSamples(page);
  await withDevice(page, "destroyed");
  await onGpu(page);
  await merge(page);
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });
  const trouble = page.getByRole("list", { name: "What went wrong on the way" });
  await expect(trouble).toContainText(
    /the GPU device was lost .+ The merge went on with a new device and smaller tiles\./,
  );
  // The first tile of every kind of sweep is checked; whether others are is chance.
  await expect(
    page.getByText(/The GPU and the CPU agree on (the tile|all \d+ tiles) that both computed\./),
  ).toBeVisible();
  await expect(
    page.getByText(/All \d+ tensors have the checksums that were taken as they were computed\./),
  ).toBeVisible();
});

test("a GPU that runs out of memory: the merge goes on in smaller pieces, says so, and has the same bytes", async ({
  page,
}) => {
  await loadSamples(page);
  await withDevice(page, "full");
  await onGpu(page);
  /** So far; the next merge's are counted from here. */
  const tiles = () =>
    page.workers()[0]!.evaluate(() => {
      const scope = self as Counting;
      scope.from = scope.tiles ?? 0;
      return scope.from;
    });
  const before = await tiles();
  await merge(page);
  const report = page.getByRole("heading", { name: "Merged and checked" });
  await expect(report).toBeVisible({ timeout: 30_000 });
  const trouble = page.getByRole("list", { name: "What went wrong on the way" });
  await expect(trouble).toContainText("GPU memory ran short, so tiles are cut into smaller pieces.");
  await expect(
    page.getByText(/The GPU and the CPU agree on (the tile|all \d+ tiles) that both computed\./),
  ).toBeVisible();
  const between = await tiles();
  await page.getByRole("button", { name: "Close the report" }).click();
  await merge(page);
  await expect(report).toBeVisible({ timeout: 30_000 });
  await expect(trouble).toHaveCount(0);
  // One tile more because it was tried again, the others because they were cut.
  expect(between - before).toBeGreaterThan((await tiles()) - between + 1);
  const sums = await page.evaluate(async () => {
    const picked = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked");
    const found: string[] = [];
    for await (const folder of picked.values()) {
      const handle = await (folder as FileSystemDirectoryHandle).getFileHandle("model.safetensors");
      const sum = await crypto.subtle.digest("SHA-256", await (await handle.getFile()).arrayBuffer());
      found.push(new Uint8Array(sum).join());
    }
    return found;
  });
  expect(sums).toHaveLength(2);
  expect(sums[0]).toBe(sums[1]);
});

test("a GPU that computes wrongly: the merge stops, nothing is left, and the CPU does it", async ({ page }) => {
  await loadSamples(page);
  await withDevice(page, "wrong");
  await onGpu(page);
  await merge(page);
  const alert = page.getByRole("alert").filter({ hasText: "The merge failed" });
  await expect(alert).toContainText(/the GPU computed something else than the CPU/, { timeout: 30_000 });
  await expect(alert).toContainText("Choose the CPU");
  const left = await page.evaluate(async () => {
    const picked = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked");
    const names: string[] = [];
    for await (const name of picked.keys()) names.push(name);
    return names;
  });
  expect(left).toEqual([]);
  await page.getByRole("combobox", { name: "Compute on" }).selectOption("cpu");
  await merge(page);
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });
});

test("a model with NaN in it: the report says in which tensor, how many, and that the result has them", async ({
  page,
}) => {
  const work = mkdtempSync(join(tmpdir(), "weightloom-nan-"));
  try {
    cpSync(join(samples, "adder"), join(work, "broken"), { recursive: true });
    const path = join(work, "broken/model.safetensors");
    const bytes = readFileSync(path);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
    const at = 8 + Number(bytes.readBigUInt64LE()) + header["model.layers.0.mlp.up_proj.weight"].data_offsets[0];
    for (const i of [3, 900, 5000]) bytes.writeUInt16LE(0x7fc0, at + 2 * i);
    writeFileSync(path, bytes);
    const client = await page.context().newCDPSession(page);
    const data = { items: [], files: [join(work, "broken"), join(samples, "sorter")], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const)
      await client.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
    await expect(page.locator(".card-name")).toHaveText(["broken", "sorter"]);
    await merge(page);
    await expect(page.getByRole("heading", { name: "Merged, but the check found something wrong" })).toBeVisible({
      timeout: 30_000,
    });
    const said = page.getByRole("list", { name: "What went wrong on the way" });
    await expect(said).toContainText(
      '"broken" has 3 values that are NaN or infinite: 3 in model.layers.0.mlp.up_proj.weight.',
    );
    await expect(said).toContainText("In these tensors the result has 3 values");
    expect(await violations(page, ".result")).toEqual([]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
