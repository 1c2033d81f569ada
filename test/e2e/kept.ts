/** A merge in private storage or a picked folder that a fault is to end: how such tests begin it, hold it, end it and look at it. */
import { type BrowserContext, expect, type Page, type Worker } from "@playwright/test";

export const TENSORS = 48;

/** Folders are picked in private storage: one with models to read, one to write to. */
const PICKERS = () => {
  window.showDirectoryPicker = async (options) =>
    (await navigator.storage.getDirectory()).getDirectoryHandle(options?.mode === "readwrite" ? "picked" : "models", {
      create: true,
    });
};

/** A base and two fine-tunes of so many MB each, in private storage. */
const MODELS = async (tensors: number) => {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("models", { create: true });
  const size = 1 << 20;
  const header: Record<string, unknown> = {};
  for (let i = 0; i < tensors; i++) {
    header[`model.layers.${i}.mlp.up_proj.weight`] = {
      dtype: "BF16",
      shape: [512, 1024],
      data_offsets: [i * size, (i + 1) * size],
    };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  for (const [m, name] of ["base", "left", "right"].entries()) {
    const numbers = new Uint16Array((tensors * size) / 2);
    let x = 12345 + m;
    for (let i = 0; i < numbers.length; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) | 0;
      // About 0.01 to 0.03, of either sign.
      numbers[i] = 0x3c23 + ((x >>> 24) & 0xff) + ((x & 0x400) << 5);
    }
    const folder = await root.getDirectoryHandle(name, { create: true });
    const file = await (await folder.getFileHandle("model.safetensors", { create: true })).createWritable();
    await file.write(new BigUint64Array([BigInt(json.length)]));
    await file.write(json);
    await file.write(numbers);
    await file.close();
    const config = await (await folder.getFileHandle("config.json", { create: true })).createWritable();
    await config.write(JSON.stringify({ model_type: "llama", num_hidden_layers: tensors }));
    await config.close();
  }
};

const RECIPE = `merge_method: ties
base_model: base
parameters: {weight: 0.7, density: 0.4}
models:
  - model: left
  - model: right
`;

export async function ready(
  context: BrowserContext,
  shardBytes: number | null = null,
  tensors = TENSORS,
): Promise<Page> {
  await context.addInitScript(PICKERS);
  const page = await context.newPage();
  await page.goto("/");
  await page.evaluate(MODELS, tensors);
  // Before the page remembers anything: the choices of an earlier visit.
  await page.evaluate(async (bytes) => {
    const open = indexedDB.open("keyval-store");
    const base = await new Promise<IDBDatabase>((resolve) => {
      open.onupgradeneeded = () => open.result.createObjectStore("keyval");
      open.onsuccess = () => resolve(open.result);
    });
    const write = base.transaction("keyval", "readwrite");
    write.objectStore("keyval").put(
      {
        title: "Kept mix",
        recipe: { merge_method: "linear", models: [] },
        earlier: [],
        moe: null,
        text: null,
        models: [],
        options: { shardBytes: bytes, memory: 64e6, seed: 42, engine: "cpu" },
      },
      "weightloom-session",
    );
    await new Promise((resolve) => {
      write.oncomplete = resolve;
    });
    base.close();
  }, shardBytes);
  await page.reload();
  await page.getByRole("button", { name: "Folder", exact: true }).first().click();
  await expect(page.locator(".card")).toHaveCount(3);
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "kept.yml"));
    dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
  }, RECIPE);
  await expect(mergeButton(page)).toBeEnabled();
  return page;
}

export const mergeButton = (page: Page) => page.getByRole("button", { name: "Merge", exact: true });
export const bar = (page: Page) => page.locator("footer.runbar");

export async function start(page: Page, where: "private" | "folder"): Promise<void> {
  if (where === "folder") {
    await mergeButton(page).click();
    return;
  }
  await page.getByRole("button", { name: "Where to save" }).click();
  await page.getByRole("menuitem", { name: "Merge, then download" }).click();
}

/** Waits until the share of the bytes is written. */
export const written = (page: Page, share: number) =>
  expect
    .poll(() => page.getByLabel("Bytes written").evaluate((bar) => (bar as HTMLProgressElement).value), {
      intervals: [20],
    })
    .toBeGreaterThan(share);

export const merged = (page: Page) =>
  expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 40_000 });

export const unfinished = (page: Page) => page.getByRole("region", { name: /^Unfinished merge/ });

/** Names and hashes of all files in a folder of private storage, or of the only folder in it. */
export const hashes = (page: Page, name: "weightloom-result" | "picked") =>
  page.evaluate(async (name) => {
    let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(name);
    if (name === "picked")
      for await (const inner of folder.values())
        if (inner.kind === "directory") folder = inner as FileSystemDirectoryHandle;
    const found: Record<string, string> = {};
    for await (const handle of folder.values()) {
      // Chromium's swap file of a page that died may be there for a while yet.
      if (handle.kind !== "file" || handle.name.endsWith(".crswap")) continue;
      const bytes = await (await (handle as FileSystemFileHandle).getFile()).arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      found[handle.name] = [...digest].map((byte) => byte.toString(16)).join();
    }
    return found;
  }, name);

/** The same merge, undisturbed. */
export async function undisturbed(page: Page): Promise<Record<string, string>> {
  await start(page, "private");
  await expect(bar(page)).toContainText("Merging");
  await merged(page);
  return hashes(page, "weightloom-result");
}

export async function crash(page: Page): Promise<void> {
  const client = await page.context().newCDPSession(page);
  await Promise.race([client.send("Page.crash").catch(() => {}), page.waitForEvent("crash")]);
}

export async function reopened(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto("/");
  return page;
}

/** The worker that merges; after the death of one, the next. */
export async function studio(page: Page): Promise<Worker> {
  let found: Worker | undefined;
  await expect
    .poll(async () => {
      for (const worker of page.workers())
        if ((await worker.evaluate(() => self.name).catch(() => "")) === "studio") found = worker;
      return found;
    })
    .toBeDefined();
  return found!;
}

type Holding = typeof globalThis & { hold?: { isReached: boolean; go(error?: string): void } };

/**
 * Makes the worker's disk take for ever at a place of its merge, so that a fault can come exactly then.
 * Told to go with the name of an error, the disk answers with that error.
 * @param at a file that is about to be opened for writing, or "check": the finished weights, some of which are read again
 */
export async function holdAt(
  page: Page,
  at: string,
): Promise<{ reached(): Promise<void>; go(error?: string): Promise<void> }> {
  const worker = await studio(page);
  await worker.evaluate((at) => {
    const scope = self as Holding;
    let go: (error?: string) => void = () => {};
    const released = new Promise<void>((resolve, reject) => {
      go = (error) => (error === undefined ? resolve() : reject(new DOMException("The browser says no.", error)));
    });
    const hold = { isReached: false, go, reads: -1 };
    scope.hold = hold;
    const stop = async () => {
      // Once: the next run passes.
      if (hold.isReached) return;
      hold.isReached = true;
      await released;
    };
    // The file is made; whoever opens it, this worker or the one that writes for it, waits for its handle.
    const directory = FileSystemDirectoryHandle.prototype;
    const { getFileHandle } = directory;
    directory.getFileHandle = async function (name, options) {
      const handle = await getFileHandle.call(this, name, options);
      if (name === at && options?.create === true) await stop();
      return handle;
    };
    const file = FileSystemFileHandle.prototype;
    const { getFile } = file;
    // The check begins by opening every file that was written, the record among them.
    file.getFile = async function () {
      if (this.name === "weightloom.json" && at === "check") hold.reads = 0;
      return getFile.call(this);
    };
    const { arrayBuffer } = Blob.prototype;
    Blob.prototype.arrayBuffer = async function () {
      if (hold.reads >= 0 && this.size >= 4096 && ++hold.reads === 3) await stop();
      return arrayBuffer.call(this);
    };
  }, at);
  return {
    reached: () =>
      expect.poll(() => worker.evaluate(() => (self as Holding).hold?.isReached), { timeout: 30_000 }).toBe(true),
    go: (error) => worker.evaluate((error) => (self as Holding).hold?.go(error), error),
  };
}

/** Ends the worker as an error in it does. */
export async function killWorker(page: Page): Promise<void> {
  const worker = await studio(page);
  await worker
    .evaluate(() => {
      setTimeout(() => {
        throw new Error("made to die");
      }, 0);
    })
    .catch(() => {});
}

export const stopped = (page: Page) =>
  expect(page.getByRole("heading", { name: "The merge stopped. What is finished is kept." })).toBeVisible({
    timeout: 30_000,
  });

export const resume = (page: Page) => unfinished(page).getByRole("button", { name: "Resume" }).click();

/** When each weight file of a folder that has something in it was written last. */
export const times = (page: Page, ...path: string[]) =>
  page.evaluate(async (path) => {
    let folder = await navigator.storage.getDirectory();
    for (const name of path) folder = await folder.getDirectoryHandle(name);
    const found: Record<string, number> = {};
    for await (const handle of folder.values()) {
      const { size, lastModified } = await (handle as FileSystemFileHandle).getFile();
      if (size > 0 && handle.name.endsWith(".safetensors")) found[handle.name] = lastModified;
    }
    return found;
  }, path);
