import { describe, expect, test } from "vitest";
import { isShared } from "../../core/bytes/shared.ts";
import { privateFolder } from "../../workers/folders.ts";
import { type Scribe, scribeAside, scribeHere, serveScribe } from "../../workers/scribe.ts";

interface Write {
  readonly bytes: number;
  readonly shared: boolean;
}

/** Private storage with one file, as a browser gives it: `takesShared` or refuses memory that threads share, `most` bytes at a time. */
function storage(takesShared: boolean, scribe: Scribe, most = Number.POSITIVE_INFINITY) {
  let content = new Uint8Array(0);
  const writes: Write[] = [];
  const calls: string[] = [];
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
    flush: () => {
      calls.push(`flush ${content.length}`);
    },
    close: () => {
      calls.push("close");
    },
  };
  const directory = {
    name: "models",
    getFileHandle: async () => ({ createSyncAccessHandle: async () => access }),
    removeEntry: async () => {},
  };
  const folder = privateFolder(directory as unknown as FileSystemDirectoryHandle, scribe);
  return { folder, writes, calls, content: () => content };
}

/** Two threads in one: messages arrive later, what is in them is the same. */
function aside(): Scribe & { fail(why: string): void } {
  const line = <T>() => {
    let hear: (message: T) => void = () => {};
    return {
      post: (message: T) => void setTimeout(() => hear(message)),
      listen: (listener: typeof hear) => {
        hear = listener;
      },
    };
  };
  const [there, back] = [line<never>(), line<never>()];
  serveScribe({ post: back.post, listen: there.listen });
  let fail = (_: string) => {};
  const scribe = scribeAside(
    { post: there.post, listen: back.listen },
    () => {},
    (tell) => {
      fail = tell;
    },
  );
  return { ...scribe, fail: (why) => fail(why) };
}

const MB = 2 ** 20;
const sharedBytes = () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(2.5 * MB)) as unknown as Uint8Array<ArrayBuffer>;
  bytes.forEach((_, i) => {
    bytes[i] = (i * 7) ^ (i >> 9);
  });
  return bytes;
};

describe.each([
  ["in this thread", () => scribeHere],
  ["in one of its own", aside],
])("private storage, written %s,", (_, scribe) => {
  test("is written from shared memory at once where the browser takes that", async () => {
    const { folder, writes, content } = storage(true, scribe());
    const sink = await folder.create("model.safetensors");
    const bytes = sharedBytes();
    await sink.write(bytes);
    await sink.close();
    expect(writes).toEqual([{ bytes: 2.5 * MB, shared: true }]);
    expect(Buffer.compare(content(), bytes)).toBe(0);
  });

  test("is given copies, a megabyte at a time, where the browser refuses it", async () => {
    const { folder, writes, content } = storage(false, scribe());
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
    const { folder, content } = storage(true, scribe(), 1_000_003);
    const sink = await folder.create("model.safetensors");
    const bytes = sharedBytes();
    await sink.write(bytes);
    expect(Buffer.compare(content(), bytes)).toBe(0);
  });

  test("that takes nothing is full", async () => {
    const { folder } = storage(true, scribe(), 0);
    const sink = await folder.create("model.safetensors");
    await expect(sink.write(Uint8Array.of(1))).rejects.toThrow(/private storage is full/);
  });

  test("is gone on with where it was left, but not where it has less than it should", async () => {
    const { folder, content, calls } = storage(true, scribe());
    const sink = await folder.create("model.safetensors");
    await sink.write(Uint8Array.of(1, 2, 3, 4));
    await sink.sync?.();
    await sink.leave?.();
    expect(calls).toEqual(["flush 4", "flush 4", "close"]);
    expect(await folder.reopen?.("model.safetensors", 5)).toBeNull();
    const again = await folder.reopen?.("model.safetensors", 2);
    await again?.write(Uint8Array.of(9));
    await again?.close();
    expect([...content()]).toEqual([1, 2, 9]);
    expect(calls.slice(3)).toEqual(["close", "flush 3", "close"]);
  });

  test("that holds an earlier file is written over where it lies, and cut where the new one ends", async () => {
    const { folder, content, calls } = storage(true, scribe());
    const before = await folder.create("model.safetensors");
    await before.write(Uint8Array.of(1, 2, 3, 4, 5));
    await before.close();
    const sink = await folder.create("model.safetensors");
    await sink.write(Uint8Array.of(9, 8));
    expect([...content()]).toEqual([9, 8, 3, 4, 5]);
    await sink.close();
    expect([...content()]).toEqual([9, 8]);
    expect(calls.slice(2)).toEqual(["flush 2", "close"]);
    const longer = await folder.create("model.safetensors");
    await longer.write(Uint8Array.of(7, 7, 7));
    await longer.close();
    expect([...content()]).toEqual([7, 7, 7]);
  });

  test("takes several writes before the first is answered", async () => {
    const { folder, content } = storage(true, scribe(), 3);
    const sink = await folder.create("model.safetensors");
    expect(sink.ahead).toBeGreaterThan(1);
    await Promise.all([1, 2, 3].map((value) => sink.write(new Uint8Array(5).fill(value))));
    await sink.close();
    expect([...content()]).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
  });
});

describe("a thread that writes", () => {
  test("is given the next bytes while a flush is waited for, and carries out what it is told in order", async () => {
    const { folder, calls, content } = storage(true, aside());
    const sink = await folder.create("model.safetensors");
    await sink.write(Uint8Array.of(1, 2));
    await Promise.all([sink.sync?.(), sink.write(Uint8Array.of(3))]);
    expect(calls).toEqual(["flush 2"]);
    expect([...content()]).toEqual([1, 2, 3]);
  });

  test("that is gone fails whoever waits for it, and whoever asks later", async () => {
    const scribe = aside();
    const { folder } = storage(true, scribe);
    const sink = await folder.create("model.safetensors");
    const lost = sink.write(Uint8Array.of(1));
    scribe.fail("it ran out of memory");
    await expect(lost).rejects.toThrow(/model\.safetensors: writing failed \(it ran out of memory\)/);
    await expect(sink.sync?.()).rejects.toThrow(/it ran out of memory/);
    await sink.abort();
  });

  test("tells what went wrong as it was", async () => {
    const full = Object.assign(new Error("no space"), { name: "QuotaExceededError" });
    const scribe = aside();
    const file = { createSyncAccessHandle: async () => Promise.reject(full) };
    await expect(scribe.open(file as unknown as FileSystemFileHandle, 0)).rejects.toMatchObject({
      name: "QuotaExceededError",
      message: "no space",
    });
  });
});
