/** Reading a file of the Hub: right bytes, or a sentence, whatever goes wrong on the way. */
import { expect, test } from "vitest";
import type { ByteSource } from "../../core/bytes/source.ts";
import type { Hub } from "../../core/hub/hub.ts";
import { hubHere, sha256, small } from "../support/hub/here.ts";
import type { Fault } from "../support/hub/server.mjs";

const here = hubHere();
const SHARD = "model-00002-of-00003.safetensors";

async function opened(hub: Hub = here.client()): Promise<ByteSource> {
  const { files } = await hub.open({ repo: "size/one" });
  const source = files.get(SHARD);
  if (source === undefined) throw new Error("The shard is not there.");
  here.mock.clear();
  return source;
}

const truth = () => {
  const repo = here.mock.repos.get("size/one");
  const file = repo?.commits.get(repo.branches.get("main") ?? "")?.get(SHARD);
  if (file === undefined) throw new Error("The shard is not there.");
  return file;
};

/** Reads pieces of many sizes, some side by side, and compares every byte. */
async function readsRight(source: ByteSource, signal?: AbortSignal): Promise<void> {
  const { size, read } = truth();
  const whole = await source.read({ start: 0, end: size }, signal);
  expect(sha256(whole)).toBe(sha256(read(0, size)));
  const ranges = Array.from({ length: 12 }, (_, i) => {
    const start = Math.floor((size / 13) * i) + i;
    return { start, end: Math.min(size, start + 1000 * i ** 2 + 1) };
  });
  const parts = await Promise.all(ranges.map((range) => source.read(range, signal)));
  for (const [i, { start, end }] of ranges.entries()) expect(sha256(parts[i]!)).toBe(sha256(read(start, end)));
}

test("a file is resolved once; then the signed address is asked directly, without a cache and without the token", async () => {
  const source = await opened(here.client({ token: () => "hf_ann" }));
  await readsRight(source);
  expect(here.mock.log.filter(({ path }) => path.includes("/resolve/"))).toEqual([]);
  const asked = here.mock.log.map(({ host, authorized, status }) => `${host} ${status} ${authorized}`);
  expect(new Set(asked)).toEqual(new Set(["storage 200 false", "storage 206 false"]));
});

/** Faults that pass, each as a switch: the bytes are right in the end. */
const PASSING: Readonly<Record<string, readonly Fault[]>> = {
  "429 with Retry-After": [{ kind: "busy", where: "cdn", times: 2, after: 0.05 }],
  "429 with a date": [{ kind: "busy", where: "cdn", times: 1, after: "Thu, 01 Jan 2026 00:00:00 GMT" }],
  "429 with the Hub's own window": [{ kind: "busy", where: "cdn", times: 1, window: 0 }],
  "429 without a word": [{ kind: "busy", where: "cdn", times: 3 }],
  "500 and 503": [
    { kind: "broken", where: "cdn", times: 2, status: 500 },
    { kind: "broken", where: "cdn", every: 3, status: 503 },
  ],
  "connections cut at once": [{ kind: "offline", where: "cdn", every: 2 }],
  "connections cut in the middle": [{ kind: "reset", where: "cdn", times: 20, bytes: 100_000 }],
  "bodies that end early": [{ kind: "short", where: "cdn", times: 20, bytes: 90_001 }],
  "answers with less than asked for": [{ kind: "part", where: "cdn", bytes: 200_003 }],
  "ranges nobody asked for": [{ kind: "shifted", where: "cdn", every: 2 }],
  "servers that know no ranges": [{ kind: "whole", where: "cdn" }],
  "signed addresses refused": [{ kind: "expired", where: "cdn", every: 3 }],
  silence: [{ kind: "silent", where: "cdn", times: 1 }],
  "a slow link": [{ kind: "slow", where: "cdn", rate: 20_000_000 }],
};

for (const [name, faults] of Object.entries(PASSING)) {
  test(`${name}: waited out, every byte is right`, async () => {
    const source = await opened();
    here.mock.set(...faults);
    await readsRight(source);
  });
}

test("signed addresses that are too old are made anew", async () => {
  here.mock.signFor(60);
  const source = await opened();
  await new Promise((next) => setTimeout(next, 80));
  await readsRight(source);
  expect(here.mock.log.some(({ host, status }) => host === "storage" && status === 403)).toBe(true);
});

test("a body that was cut is continued, not fetched again", async () => {
  const source = await opened();
  const { size } = truth();
  here.mock.set({ kind: "reset", where: "cdn", times: 3, bytes: 500_000 });
  await source.read({ start: 0, end: size });
  // What was on its way when the connection was cut may be lost, but no more than that.
  expect(here.mock.sent()).toBeLessThan(1.5 * size);
  const starts = here.mock.log.map(({ range }) => Number(/^bytes=(\d+)/.exec(range ?? "")?.[1] ?? 0));
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
  expect(starts.at(-1)).toBeGreaterThan(0);
});

test("when a host is busy, every request waits for as long as it asks, not only the one that was told", async () => {
  const source = await opened();
  here.mock.set({ kind: "busy", where: "cdn", times: 1, after: 1 });
  const started = performance.now();
  const first = source.read({ start: 100_000, end: 100_100 });
  await new Promise((next) => setTimeout(next, 150));
  const others = [1, 2, 3, 4].map((i) => source.read({ start: 200_000 * i, end: 200_000 * i + 10 }));
  await Promise.all([first, ...others]);
  expect(performance.now() - started).toBeGreaterThan(990);
  expect(here.mock.log.map(({ status }) => status)).toEqual([429, 206, 206, 206, 206, 206]);
  expect(here.waits).toMatchObject([{ milliseconds: 1000, because: "too many requests" }]);
});

test("what does not pass is said in a sentence", async () => {
  const source = await opened();
  const tail = { start: 1_000_000, end: 1_100_000 };
  const cases: readonly (readonly [Fault, RegExp])[] = [
    [
      { kind: "broken", where: "cdn", status: 502 },
      /could not be reached \(status 502\), after 7 tries\. Check the connection/,
    ],
    [{ kind: "offline", where: "cdn" }, /could not be reached \(.+\), after 7 tries/],
    [
      { kind: "shifted", where: "cdn" },
      /00002-of-00003\.safetensors of size\/one: the answers are wrong \(bytes 1,000,001 to .+\), 7 times in a row/,
    ],
    [{ kind: "expired", where: "cdn" }, /refused 5 addresses in a row/],
    [
      { kind: "etag", where: "cdn" },
      /is not the file it was: its etag was "[0-9a-f]+" and is "changed-.*open the model again/,
    ],
    [{ kind: "busy", where: "cdn", after: 3600 }, /asks to wait 60 minutes/],
  ];
  for (const [fault, sentence] of cases) {
    here.mock.set(fault);
    const error = await source.read(tail).then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(sentence);
    expect(error?.name).toBe("HubError");
  }
});

test("a revision that is gone is refused with the commit it was opened at", async () => {
  here.mock.signFor(20);
  const source = await opened();
  const before = here.mock.repos.get("size/one")?.branches.get("main") ?? "";
  here.mock.replace("size/one", small("another"));
  await new Promise((next) => setTimeout(next, 30));
  await expect(source.read({ start: 100_000, end: 100_100 })).rejects.toThrow(
    `${SHARD} of size/one is not the file it was: the Hub no longer has that commit. It was opened at commit ${before.slice(0, 12)}`,
  );
  here.mock.replace("size/one", small("one"));
});

test("a cancelled read stops asking", async () => {
  const source = await opened();
  here.mock.set({ kind: "slow", where: "cdn", rate: 100_000 });
  const controller = new AbortController();
  const reading = source.read({ start: 0, end: truth().size }, controller.signal);
  setTimeout(() => controller.abort(new DOMException("Cancelled.", "AbortError")), 120);
  await expect(reading).rejects.toThrow("Cancelled.");
  const { length } = here.mock.log;
  await new Promise((next) => setTimeout(next, 100));
  expect(here.mock.log.length).toBe(length);
});
