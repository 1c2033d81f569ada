/** The result in private storage: written over as long as nobody was given its files, new ones where somebody was. */
import { expect, test } from "vitest";
import { giveResult, roomForResult } from "../../workers/result.ts";

/** Folders and files of private storage, as far as a result needs them; each file is an object of its own. */
class Place {
  readonly kind = "directory";
  readonly entries = new Map<string, Place | { readonly kind: "file"; getFile(): Promise<File> }>();
  private async handle<T>(name: string, create: boolean | undefined, make: () => T): Promise<T> {
    const known = this.entries.get(name);
    if (known !== undefined) return known as T;
    if (create !== true) throw new DOMException("not there", "NotFoundError");
    const made = make();
    this.entries.set(name, made as Place);
    return made;
  }
  getFileHandle(name: string, options?: { create?: boolean }) {
    const file = new File([], name);
    return this.handle(name, options?.create, () => ({ kind: "file" as const, getFile: async () => file }));
  }
  getDirectoryHandle(name: string, options?: { create?: boolean }) {
    return this.handle(name, options?.create, () => new Place());
  }
  async removeEntry(name: string) {
    if (!this.entries.delete(name)) throw new DOMException("not there", "NotFoundError");
  }
  async *keys() {
    yield* [...this.entries.keys()];
  }
  async *values() {
    yield* [...this.entries.values()];
  }
}

const WEIGHTS = ["model.safetensors"];
const storageOf = (place: Place) => place as unknown as FileSystemDirectoryHandle;

/** A merge: room for it, then its files. Returns the file of the weights, the same object where it was written over. */
async function merge(place: Place, weights = WEIGHTS): Promise<unknown> {
  const folder = (await roomForResult(storageOf(place), weights)) as unknown as Place;
  const before = [...folder.entries.keys()];
  expect(before.every((name) => weights.includes(name))).toBe(true);
  for (const name of [...weights, "config.json", "weightloom.json"]) await folder.getFileHandle(name, { create: true });
  return folder.entries.get(weights[0]!);
}

test("weights that nobody was given are written over; the small files go first", async () => {
  const place = new Place();
  const first = await merge(place);
  expect(await merge(place)).toBe(first);
});

test("weights that were given away are left to whoever has them, by the next merge and no other", async () => {
  const place = new Place();
  const first = await merge(place);
  const given = await giveResult(storageOf(place));
  expect(given.map(({ name }) => name)).toEqual(["config.json", "model.safetensors", "weightloom.json"]);
  const second = await merge(place);
  expect(second).not.toBe(first);
  expect(await merge(place)).toBe(second);
});

test("shards of an earlier result that the next has not are removed", async () => {
  const place = new Place();
  await merge(place, ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]);
  await merge(place);
  const names = (await giveResult(storageOf(place))).map(({ name }) => name);
  expect(names).toEqual(["config.json", "model.safetensors", "weightloom.json"]);
});

test("given away by another tab while the small files are removed: new ones", async () => {
  const place = new Place();
  const first = await merge(place);
  const folder = place.entries.get("weightloom-result") as Place;
  const { removeEntry } = folder;
  folder.removeEntry = async (name) => {
    await removeEntry.call(folder, name);
    await giveResult(storageOf(place));
  };
  expect(await merge(place)).not.toBe(first);
});
