import { describe, expect, test } from "vitest";
import { isShared } from "../../core/bytes/shared.ts";
import { privateFolder } from "../../workers/folders.ts";

interface Write {
  readonly bytes: number;
  readonly shared: boolean;
}

/** Private storage with one file, as a browser gives it: `takesShared` or refuses memory that threads share, `most` bytes at a time. */
function storage(takesShared: boolean, most = Number.POSITIVE_INFINITY) {
  let content = new Uint8Array(0);
  const writes: Write[] = [];
  const access = {
    getSize: () => content.length,
    truncate: (size: number) => {
      content = content.slice(0, size);
    },
    write: (bytes: Uint8Array<ArrayBuffer>, { at }: { at: number }) => {
      if (isShared(bytes) && !takesShared)
        throw new TypeError("The provided ArrayBufferView value must not be shared.");
      const taken = bytes.subarray(0, most);
      writes.push({ bytes: taken.length, shared: isShared(bytes) });
      const whole = new Uint8Array(Math.max(content.length, at + taken.length));
      whole.set(content);
      whole.set(taken, at);
      content = whole;
      return taken.length;
    },
    flush: () => {},
    close: () => {},
  };
  const directory = {
    name: "models",
    getFileHandle: async () => ({ createSyncAccessHandle: async () => access }),
    removeEntry: async () => {},
  };
  const folder = privateFolder(directory as unknown as FileSystemDirectoryHandle);
  return { folder, writes, content: () => content };
}

const MB = 2 ** 20;
const sharedBytes = () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(2.5 * MB)) as unknown as Uint8Array<ArrayBuffer>;
  bytes.forEach((_, i) => {
    bytes[i] = (i * 7) ^ (i >> 9);
  });
  return bytes;
};

describe("private storage", () => {
  test("is written from shared memory at once where the browser takes that", async () => {
    const { folder, writes, content } = storage(true);
    const sink = await folder.create("model.safetensors");
    const bytes = sharedBytes();
    await sink.write(bytes);
    await sink.close();
    expect(writes).toEqual([{ bytes: 2.5 * MB, shared: true }]);
    expect(Buffer.compare(content(), bytes)).toBe(0);
  });

  test("is given copies, a megabyte at a time, where the browser refuses it", async () => {
    const { folder, writes, content } = storage(false);
    const sink = await folder.create("model.safetensors");
    const [header, bytes] = [Uint8Array.of(1, 2, 3), sharedBytes()];
    await sink.write(header);
    await sink.write(bytes);
    await sink.write(header);
    await sink.close();
    expect(writes.map(({ bytes }) => bytes)).toEqual([3, MB, MB, 0.5 * MB, 3]);
    expect(writes.every(({ shared }) => !shared)).toBe(true);
    expect(Buffer.compare(content(), Buffer.concat([header, bytes, header]))).toBe(0);
  });

  test("is written on where it took only a part", async () => {
    const { folder, content } = storage(true, 1_000_003);
    const sink = await folder.create("model.safetensors");
    const bytes = sharedBytes();
    await sink.write(bytes);
    expect(Buffer.compare(content(), bytes)).toBe(0);
  });

  test("that takes nothing is full", async () => {
    const { folder } = storage(true, 0);
    const sink = await folder.create("model.safetensors");
    await expect(sink.write(Uint8Array.of(1))).rejects.toThrow(/private storage is full/);
  });
});
