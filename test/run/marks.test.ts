import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ByteSink } from "../../core/bytes/sink.ts";
import type { Journal } from "../../core/run/journal.ts";
import { createMarks } from "../../core/run/marks.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Marks of a merge whose disk takes `takes` milliseconds to confirm; the times at which a mark was due, looked at every 10 ms. */
async function dueTimes(takes: number, syncsAside: boolean, during: number): Promise<number[]> {
  const sink: ByteSink = {
    name: "model.safetensors",
    syncsAside,
    write: async () => {},
    close: async () => {},
    abort: async () => {},
    sync: () => new Promise((resolve) => setTimeout(resolve, takes)),
  };
  const written: unknown[] = [];
  const journal = {
    write: async (entry: unknown) => {
      written.push(entry);
    },
  } as unknown as Journal;
  const marks = createMarks(journal, async () => []);
  const began = performance.now();
  const times: number[] = [];
  for (let tensors = 1; performance.now() - began < during; tensors++) {
    await vi.advanceTimersByTimeAsync(10);
    if (!marks.due(sink)) continue;
    times.push(performance.now() - began);
    marks.tensors(tensors, sink);
  }
  await vi.advanceTimersByTimeAsync(takes);
  expect(written).toHaveLength(times.length);
  return times;
}

describe("marks on a disk that takes half a second to confirm", () => {
  test("follow each other soon where writing goes on meanwhile", async () => {
    expect(await dueTimes(500, true, 2000)).toEqual([60, 620, 1180, 1740]);
  });

  test("are spared where the sink does nothing else meanwhile", async () => {
    expect(await dueTimes(500, false, 3000)).toEqual([250, 2750]);
  });
});
